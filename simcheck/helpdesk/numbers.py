"""What people call a question by: H-000123-Z, with a check character of the case codes' alphabet.

The number modulo 31, a prime: every wrong digit, and every two neighbours that changed places, are noticed.
"""

from __future__ import annotations

import re

from simcheck.cases.codes import ALPHABET

_DIGITS = 6  # at least
_READ = re.compile(r"H?(\d{1,18})([0-9A-Z])", re.ASCII)


def shown(number: int) -> str:
    """A question's number as people read it."""
    return f"H-{number:0{_DIGITS}}-{ALPHABET[number % len(ALPHABET)]}"


def read(text: str) -> int | None:
    """The number that somebody typed, in any case, with or without dashes; None where it cannot be one."""
    found = _READ.fullmatch(re.sub(r"[\s.-]", "", text).upper())
    if found is None:
        return None
    number = int(found[1])
    return number if shown(number)[-1] == found[2] else None
