"""When what is due: the one arithmetic of jobs, pages and simulations. Columns in, columns out.

A step counts from a base (the start, or the step before), moved by as long as the clock has stood still
since. Hours end at their moment; days end with the last of them, and the step is due at the policy's hour of
the day after. Nothing here knows what time it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import numpy.typing as npt

from simcheck.clock import LOCAL
from simcheck.enforcement import calendar
from simcheck.enforcement.calendar import Moments
from simcheck.enforcement.policy import Needs, Policy, Stage
from simcheck.enforcement.words import FallsOn, Unit

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
NEVER = np.iinfo(np.int64).min  # a moment that there is not


@dataclass(frozen=True)
class Columns:
    """n clocks. `track` is the place in `Policy.tracks`, `step` how far each is; moments are those of
    `calendar`, `NEVER` where there is none; `shift` is in microseconds.
    """

    track: Ints
    step: Ints
    started_at: Moments
    step_at: Moments
    shift: Ints
    notice_days: Ints
    told_at: Moments
    warned_at: Moments
    event_at: Moments

    def __len__(self) -> int:
        return len(self.track)

    def take(self, which: Flags | Ints) -> Columns:
        """Some of the clocks."""
        return Columns(*(column[which] for column in vars(self).values()))


@dataclass(frozen=True)
class Reckoned:
    """What follows for n clocks: `step` 0 and `at` `NEVER` where nothing does. `proven`: what it needs is
    there.
    """

    step: Ints
    at: Moments
    proven: Flags


def reckon(columns: Columns, policy: Policy) -> Reckoned:
    """The next step of each clock, and from when it is due."""
    size = len(columns)
    found = Reckoned(np.zeros(size, np.int64), np.full(size, NEVER), np.zeros(size, np.bool_))
    for place, step in _kinds(columns):
        track = policy.tracks[place]
        stage = track.after(step)
        if stage is None:
            continue
        which = np.flatnonzero((columns.track == place) & (columns.step == step))
        some = columns.take(which)
        base = base_of(some, step)
        found.step[which] = stage.act.step
        found.at[which] = due(policy, stage, base + some.shift)
        found.proven[which] = proven(stage.needs, some, base)
    return found


def _kinds(columns: Columns) -> list[tuple[int, int]]:
    """Every track with every step that some clock is on."""
    kinds = np.unique(columns.track * 8 + columns.step)
    return [(int(each) // 8, int(each) % 8) for each in kinds if each >= 0]


def base_of(columns: Columns, step: int) -> Moments:
    """What the next step of clocks that have come to `step` counts from."""
    return columns.step_at if step else columns.started_at


def due(policy: Policy, stage: Stage, base: Moments) -> Moments:
    """From when a step is due that counts from `base`."""
    if stage.unit is Unit.HOURS:
        return base + stage.after * calendar.HOUR
    days = calendar.day_of(base)
    worked = stage.unit is Unit.WORKING_DAYS
    count = policy.calendar.due_after_working if worked else policy.calendar.due_after
    days = count(days, stage.after, first=stage.counts_first_day)
    if stage.falls_on is FallsOn.WORKING_DAY:
        days = policy.calendar.on_working_day(days)
    return calendar.at_hour(days, policy.due_from)


def proven(needs: Needs, columns: Columns, base: Moments) -> Flags:
    """Whether everything is there that a step needs. What stands still does not make a notice older."""
    there = columns.notice_days >= needs.notice_days
    if needs.told:
        there &= (columns.told_at != NEVER) & (columns.told_at >= base)
    if needs.warned:
        there &= columns.warned_at != NEVER
    if needs.event:
        there &= columns.event_at != NEVER
    flags: Flags = there
    return flags


def begins(day: date) -> datetime:
    """The moment at which a local day begins."""
    return datetime.combine(day, time(), LOCAL)


def moments(values: Sequence[datetime | None]) -> Moments:
    """Moments as a column."""
    return np.array([NEVER if each is None else calendar.moment_of(each) for each in values], np.int64)


def shifts(values: Sequence[timedelta]) -> Ints:
    """Lengths of time as a column."""
    return np.array([each // timedelta(microseconds=1) for each in values], np.int64)


def ints(values: Iterable[int]) -> Ints:
    """Whole numbers as a column."""
    return np.fromiter(values, np.int64)


def flags(values: Iterable[bool]) -> Flags:
    """Truth values as a column."""
    return np.fromiter(values, np.bool_)
