from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import corrupt_dates, errors
from generator.corrupt_dates import Dates, difference
from generator.people import DAY, MONTH, YEAR
from simcheck.reasons import Reason

TODAY = date(2026, 7, 1)
BIRTHS = st.dates(date(1920, 1, 1), date(2020, 12, 31))


def dates(*days: tuple[int, int, int]) -> Dates:
    columns = np.array(days, np.int64).reshape(-1, 3).T
    return Dates(*(column.copy() for column in columns))


def written(day: tuple[int, int, int], kind: str, uniform: float = 0.3) -> str | None:
    kinds = np.array([errors.number(f"dob.{kind}")])
    cells, _, got = corrupt_dates.written(dates(day), np.array([True]), kinds, np.array([uniform]), TODAY)
    return "unable" if got[0] < 0 else cells[0].as_py()


@pytest.mark.parametrize(
    ("kind", "day", "cell"),
    [
        ("slashes", (1990, 5, 17), "17/05/1990"),
        ("dashes", (1990, 5, 17), "17-05-1990"),
        ("dots", (1990, 5, 17), "17.05.1990"),
        ("compact", (1990, 5, 17), "19900517"),
        ("unpadded", (1990, 5, 7), "7/5/1990"),
        ("with_time", (1990, 5, 17), "1990-05-17 00:00:00"),
        ("serial", (1990, 5, 17), "33010"),
        ("serial", (1925, 5, 17), "unable"),
        ("two_digit_year", (1990, 5, 17), "17/05/90"),
        ("two_digit_year", (2004, 5, 17), "unable"),
        ("year_only", (1990, 5, 17), "1990"),
        ("month_only", (1990, 5, 17), "1990-05"),
        ("zeros", (1990, 5, 17), "00/00/1990"),
        ("day_month_swapped", (1990, 5, 7), "1990-07-05"),
        ("day_month_swapped", (1990, 5, 17), "unable"),
        ("day_month_swapped", (1990, 5, 5), "unable"),
        ("one_day_off", (1990, 5, 19), "1990-05-20"),
        ("one_day_off", (1990, 5, 17), "unable"),
        ("filler", (1990, 5, 17), "1990-01-01"),
        ("filler", (1990, 1, 2), "unable"),
        ("impossible_explained", (1990, 5, 1), "1990-04-31"),
        ("impossible_explained", (1990, 3, 1), "1990-02-29"),
        ("impossible_explained", (1990, 3, 2), "1990-02-30"),
        ("impossible_explained", (1992, 3, 1), "1992-02-30"),
        ("impossible_explained", (1992, 3, 2), "unable"),
        ("impossible_explained", (1990, 5, 2), "unable"),
        ("missing", (1990, 5, 17), None),
    ],
)
def test_recipes(kind: str, day: tuple[int, int, int], cell: str | None) -> None:
    assert written(day, kind) == cell


def test_a_date_the_register_knows_in_part_keeps_its_kinds_out() -> None:
    held = dates((1950, 0, 0), (1950, 3, 0))
    kinds = np.array([errors.number("dob.slashes"), errors.number("dob.digit_slip")])
    cells, _, got = corrupt_dates.written(held, np.zeros(2, np.bool_), kinds, np.array([0.1, 0.2]), TODAY)
    assert cells.to_pylist() == ["1950", "1950-03"]
    assert (got == errors.NONE).all()


@settings(deadline=None)
@given(BIRTHS, st.floats(0, 1, exclude_max=True))
def test_what_a_kind_does_is_what_the_comparison_finds(born: date, uniform: float) -> None:
    held = dates((born.year, born.month, born.day))
    for kind, reason in (
        ("digit_slip", Reason.DOB_TYPO),
        ("digits_swapped", Reason.DOB_TYPO),
        ("day_month_swapped", Reason.DOB_DAY_MONTH_SWAPPED),
        ("different", Reason.DOB_DIFFERENT),
        ("filler", Reason.DOB_DIFFERENT),
    ):
        kinds = np.array([errors.number(f"dob.{kind}")])
        _, said, got = corrupt_dates.written(held, np.array([True]), kinds, np.array([uniform]), TODAY)
        if got[0] >= 0:
            assert difference(said, held, np.array([DAY]))[0] == reason.mask
            date(int(said.year[0]), int(said.month[0]), int(said.day[0]))  # in the calendar, or ValueError


def test_a_partly_known_date_is_compared_as_far_as_it_is_known() -> None:
    said, held = dates((1950, 3, 4), (1950, 4, 4), (1951, 3, 4)), dates(*[(1950, 3, 9)] * 3)
    partial, different = Reason.DOB_PARTIAL.mask, Reason.DOB_DIFFERENT.mask
    assert list(difference(said, held, np.full(3, MONTH))) == [partial, different, different]
    assert list(difference(said, held, np.full(3, YEAR))) == [partial, partial, different]


def test_garbage_is_no_date() -> None:
    for uniform in (0.0, 0.25, 0.45, 0.65, 0.99):
        cell = written((1990, 5, 17), "malformed", uniform)
        assert cell
        assert "1990" not in cell
