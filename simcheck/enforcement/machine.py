"""The clock of a subscription as a state machine: what its events make it, as of any moment.

Events that have not happened yet, that came twice, or that say what cannot be are passed over, so that any
order of arrival ends in the same state. The table `clock` holds that state for now, by the same rules; a test
compares both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from simcheck.cases.states import Closed
from simcheck.enforcement import calendar, clocks
from simcheck.enforcement.clocks import Columns
from simcheck.enforcement.policy import Policy
from simcheck.enforcement.words import Happened, Step

_NONE = timedelta()


@dataclass(frozen=True)
class Event:
    """One thing that happened. `detail` of a start: `version`, `track`, `trigger`, `started_at`, `event_at`;
    of a switch the same, without `started_at` where the clock goes on; of a notice: `notice_days`, `told_at`,
    `warned_at`, all since the start; of an end: `reason`; of a reset, whether it is `reopened`, and, where a
    handset was changed again, `event_at` and since when a change was not answered (`open_since`). Moments in
    it are ISO 8601.
    """

    at: datetime
    kind: Happened
    step: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """A clock, as the table `clock` has it (see `models.Clock`)."""

    policy_version: str
    track: str
    trigger: str
    started_at: datetime
    event_at: datetime | None = None
    step: int = 0
    step_at: datetime | None = None
    paused_at: datetime | None = None
    shift: timedelta = _NONE
    notice_days: int = 0
    told_at: datetime | None = None
    warned_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None
    next_step: int | None = None
    next_at: datetime | None = None
    proven: bool = False

    @property
    def may_begin_anew(self) -> bool:
        """Whether another clock may begin here: this one is over, and nothing holds that was ordered."""
        undone = self.step in {Step.NONE, Step.TERMINATE} or self.end_reason == Closed.GONE
        return self.ended_at is not None and undone

    def due(self, as_of: datetime) -> Step | None:
        """The step that is due at this moment: its time has come, everything is proved, the clock runs."""
        if self.next_step is None or self.next_at is None or self.paused_at or not self.proven:
            return None
        return Step(self.next_step) if self.next_at <= as_of else None


def fold(events: Iterable[Event], policies: Mapping[str, Policy], as_of: datetime) -> State | None:
    """What a clock is at a moment by its events, in the order in which they were noted; None before it
    starts. `policies` are all versions by name.
    """
    known = sorted((each for each in events if each.at <= as_of), key=lambda each: each.at)
    state: State | None = None
    for event in known:
        if event.kind is Happened.STARTED:
            state = _started(state, event)
        elif state is not None:
            state = _RULES[event.kind](state, event)
    return None if state is None else reckoned(state, policies)


def reckoned(state: State, policies: Mapping[str, Policy]) -> State:
    """The state with its next step, from when that is due, and whether it is proven."""
    nothing = replace(state, next_step=None, next_at=None, proven=False)
    policy = policies.get(state.policy_version)
    places = [track.id for track in policy.tracks] if policy else []
    if state.ended_at is not None or policy is None or state.track not in places:
        return nothing
    found = clocks.reckon(columns_of([state], policy), policy)
    if not found.step[0]:
        return nothing
    at = calendar.datetime_of(found.at[0])
    return replace(state, next_step=int(found.step[0]), next_at=at, proven=bool(found.proven[0]))


def columns_of(states: list[State], policy: Policy) -> Columns:
    """States of one policy as columns."""
    places = {track.id: place for place, track in enumerate(policy.tracks)}
    return Columns(
        track=clocks.ints(places[each.track] for each in states),
        step=clocks.ints(each.step for each in states),
        started_at=clocks.moments([each.started_at for each in states]),
        step_at=clocks.moments([each.step_at for each in states]),
        shift=clocks.shifts([each.shift for each in states]),
        notice_days=clocks.ints(each.notice_days for each in states),
        told_at=clocks.moments([each.told_at for each in states]),
        warned_at=clocks.moments([each.warned_at for each in states]),
        event_at=clocks.moments([each.event_at for each in states]),
    )


def _started(state: State | None, event: Event) -> State | None:
    """A new clock, unless one is there that is not over, or of which an order still holds."""
    if state is not None and not state.may_begin_anew:
        return state
    detail = event.detail
    started_at = _moment(detail.get("started_at")) or event.at
    return State(
        detail["version"], detail["track"], detail["trigger"], started_at,
        event_at=_moment(detail.get("event_at")),
    )  # fmt: skip


def _noticed(state: State, event: Event) -> State:
    if state.ended_at is not None:
        return state
    return replace(
        state, notice_days=max(state.notice_days, event.detail.get("notice_days", 0)),
        told_at=_later(state.told_at, _moment(event.detail.get("told_at"))),
        warned_at=_later(state.warned_at, _moment(event.detail.get("warned_at"))),
    )  # fmt: skip


def _paused(state: State, event: Event) -> State:
    runs = state.ended_at is None and state.paused_at is None
    return replace(state, paused_at=event.at) if runs else state


def _resumed(state: State, event: Event) -> State:
    if state.ended_at is not None or state.paused_at is None:
        return state
    return replace(state, shift=state.shift + (event.at - state.paused_at), paused_at=None)


def _reset(state: State, event: Event) -> State:
    """Count from here on, whatever was reached; what was proved counts no more. A clock that is over goes on
    where it is `reopened` while something held that was ordered.
    """
    changed_at = _moment(event.detail.get("event_at"))
    if state.ended_at is not None:
        if not event.detail.get("reopened") or (state.may_begin_anew and changed_at is None):
            return state
        state = replace(state, ended_at=None, end_reason=None)
    if changed_at is None:
        return _from(state, event.at)
    return _changed(state, changed_at, _moment(event.detail.get("open_since")) or state.started_at)


def _changed(state: State, changed_at: datetime, open_since: datetime) -> State:
    """A handset was changed again: before the lock the oldest change that nobody has answered counts, after
    it the newest.
    """
    base = open_since
    if state.step_at is not None:
        base = changed_at if changed_at > state.step_at else state.started_at
    state = replace(state, event_at=_later(state.event_at, changed_at))
    return _from(state, base) if base > state.started_at else state


def _from(state: State, base: datetime) -> State:
    """Count what is next from a moment on."""
    shift = base - state.step_at if state.step_at else _NONE
    return replace(_anew(state, base), shift=max(shift, _NONE))


def _anew(state: State, at: datetime) -> State:
    return replace(
        state, started_at=at, shift=_NONE, paused_at=_later(state.paused_at, at) if state.paused_at else None,
        notice_days=0, told_at=None, warned_at=None,
    )  # fmt: skip


def _reached(state: State, event: Event) -> State:
    """What was done was done, even when the clock stood still or was over: it has to be undone then."""
    if event.step is None or event.step <= state.step:
        return state
    paused_at = max(state.paused_at, event.at) if state.paused_at else None
    return replace(state, step=event.step, step_at=event.at, shift=_NONE, paused_at=paused_at)


def _restored(state: State, event: Event) -> State:
    if not state.step:
        return state
    undone = replace(state, step=0, step_at=None)
    return undone if state.ended_at is not None else _anew(undone, max(event.at, state.started_at))


def _switched(state: State, event: Event) -> State:
    """Another track or version. With a new start, what was proved on the other one counts no more."""
    if state.ended_at is not None:
        return state
    detail = event.detail
    to = replace(
        state, policy_version=detail["version"], track=detail["track"], trigger=detail["trigger"],
        event_at=_moment(detail.get("event_at")) or state.event_at,
    )  # fmt: skip
    started_at = _moment(detail.get("started_at"))
    if started_at is None:
        return to
    stands = state.paused_at if state.step else event.at
    return replace(
        _anew(to, started_at), shift=state.shift if state.step else _NONE,
        paused_at=stands if state.paused_at else None,
    )  # fmt: skip


def _ended(state: State, event: Event) -> State:
    if state.ended_at is not None:
        return state
    return replace(state, ended_at=event.at, end_reason=event.detail["reason"], paused_at=None)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)


_RULES: Mapping[Happened, Callable[[State, Event], State]] = {
    Happened.NOTICED: _noticed, Happened.PAUSED: _paused, Happened.RESUMED: _resumed, Happened.RESET: _reset,
    Happened.REACHED: _reached, Happened.RESTORED: _restored, Happened.SWITCHED: _switched,
    Happened.ENDED: _ended,
}  # fmt: skip
