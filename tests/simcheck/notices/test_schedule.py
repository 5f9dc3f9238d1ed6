from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.messages.words import Group, Kind
from simcheck.notices import policy as policies
from simcheck.notices import schedule
from simcheck.notices.schedule import DAY

POLICY = policies.load()
FREE = replace(POLICY, holiday=None)  # nothing is sent on holidays
MOMENTS = st.datetimes(datetime(2026, 1, 2), datetime(2027, 10, 1), timezones=st.just(UTC))
SHARES = st.floats(0, 1, exclude_max=True)
LADDERS = st.sampled_from(POLICY.ladders)


def at(written: str) -> datetime:
    """A moment by the clock in Viet Nam."""
    return datetime.fromisoformat(f"{written}+07:00").astimezone(UTC)


def sent(policy, ladder, opened, share, delays):
    """When notices of a case that nobody closes are sent, and as what, by a planner that wakes up to half a
    day late, but never leaves a day out."""
    due = schedule.first_due(policy, opened)
    moment = opened if due is None else due[0] + share * due[1]
    first, count, found = None, 0, []
    for delay in delays:
        closes = schedule.closes(policy, moment)
        moment = min(moment + delay, closes - timedelta(seconds=1))
        found.append((moment, schedule.kind_of(policy, ladder, count, first, moment)))
        first, count = first or moment, count + 1
        day = schedule.next_day(policy, ladder, count, first, moment)
        if day is None:
            break
        moment = schedule.on(policy, day, share)
    return found


@given(
    st.sampled_from([POLICY, FREE]), LADDERS, MOMENTS, SHARES,
    st.lists(st.timedeltas(timedelta(0), timedelta(hours=12)), min_size=20, max_size=20),
)  # fmt: skip
def test_notices_come_as_the_law_and_the_policy_want(policy, ladder, opened, share, delays):
    found = sent(policy, ladder, opened, share, delays)
    moments = [moment for moment, _ in found]
    assert not any(schedule.quiet(policy, moment) for moment in moments)
    days = [schedule.local_day(policy, moment) for moment in moments]
    assert days == sorted(set(days))  # one a day at most
    assert days[0] not in policy.holidays
    between = (days[0] + DAY * each for each in range((days[ladder.daily - 1] - days[0]).days + 1))
    sendable = [day for day in between if schedule.window(policy, day)]
    assert days[: ladder.daily] == sendable  # and one at least, until five are sent
    assert len(found) == ladder.most
    kinds = [kind for _, kind in found]
    assert kinds[0] is Kind.FIRST
    assert Kind.FIRST not in kinds[1:]
    last = schedule.deadline(policy, ladder, moments[0])
    assert last == days[0] + DAY * ladder.deadline_days
    warned = [day for day, kind in zip(days, kinds, strict=True) if kind is Kind.BEFORE_SUSPENSION]
    assert all(last - DAY * max(ladder.warn_days) <= day <= last for day in warned)
    for each in ladder.warn_days:
        day = last - DAY * each
        if schedule.window(policy, day) is not None and day > days[0]:
            assert day in warned


@given(MOMENTS)
def test_a_message_waits_for_the_end_of_quiet_hours_and_leaves_before_the_next(moment):
    opened = schedule.opens(POLICY, moment)
    assert opened >= moment
    assert not schedule.quiet(POLICY, opened)
    assert (opened == moment) == (not schedule.quiet(POLICY, moment))
    assert opened - moment < timedelta(days=1)
    closes = schedule.closes(POLICY, opened)
    assert schedule.quiet(POLICY, closes)
    assert schedule.local_day(POLICY, closes) == schedule.local_day(POLICY, opened)


@pytest.mark.parametrize(
    ("moment", "is_quiet"),
    [
        ("2026-11-23T07:59:59", True), ("2026-11-23T08:00", False), ("2026-11-23T19:59:59", False),
        ("2026-11-23T20:00", True), ("2026-02-17T08:30", True), ("2026-02-17T09:00", False),
        ("2026-02-17T17:00", True),
    ],
)  # fmt: skip
def test_hours_by_the_clock_in_viet_nam(moment, is_quiet):
    assert schedule.quiet(POLICY, at(moment)) is is_quiet
    assert schedule.quiet(FREE, at(moment)) is (is_quiet or moment.startswith("2026-02"))


def test_a_case_found_in_the_day_is_told_at_once_and_one_at_night_in_the_morning():
    assert schedule.first_due(POLICY, at("2026-11-23T12:00")) is None
    four = timedelta(hours=4)
    assert schedule.first_due(POLICY, at("2026-11-23T03:00")) == (at("2026-11-23T08:00"), four)
    assert schedule.first_due(POLICY, at("2026-11-23T21:00")) == (at("2026-11-24T08:00"), four)
    assert schedule.first_due(POLICY, at("2026-02-17T12:00")) == (at("2026-02-21T08:00"), four)


def test_the_five_days_of_the_decree():
    found = sent(POLICY, POLICY.ladder(Group.NAME), at("2026-11-23T12:00"), 0.5, [timedelta(0)] * 7)
    assert [(moment.astimezone(POLICY.zone).strftime("%d %H:%M"), str(kind)) for moment, kind in found] == [
        ("23 12:00", "first"), ("24 10:00", "reminder"), ("25 10:00", "reminder"), ("26 10:00", "reminder"),
        ("27 10:00", "before_suspension"), ("04 10:00", "reminder"), ("11 10:00", "reminder"),
    ]  # fmt: skip


def test_nothing_is_sent_in_quiet_hours():
    with pytest.raises(ValueError, match="nothing may be sent"):
        schedule.closes(POLICY, at("2026-11-23T21:00"))


def test_a_calendar_without_days_is_noticed():
    days = frozenset(at("2026-11-23T12:00").date() + DAY * each for each in range(100))
    with pytest.raises(ValueError, match="no day to send on"):
        schedule.on(replace(FREE, holidays=days), at("2026-11-23T12:00").date(), 0)


@given(st.uuids())
def test_a_share_is_below_one(case_id):
    assert 0 <= schedule.share_of(case_id) < 1


def test_the_database_spreads_alike(owner):
    drawn = [uuid.uuid4() for _ in range(100)]
    found = owner.execute(f"SELECT {schedule.share_sql('id')}::float8 FROM unnest(%s) AS x (id)", [drawn])
    assert [row[0] for row in found] == [schedule.share_of(each) for each in drawn]
