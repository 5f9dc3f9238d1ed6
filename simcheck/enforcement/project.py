"""On which day every step of a clock will be due, if nobody does anything: in closed form, for millions.

The assumptions, each against the holder: every case stays as it is; what stands still stands still; a notice
arrives on every day, and warns; whatever is due is approved and carried out on its day. A day's work is done
at the policy's hour. The day-by-day job over the same clocks does the same; a test compares both.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from simcheck.enforcement import calendar, clocks
from simcheck.enforcement.calendar import DAY, Moments
from simcheck.enforcement.clocks import NEVER, Columns, Flags, Ints
from simcheck.enforcement.policy import Policy, Stage

NOT_YET = -1  # a step that is due on none of the days
STEPS = 3
Places = npt.NDArray[np.int32]


def project(columns: Columns, policy: Policy, first: date, days: int) -> Places:
    """For each of three steps and n running clocks, the place of the day (0: `first`) on which it is due,
    `NOT_YET` where it is none of `days`. A clock that has not started (`started_at` `NEVER`) starts with a
    notice on the first day.
    """
    found = np.full((STEPS, len(columns)), NOT_YET, np.int32)
    for track in np.unique(columns.track):
        if track >= 0:
            which = np.flatnonzero(columns.track == track)
            for step in np.unique(columns.step[which]):
                some = which[columns.step[which] == step]
                found[:, some] = _climb(columns.take(some), policy, int(track), int(step), first, days)
    return found


def opening(policy: Policy, first: date) -> int:
    """The moment of the first day's work."""
    return int(calendar.at_hour(np.array([calendar.day_number(first)]), policy.due_from)[0])


def _climb(columns: Columns, policy: Policy, track: int, step: int, first: date, days: int) -> Places:
    """As `project`, of clocks of one track that have come equally far."""
    start = opening(policy, first)
    found = np.full((STEPS, len(columns)), NOT_YET, np.int32)
    left = np.arange(len(columns))
    base = clocks.base_of(columns, step) + columns.shift
    base[clocks.base_of(columns, step) == NEVER] = start
    earliest = np.zeros(len(columns), np.int64)
    stage = policy.tracks[track].after(step)
    while stage is not None and len(left):
        place = _first_day(policy, stage, base, start)
        proved = stage.needs.notice_days - 1 - columns.notice_days[left]
        place = np.maximum(np.maximum(place, proved), earliest)
        due: Flags = place < days
        if stage.needs.event:
            due &= columns.event_at[left] != NEVER
        left, place = left[due], place[due]
        found[stage.act.step - 1, left] = place
        base, earliest = start + place * DAY, place + 1
        stage = policy.tracks[track].after(stage.act.step)
    return found


def _first_day(policy: Policy, stage: Stage, base: Moments, start: int) -> Ints:
    """The first day whose work finds the step due by its time."""
    places: Ints = -((start - clocks.due(policy, stage, base)) // DAY)
    return np.maximum(places, 0)
