from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from simcheck.enforcement import calendar, clocks, machine, policy, project, reading, simulate
from simcheck.enforcement.machine import Event, State
from simcheck.enforcement.policy import Policy
from simcheck.enforcement.simulate import Group
from simcheck.enforcement.words import Happened

FIRST, DAYS = date(2027, 1, 29), 120
POLICY = reading.read(policy.shipped())
KNOWN = {POLICY.version: POLICY}
OTHER = reading.read(
    policy.shipped()
    .replace("counts_first_day = false", "counts_first_day = true")
    .replace('falls_on = "any_day"', 'falls_on = "working_day"')
    .replace('after = 60\nunit = "days"', 'after = 20\nunit = "working_days"')
)


def some(count: int, rules: Policy, chance: random.Random) -> list[list[Event]]:
    """Histories of clocks: of all tracks, more or less far, told more or less, some of which stood still."""
    made = []
    tracks = [track for track in rules.tracks if track.steps]
    for _ in range(count):
        track = chance.choice(tracks)
        at = machine.calendar.EPOCH + timedelta(
            days=calendar.day_number(FIRST) - chance.randrange(120), seconds=chance.randrange(86_400)
        )
        detail = {"version": rules.version, "track": track.id, "trigger": track.triggers[0].value}
        event_at = at.isoformat() if chance.random() < 0.9 else None
        events = [Event(at, Happened.STARTED, detail=detail | {"event_at": event_at})]
        events.append(Event(at, Happened.NOTICED, detail={"notice_days": chance.randrange(7)}))
        if chance.random() < 0.3:
            stop = at + timedelta(hours=chance.randrange(1, 200))
            events.append(Event(stop, Happened.PAUSED))
            events.append(Event(stop + timedelta(hours=chance.randrange(1, 200)), Happened.RESUMED))
        for step in track.steps[: chance.randrange(3)]:
            at += timedelta(days=chance.randrange(1, 60), hours=chance.randrange(24))
            events.append(Event(at, Happened.REACHED, step.act.step))
        begun = machine.calendar.datetime_of(project.opening(rules, FIRST))
        if all(each.at < begun for each in events):
            made.append(events)
    return made


def day_by_day(states: list[State], rules: Policy, days: int) -> list[list[int]]:
    """What a job finds that works once a day, with a notice on every day and every order carried out."""
    found = [[project.NOT_YET] * project.STEPS for _ in states]
    start = project.opening(rules, FIRST)
    for day in range(days):
        at = calendar.datetime_of(start + day * calendar.DAY)
        states = [
            replace(each, notice_days=each.notice_days + 1, told_at=at, warned_at=at) for each in states
        ]
        reckoned = clocks.reckon(machine.columns_of(states, rules), rules)
        due = reckoned.proven & (reckoned.at != clocks.NEVER) & (reckoned.at <= start + day * calendar.DAY)
        for place in np.flatnonzero(due):
            step = int(reckoned.step[place])
            assert found[place][step - 1] == project.NOT_YET
            found[place][step - 1] = day
            states[place] = replace(states[place], step=step, step_at=at, shift=timedelta())
    return found


def as_folded(history: list[Event], rules: Policy, days: int) -> list[int]:
    """The same of one clock by its whole history, which grows day by day."""
    found = [project.NOT_YET] * project.STEPS
    start = project.opening(rules, FIRST)
    known, events = {rules.version: rules}, list(history)
    for day in range(days):
        at = calendar.datetime_of(start + day * calendar.DAY)
        told = {"told_at": at.isoformat(), "warned_at": at.isoformat()}
        days_told = machine.fold(events, known, at).notice_days + 1
        events.append(Event(at, Happened.NOTICED, detail=told | {"notice_days": days_told}))
        step = machine.fold(events, known, at).due(at)
        if step is not None:
            found[step - 1] = day
            events.append(Event(at, Happened.REACHED, step))
    return found


@pytest.mark.parametrize("rules", [POLICY, OTHER], ids=["shipped", "other counts"])
def test_the_closed_form_is_what_a_daily_job_does(rules):
    histories = some(300, rules, random.Random(20261127))
    begun = calendar.datetime_of(project.opening(rules, FIRST))
    states = [machine.fold(each, {rules.version: rules}, begun) for each in histories]
    closed = project.project(machine.columns_of(states, rules), rules, FIRST, DAYS).T.tolist()
    assert closed == day_by_day(states, rules, DAYS)
    assert closed[:3] == [as_folded(each, rules, DAYS) for each in histories[:3]]
    assert sum(any(day != project.NOT_YET for day in row) for row in closed) > 200


def test_groups_of_clocks_have_the_future_of_each():
    """What the database counts (days instead of moments, fewer notices) changes nothing."""
    rules = POLICY
    histories = some(200, rules, random.Random(1))
    begun = calendar.datetime_of(project.opening(rules, FIRST))
    states = [machine.fold(each, {rules.version: rules}, begun) for each in histories]
    columns = machine.columns_of(states, rules)
    whole = project.project(columns, rules, FIRST, DAYS)
    groups = []
    coarse = simulate._coarse([rules], rules, FIRST)
    for state, row in zip(states, range(len(states)), strict=True):
        base = clocks.base_of(columns, state.step)[row] + columns.shift[row]
        exact = f"{state.trigger}/{state.step}" in coarse["exact"]
        base = max(base, calendar.moment_of(coarse["hours_ago" if exact else "days_ago"]))
        if not exact:
            base = (calendar.day_of(base)) * calendar.DAY - 7 * calendar.HOUR
        groups.append(
            Group("viettel", "01", rules.version, state.track, state.trigger, state.step, int(base),
                  min(state.notice_days, coarse["kept"]), state.event_at is not None, 1)
        )  # fmt: skip
    counts = simulate.tally(groups, KNOWN, rules, FIRST, DAYS)[4]
    expected = [[int((row == day).sum()) for row in whole] for day in range(DAYS)]
    assert counts.sum(axis=(1, 2)).tolist() == expected


def test_who_was_not_told_starts_with_a_notice_on_the_first_day():
    group = Group("viettel", "", POLICY.version, "D163_2024", "not_compliant", 0, clocks.NEVER, 0, False, 7)
    counts = simulate.tally([group], KNOWN, POLICY, FIRST, DAYS)[4]
    assert [tuple(map(int, each)) for each in np.argwhere(counts)] == [
        (6, 0, 0, 0),
        (67, 0, 0, 1),
        (73, 0, 0, 2),
    ]
    assert counts.sum() == 21


def test_a_track_that_the_policy_does_not_know_has_no_future():
    group = Group("viettel", "", POLICY.version, "", "verified", 0, 0, 9, True, 7)
    assert simulate.tally([group], KNOWN, POLICY, FIRST, DAYS)[4].sum() == 0
