from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.clock import LOCAL
from simcheck.enforcement import calendar
from simcheck.enforcement.calendar import Calendar, day_number
from simcheck.enforcement.policy import shipped
from simcheck.enforcement.reading import read

CALENDAR = read(shipped()).calendar
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
DAYS = st.dates(date(2024, 1, 1), date(2032, 12, 31))


@given(MOMENTS)
def test_a_moment_is_one_number(at):
    assert calendar.datetime_of(calendar.moment_of(at)) == at


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (
            datetime(2026, 11, 22, 16, 59, 59, 999_999, tzinfo=UTC),
            date(2026, 11, 22),
        ),  # before midnight there
        (datetime(2026, 11, 22, 17, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2028, 2, 28, 17, tzinfo=UTC), date(2028, 2, 29)),
        (datetime(2026, 12, 31, 17, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(1969, 12, 31, 16, 59, tzinfo=UTC), date(1969, 12, 31)),
    ],
)
def test_days_are_those_of_viet_nam(at, day):
    assert calendar.day_of(np.array([calendar.moment_of(at)]))[0] == day_number(day)


@given(DAYS)
def test_an_hour_of_a_day(day):
    at = calendar.datetime_of(calendar.at_hour(np.array([day_number(day)]), time(8, 30))[0])
    assert at.astimezone(LOCAL) == datetime.combine(day, time(8, 30), LOCAL)


@pytest.mark.parametrize(
    ("start", "count", "first", "due"),
    [
        # What carriers told in 2026: locked on 15 June, 60 days, two-way on 14 or 15 August.
        (date(2026, 6, 15), 60, True, date(2026, 8, 14)),
        (date(2026, 6, 15), 60, False, date(2026, 8, 15)),
        # Locked on 10 May: 9 or 10 July.
        (date(2026, 5, 10), 60, True, date(2026, 7, 9)),
        (date(2026, 5, 10), 60, False, date(2026, 7, 10)),
        (date(2028, 2, 28), 1, False, date(2028, 3, 1)),  # the whole of the leap day
        (date(2028, 2, 28), 1, True, date(2028, 2, 29)),
    ],
)
def test_whether_the_first_day_counts(start, count, first, due):
    assert CALENDAR.due_after(day_number(start), count, first=first) == day_number(due)


def slowly(start: date, count: int, first: bool) -> date:
    """The day after so many working days, by hand."""
    day, left = start, count
    while True:
        if (day > start or first) and day.weekday() < 5 and day not in CALENDAR.holidays:
            left -= 1
        if not left:
            return day + timedelta(days=1)
        day += timedelta(days=1)


@given(DAYS, st.integers(1, 40), st.booleans())
def test_working_days(start, count, first):
    found = CALENDAR.due_after_working(np.array([day_number(start)]), count, first=first)
    assert found[0] == day_number(slowly(start, count, first))


@given(st.lists(DAYS, min_size=1, max_size=20), st.integers(1, 40), st.booleans())
def test_many_are_each_what_one_is(starts, count, first):
    days = np.array([day_number(each) for each in starts])
    many = CALENDAR.due_after_working(days, count, first=first).tolist()
    assert many == [int(CALENDAR.due_after_working(each, count, first=first)) for each in days]


def test_what_falls_on_a_holiday_is_due_on_the_next_working_day():
    tet = [date(2027, 2, day) for day in range(5, 11)]
    found = CALENDAR.on_working_day(np.array([day_number(each) for each in tet]))
    assert set(found.tolist()) == {day_number(date(2027, 2, 10))}


def test_a_week_needs_a_working_day():
    with pytest.raises(ValueError, match="weekmask"):
        Calendar((), frozenset(), ())
