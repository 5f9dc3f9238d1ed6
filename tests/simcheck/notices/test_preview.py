"""What is shown beforehand is what the schedule makes."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from simcheck.messages.words import Group, Kind
from simcheck.notices import policy, preview, schedule

RULES = policy.load()
HERE = timezone(timedelta(hours=7))


def opened(day: date, hour: int = 9) -> preview.Calendar:
    return preview.calendar(RULES, Group.NAME, datetime(day.year, day.month, day.day, hour, tzinfo=HERE))


def test_a_plain_week():
    found = opened(date(2026, 11, 2))
    kinds = [each.kind for each in found.notices]
    assert len(kinds) == found.ladder.most
    assert (kinds[0], kinds[1], kinds[4]) == (Kind.FIRST, Kind.REMINDER, Kind.BEFORE_SUSPENSION)
    assert found.deadline == date(2026, 11, 7)
    assert [each.day.day for each in found.days[:6]] == [2, 3, 4, 5, 6, 7]
    assert found.days[0].notice.at == datetime(2026, 11, 2, 9, tzinfo=HERE)  # in the day: at once
    assert [each.late for each in found.notices].index(True) == sum(
        schedule.local_day(RULES, each.at) <= found.deadline for each in found.notices
    )


def test_a_case_that_is_opened_on_a_holiday_begins_after_it():
    found = opened(date(2026, 4, 30))
    assert [(each.holiday, each.notice is None) for each in found.days[:2]] == [(True, True)] * 2
    assert found.days[2].notice.number == 1


@pytest.mark.parametrize("group", Group)
@pytest.mark.parametrize("hour", [2, 9, 21])
def test_nothing_ever_comes_in_quiet_hours(group, hour):
    at = datetime(2026, 2, 14, hour, tzinfo=HERE)
    for each in preview.calendar(RULES, group, at, 0.99).notices:
        assert not schedule.quiet(RULES, each.at)
