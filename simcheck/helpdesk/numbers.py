"""What people call a question by: H-000123-Z, with a check character of the case codes' alphabet. Requests
about one's own data have another letter in front.

The number modulo 31, a prime: every wrong digit, and every two neighbours that changed places, are noticed.
"""

from __future__ import annotations

import re

from simcheck.cases.codes import ALPHABET

_DIGITS = 6  # at least
QUESTION, REQUEST = "H", "Y"
_READ = re.compile(r"([A-Z]?)(\d{1,18})([0-9A-Z])", re.ASCII)


def shown(number: int, letter: str = QUESTION) -> str:
    """A question's number as people read it."""
    return f"{letter}-{number:0{_DIGITS}}-{ALPHABET[number % len(ALPHABET)]}"


def read(text: str, letter: str = QUESTION) -> int | None:
    """The number that somebody typed, in any case, with or without dashes; None where it cannot be one."""
    found = _READ.fullmatch(re.sub(r"[\s.-]", "", text).upper())
    if found is None or found[1] not in ("", letter):
        return None
    number = int(found[2])
    return number if shown(number)[-1] == found[3] else None
