from __future__ import annotations

import calendar
import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.matching import birth_dates
from simcheck.matching.birth_dates import one_digit_slip
from simcheck.reasons import Reason
from tests.building import reasons_of

DATES = st.dates(min_value=datetime.date(1900, 1, 1)).map(
    lambda day: day.year * 10_000 + day.month * 100 + day.day
)


def compare(declared: int, registered: int, other: int = 0, flags: int = 0) -> set[str]:
    found = birth_dates.compare(
        np.array([declared], np.int32), np.array([other], np.int32),
        np.array([flags], np.uint64), np.array([registered], np.int32),
    )  # fmt: skip
    return reasons_of(int(found[0]))


@pytest.mark.parametrize(
    ("declared", "registered", "reasons"),
    [
        (19900525, 19900525, set()),
        (19900000, 19900000, set()),
        (19900500, 19900500, set()),
        # one side knows less, and what both know agrees
        (19900525, 19900000, {"DOB_PARTIAL"}),
        (19900525, 19900500, {"DOB_PARTIAL"}),
        (19900000, 19900525, {"DOB_PARTIAL"}),
        (19900500, 19900525, {"DOB_PARTIAL"}),
        (19900500, 19900000, {"DOB_PARTIAL"}),
        (19900525, 0, {"DOB_PARTIAL"}),
        # one side knows less, and what both know does not
        (19900525, 19910000, {"DOB_DIFFERENT"}),
        (19900525, 19900600, {"DOB_DIFFERENT"}),
        (19910000, 19900525, {"DOB_DIFFERENT"}),
        (19900600, 19900525, {"DOB_DIFFERENT"}),
        # explained, and still contradicting
        (19900307, 19900703, {"DOB_DAY_MONTH_SWAPPED"}),
        (19900526, 19900525, {"DOB_TYPO"}),
        (19900552, 19900525, {"DOB_TYPO"}),
        (19909525, 19900525, {"DOB_TYPO"}),
        (19090525, 19900525, {"DOB_TYPO"}),
        (19990525, 19900525, {"DOB_TYPO"}),
        (20900525, 19900525, {"DOB_DIFFERENT"}),
        (19900101, 19900525, {"DOB_DIFFERENT"}),  # 1 January as a filler contradicts
        (19850312, 19900525, {"DOB_DIFFERENT"}),
    ],
)
def test_two_dates(declared, registered, reasons):
    assert compare(declared, registered) == reasons


@pytest.mark.parametrize(
    ("impossible", "moved"),
    [
        (19900431, 19900501), (19900631, 19900701), (19900931, 19901001), (19901131, 19901201),
        (19900229, 19900301), (19900230, 19900302), (19920230, 19920301),
        (19000229, 19000301), (20000230, 20000301),  # 1900 was no leap year, 2000 was one
    ],
)  # fmt: skip
def test_days_that_never_were_move_past_the_end_of_the_month(impossible, moved):
    """Civil-status guidance (DOMAIN 8.5), whichever side holds which."""
    flag = Reason.DOB_IMPOSSIBLE.mask
    assert compare(impossible, moved, flags=flag) == {"DOB_IMPOSSIBLE"}
    assert compare(moved, impossible) == {"DOB_IMPOSSIBLE"}
    assert compare(impossible, impossible, flags=flag) <= {"DOB_IMPOSSIBLE"}
    assert "DOB_DIFFERENT" in compare(impossible, moved + 100, flags=flag) | compare(
        impossible, moved + 4, flags=flag
    )


@pytest.mark.parametrize("registered", [19900502, 19900530, 19910501, 19850312])
def test_an_impossible_day_is_no_excuse_for_another_date(registered):
    found = compare(19900431, registered, flags=Reason.DOB_IMPOSSIBLE.mask)
    assert "DOB_IMPOSSIBLE" in found
    assert found & {"DOB_DIFFERENT", "DOB_TYPO", "DOB_DAY_MONTH_SWAPPED"}


@pytest.mark.parametrize("flag", [Reason.DOB_MISSING, Reason.DOB_MALFORMED])
def test_what_could_not_be_read_is_said_once(flag):
    assert compare(0, 19900525, flags=flag.mask) == {flag.name}


def test_the_other_reading_of_an_ambiguous_date():
    """03/07/1990, read day first; the register holds 7 March: the day and month changed places."""
    assert compare(19900703, 19900307, other=19900307) == {"DOB_DAY_MONTH_SWAPPED"}
    assert compare(19900703, 19900703, other=19900307) == set()


@given(DATES)
def test_a_date_is_itself(date):
    assert compare(date, date) == set()


@given(DATES, DATES)
def test_two_full_dates_agree_only_when_equal(one, other):
    found = compare(one, other)
    assert (not found) == (one == other)
    assert found == set() or found & {"DOB_DAY_MONTH_SWAPPED", "DOB_TYPO", "DOB_DIFFERENT"}
    assert len(found) <= 1


@given(DATES, st.integers(1, 31))
def test_partial_dates_agree_with_every_date_they_allow(date, day):
    year, month = date // 10_000, date // 100 % 100
    day = min(day, calendar.monthrange(year, month)[1])
    for less in (year * 10_000, year * 10_000 + month * 100):
        assert compare(less, less // 100 * 100 + day if less % 10_000 else date) == {"DOB_PARTIAL"}
        assert compare(date, less) == {"DOB_PARTIAL"}


def slip(one: int, other: int) -> bool:
    """The same in the plainest words, over digits as text."""
    width = max(len(str(one)), len(str(other)))
    a, b = str(one).zfill(width), str(other).zfill(width)
    changed = [at for at in range(width) if a[at] != b[at]]
    if len(changed) == 1:
        return True
    return (
        len(changed) == 2
        and changed[1] == changed[0] + 1
        and (a[changed[0]], a[changed[1]]) == (b[changed[1]], b[changed[0]])
    )


@given(st.integers(0, 10**12 - 1), st.integers(0, 11), st.integers(0, 9), st.integers(0, 10**12 - 1))
def test_one_digit_slips(number, place, digit, other):
    changed = number // 10 ** (place + 1) * 10 ** (place + 1) + digit * 10**place + number % 10**place
    assert one_digit_slip(number, changed) == slip(number, changed) == (number != changed)
    assert one_digit_slip(number, other) == slip(number, other)
    text = f"{number:012}"
    if place < 11:
        swapped = int(text[:place] + text[place + 1] + text[place] + text[place + 2 :])
        assert one_digit_slip(number, swapped) == (number != swapped)
