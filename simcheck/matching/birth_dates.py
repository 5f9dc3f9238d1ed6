"""Two birth dates, at the precision of the one that knows less.

Dates are yyyymmdd integers with 00 for unknown parts (`normalise.dates`). Civil papers hold days that
never were (31 April); guidance moves them past the month's end (DOMAIN 8.5, S107), so such a difference
is explained. A day and month that changed places, or one slipped digit, is named, but still contradicts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simcheck.normalise.kernels import kernel
from simcheck.reasons import Reason

I32 = npt.NDArray[np.int32]
U64 = npt.NDArray[np.uint64]

PARTIAL = np.uint64(Reason.DOB_PARTIAL.mask)
SWAPPED = np.uint64(Reason.DOB_DAY_MONTH_SWAPPED.mask)
TYPO = np.uint64(Reason.DOB_TYPO.mask)
DIFFERENT = np.uint64(Reason.DOB_DIFFERENT.mask)
IMPOSSIBLE = np.uint64(Reason.DOB_IMPOSSIBLE.mask)
NONE = np.uint64(0)


def compare(declared: I32, other: I32, flags: U64, registered: I32) -> U64:
    """Reasons, row by row. `other` is the month-first reading of an ambiguous date (0: none), `flags` what
    the declared date's own reading found (DOB_MISSING, DOB_MALFORMED, DOB_IMPOSSIBLE)."""
    out = np.empty(len(declared), np.uint64)
    _compare(declared, other, flags, registered, out)
    return out


@kernel
def _compare(declared: I32, other: I32, flags: U64, registered: I32, out: U64) -> None:
    for row in range(len(declared)):
        out[row] = of_pair(declared[row], other[row], flags[row], registered[row])


@kernel
def of_pair(ours: int, other: int, flags: np.uint64, theirs: int) -> np.uint64:
    """The reasons of one declared and one registered date; see `compare`."""
    if ours == 0:
        # a year before anybody alive was born is kept nowhere, but it was another one
        return flags | (DIFFERENT if flags & IMPOSSIBLE else NONE)
    if ours == theirs:
        return flags
    return flags | _difference(ours, other, theirs)


@kernel
def _difference(ours: int, other: int, theirs: int) -> np.uint64:
    if theirs == 0:
        return PARTIAL
    month, day = ours // 100 % 100, ours % 100
    their_month, their_day = theirs // 100 % 100, theirs % 100
    if _moved(ours) == theirs or _moved(theirs) == ours:
        return IMPOSSIBLE
    if month == 0 or day == 0 or their_month == 0 or their_day == 0:
        agrees = ours // 10000 == theirs // 10000
        agrees = agrees and (month == 0 or their_month == 0 or month == their_month)
        agrees = agrees and (day == 0 or their_day == 0 or day == their_day)
        return PARTIAL if agrees else DIFFERENT
    if other == theirs or (ours // 10000 == theirs // 10000 and month == their_day and day == their_month):
        return SWAPPED
    return TYPO if one_digit_slip(ours, theirs) else DIFFERENT


@kernel
def _moved(date: int) -> int:
    """Where an impossible day of a month goes: as many days into the next month as it stood past the end."""
    year, month, day = date // 10000, date // 100 % 100, date % 100
    last = 31
    if month in (4, 6, 9, 11):
        last = 30
    elif month == 2:
        last = 29 if (year % 4 == 0 and year % 100 != 0) or year % 400 == 0 else 28
    if month == 0 or month > 11 or day <= last:
        return -1
    return year * 10000 + (month + 1) * 100 + day - last


@kernel
def one_digit_slip(ours: int, theirs: int) -> bool:
    """Whether one digit changed, or two neighbours changed places."""
    first = -1
    second = -1
    differing = 0
    at = 0
    a = np.int64(ours)
    b = np.int64(theirs)
    d1 = np.int64(0)
    d2 = np.int64(0)
    while a > 0 or b > 0:
        if a % 10 != b % 10:
            differing += 1
            if differing == 1:
                first, d1, d2 = at, a % 10, b % 10
            elif differing == 2:
                second = at
                if not (d1 == b % 10 and d2 == a % 10):
                    return False
        a //= 10
        b //= 10
        at += 1
    return differing == 1 or (differing == 2 and second == first + 1)
