"""Case codes: short enough to read aloud, too many to guess, and a slip of the tongue is noticed.

Nine random characters and a check character, of an alphabet without the pairs that look or sound alike
(0 O, 1 I L). There are 31 characters, a prime number: the weighted sum modulo 31 notices every wrong
character and every two that changed places.
"""

from __future__ import annotations

import re
import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
RANDOM = 9  # characters: 2.6e13 codes
_HALF = 5

# The fully random bytes of a version 4 UUID (RFC 9562): neither the version's nor the variant's.
_BYTES = (0, 1, 2, 3, 4, 5, 9, 10, 11)


def draw() -> str:
    """A new code, as it is kept: ten characters."""
    places = [secrets.randbelow(len(ALPHABET)) for _ in range(RANDOM)]
    return "".join(ALPHABET[place] for place in places) + _check(places)


def shown(code: str) -> str:
    """A code as people read it: K7M2P-9QXRT."""
    return f"{code[:_HALF]}-{code[_HALF:]}"


def read(text: str) -> str | None:
    """The code that somebody typed, in any case, with spaces or dashes; None where it cannot be one."""
    code = re.sub(r"[\s.-]", "", text).upper()
    if len(code) != RANDOM + 1 or not set(code) <= set(ALPHABET):
        return None
    places = [ALPHABET.index(each) for each in code[:RANDOM]]
    return code if _check(places) == code[RANDOM] else None


def _check(places: list[int]) -> str:
    return ALPHABET[sum((at + 1) * place for at, place in enumerate(places)) % len(ALPHABET)]


def sql(drawn: str) -> str:
    """The expression that makes a code from a column of `uuid_send(gen_random_uuid())`."""
    places = [f"get_byte({drawn}, {byte}) % {len(ALPHABET)}" for byte in _BYTES]
    check = " + ".join(f"{at + 1} * ({place})" for at, place in enumerate(places))
    return " || ".join(
        f"substr('{ALPHABET}', 1 + {place}, 1)" for place in (*places, f"({check}) % {len(ALPHABET)}")
    )
