"""What a holder would get day by day, by a policy: for people who look at it, nothing is sent.

It follows the rules that notices are planned by, and takes for granted that the record stays wrong, every
message is taken, and no address had its share of the day before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from simcheck.messages.words import Group, Kind
from simcheck.notices import schedule
from simcheck.notices.policy import Ladder, Policy

MIDDLE = 0.5  # the place of the case that is shown, among all


@dataclass(frozen=True)
class Notice:
    """One notice: the so-manieth, of which kind, when. `late`: the deadline is over."""

    number: int
    kind: Kind
    at: datetime
    late: bool


@dataclass(frozen=True)
class Day:
    """A local day: what comes on it (None: nothing), whether it is a holiday or the deadline."""

    day: date
    notice: Notice | None
    holiday: bool
    deadline: bool


@dataclass(frozen=True)
class Calendar:
    """All days from the case's opening to the deadline, and after it those with a notice."""

    ladder: Ladder
    deadline: date
    days: Sequence[Day]

    @property
    def notices(self) -> list[Notice]:
        """All that comes."""
        return [each.notice for each in self.days if each.notice is not None]


def calendar(policy: Policy, group: Group, opened_at: datetime, share: float = MIDDLE) -> Calendar:
    """The calendar of a case of this group that is opened at this moment; `share` is its place among all."""
    ladder = policy.ladder(group)
    found = _notices(policy, ladder, opened_at, share)
    deadline = schedule.deadline(policy, ladder, found[0].at)
    by_day = {schedule.local_day(policy, each.at): each for each in found}
    first, last = schedule.local_day(policy, opened_at), max(by_day)
    span = [first + at * schedule.DAY for at in range((max(deadline, last) - first).days + 1)]
    days = [
        Day(day, by_day.get(day), day in policy.holidays, day == deadline)
        for day in span
        if day <= deadline or day in by_day
    ]
    return Calendar(ladder, deadline, days)


def _notices(policy: Policy, ladder: Ladder, opened_at: datetime, share: float) -> list[Notice]:
    due = schedule.first_due(policy, opened_at)
    at = opened_at if due is None else due[0] + share * due[1]
    first_at, found = at, list[Notice]()
    while True:
        sent = len(found)
        kind = schedule.kind_of(policy, ladder, sent, first_at if sent else None, at)
        late = schedule.local_day(policy, at) > schedule.deadline(policy, ladder, first_at)
        found.append(Notice(sent + 1, kind, at, late))
        day = schedule.next_day(policy, ladder, sent + 1, first_at, at)
        if day is None:
            return found
        at = schedule.on(policy, day, share)
