from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from simcheck.enforcement import machine, policy, reading
from simcheck.enforcement.machine import Event, State
from simcheck.enforcement.words import Happened, Step

POLICY = reading.read(policy.shipped())
KNOWN = {POLICY.version: POLICY}
START = datetime(2026, 11, 23, 5, tzinfo=UTC)
DAY = timedelta(days=1)
TRACKS = [track for track in POLICY.tracks if track.steps]


def started(track: str = "D163_2024", at: datetime = START, **detail: str) -> Event:
    trigger = POLICY.track(track).triggers[0].value
    return Event(
        at, Happened.STARTED, detail={"version": POLICY.version, "track": track, "trigger": trigger, **detail}
    )


def noticed(at: datetime, days: int) -> Event:
    told = {"notice_days": days, "told_at": at.isoformat(), "warned_at": at.isoformat()}
    return Event(at, Happened.NOTICED, detail=told)


def fold(*events: Event, at: datetime) -> State:
    return machine.fold(events, KNOWN, at)


DUE = datetime(2026, 11, 29, 1, tzinfo=UTC)  # 8:00 in Viet Nam, when the fifth day after is over


def test_a_clock_can_be_reckoned_as_of_any_moment():
    events = [
        started(), noticed(START + 4 * DAY, 5), Event(DUE, Happened.REACHED, 1),
        Event(DUE + DAY, Happened.ENDED, detail={"reason": "corrected"}),
    ]  # fmt: skip
    assert fold(*events, at=START - DAY) is None
    assert fold(*events, at=START).proven is False
    assert fold(*events, at=DUE - timedelta(seconds=1)).due(DUE - timedelta(seconds=1)) is None
    assert fold(*events, at=DUE).step == 1
    assert fold(*events[:2], at=DUE).due(DUE) is Step.ONE_WAY
    assert fold(*events, at=DUE + 2 * DAY).end_reason == "corrected"


def test_an_event_from_the_future_is_none_yet():
    ahead = Event(DUE + DAY, Happened.REACHED, 3)
    assert fold(started(), ahead, at=DUE).step == 0
    assert fold(started(), ahead, at=DUE + DAY).step == 3


def test_a_clock_that_is_moved_back_makes_nothing_due():
    events = [started(), noticed(START + 4 * DAY, 5)]
    assert fold(*events, at=DUE).due(DUE - 3 * DAY) is None


def test_what_was_done_is_done_though_the_case_was_corrected_in_the_same_second():
    ended = Event(DUE, Happened.ENDED, detail={"reason": "corrected"})
    for order in ([ended, Event(DUE, Happened.REACHED, 1)], [Event(DUE, Happened.REACHED, 1), ended]):
        state = fold(started(), noticed(DUE, 5), *order, at=DUE)
        assert (state.step, state.due(DUE + 99 * DAY), state.may_begin_anew) == (1, None, False)
        again = fold(
            started(),
            *order,
            Event(DUE + DAY, Happened.RESTORED),
            started(at=DUE + 2 * DAY),
            at=DUE + 3 * DAY,
        )
        assert (again.step, again.ended_at, again.started_at) == (0, None, DUE + 2 * DAY)


def test_no_other_clock_begins_while_an_order_holds():
    state = fold(
        started(), Event(DUE, Happened.REACHED, 1), Event(DUE, Happened.ENDED, detail={"reason": "agrees"}),
        started(at=DUE + DAY), at=DUE + 2 * DAY,
    )  # fmt: skip
    assert (state.step, state.end_reason) == (1, "agrees")


def test_a_case_that_is_open_again_keeps_what_was_ordered_and_counts_anew():
    ended = Event(DUE + DAY, Happened.ENDED, detail={"reason": "same_person"})
    again = Event(DUE + 3 * DAY, Happened.RESET, detail={"reopened": True})
    before = [started(), noticed(DUE, 5), Event(DUE, Happened.REACHED, 1), ended]
    state = fold(*before, again, at=DUE + 4 * DAY)
    assert (state.step, state.step_at, state.ended_at, state.shift) == (1, DUE, None, 3 * DAY)
    assert (state.notice_days, state.next_step, state.due(DUE + 99 * DAY)) == (0, 2, None)
    undone = Event(DUE + 2 * DAY, Happened.RESTORED)
    assert fold(*before, undone, again, at=DUE + 4 * DAY).ended_at is not None
    assert fold(*before, Event(DUE + 3 * DAY, Happened.RESET), at=DUE + 4 * DAY).ended_at is not None


def test_restored_while_it_is_open_it_begins_again_without_proof():
    at = DUE + 70 * DAY
    state = fold(
        started(), noticed(DUE, 5), Event(DUE, Happened.REACHED, 1), Event(at, Happened.RESTORED), at=at
    )
    assert (state.step, state.started_at, state.notice_days, state.next_step) == (0, at, 0, 1)
    assert state.due(at + 99 * DAY) is None


@pytest.mark.parametrize("version", ["of another time", "2026.11.1"])
def test_without_its_policy_or_track_nothing_is_due(version):
    event = Event(
        START, Happened.STARTED, detail={"version": version, "track": "GONE", "trigger": "disowned"}
    )
    assert machine.fold([event], KNOWN, DUE).next_step is None


class Clock(RuleBasedStateMachine):
    """Whatever happens in whatever order: no step without proof, none twice or two at once, none once it is
    over, none while it stands still, none out of turn.
    """

    @initialize(track=st.sampled_from(TRACKS))
    def start(self, track):
        self.now = START
        self.events = [started(track.id, event_at=START.isoformat())]

    @rule(hours=st.integers(-40, 24 * 70))
    def time_passes(self, hours):
        """It may also be moved back."""
        self.now += timedelta(hours=hours)

    @rule(days=st.integers(0, 8), when=st.integers(-30, 5))
    def is_told(self, days, when):
        self.events.append(noticed(self.now + when * DAY, days))

    @rule(kind=st.sampled_from([Happened.PAUSED, Happened.RESUMED, Happened.RESET, Happened.RESTORED]),
          when=st.integers(-30, 5))  # fmt: skip
    def happens(self, kind, when):
        self.events.append(Event(self.now + when * DAY, kind))

    @rule(when=st.integers(-30, 5), ago=st.integers(0, 90), reopened=st.booleans())
    def handset_is_changed_again(self, when, ago, reopened):
        at = self.now + when * DAY
        changed = (at - timedelta(hours=ago)).isoformat()
        detail = {"event_at": changed, "open_since": changed, "reopened": reopened}
        self.events.append(Event(at, Happened.RESET, detail=detail))

    @rule(when=st.integers(-30, 5))
    def ends(self, when):
        self.events.append(Event(self.now + when * DAY, Happened.ENDED, detail={"reason": "corrected"}))

    @rule(track=st.sampled_from(TRACKS), when=st.integers(-30, 5), anew=st.booleans())
    def another_track(self, track, when, anew):
        at = self.now + when * DAY
        detail = started(track.id, at).detail | ({"started_at": at.isoformat()} if anew else {})
        self.events.append(Event(at, Happened.SWITCHED, detail=detail))

    @rule(when=st.integers(-30, 5))
    def starts_again(self, when):
        self.events.append(started(at=self.now + when * DAY))

    @rule(step=st.sampled_from([1, 2, 3]), when=st.integers(-30, 5))
    def order_out_of_turn(self, step, when):
        self.events.append(Event(self.now + when * DAY, Happened.REACHED, step))

    @precondition(lambda self: self.state and self.state.due(self.now))
    @rule()
    def ordered(self):
        step = self.state.due(self.now)
        self.events.append(Event(self.now, Happened.REACHED, step))
        after = machine.fold(self.events, KNOWN, self.now)
        assert after.step == step
        assert after.due(self.now) is None

    @property
    def state(self):
        return machine.fold(self.events, KNOWN, self.now)

    @invariant()
    def is_due_by_right(self):
        state = self.state if hasattr(self, "events") else None
        step = state.due(self.now) if state else None
        if step is None:
            return
        stage = POLICY.track(state.track).after(state.step)
        assert stage.act.step == step > state.step
        assert state.ended_at is None
        assert state.paused_at is None
        assert state.notice_days >= stage.needs.notice_days
        assert state.warned_at or not stage.needs.warned
        base = state.step_at or state.started_at
        assert not stage.needs.told or state.told_at >= base
        assert self.now - base >= min(timedelta(hours=2), timedelta(days=stage.after))

    @invariant()
    def the_order_of_arrival_does_not_matter(self):
        if hasattr(self, "events") and len({each.at for each in self.events}) == len(self.events):
            assert machine.fold(reversed(self.events), KNOWN, self.now) == self.state


Clock.TestCase.settings = hypothesis_settings(max_examples=40, stateful_step_count=20, deadline=None)
TestClock = Clock.TestCase
