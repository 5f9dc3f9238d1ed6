"""When the next notice is due, and which one it is. Pure: the policy and the calendar, nothing else.

Moments are UTC. Days are local. A case's `share` (0 to below 1) is its place among all cases: notices are
spread over the day by it, and come at about the same hour every day.
"""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

from simcheck.messages.words import Kind
from simcheck.notices.policy import Ladder, Policy

DAY = timedelta(days=1)
_SHARES = 1 << 16
_SEARCHED = 60  # days: no country has more holidays in a row


def share_of(case_id: uuid.UUID) -> float:
    """A case's place among all: of its first two bytes, which are random."""
    return int.from_bytes(case_id.bytes[:2], "big") / _SHARES


def share_sql(case_id: str) -> str:
    """The expression that makes `share_of` from a column."""
    sent = f"uuid_send({case_id})"
    return f"((get_byte({sent}, 0) * 256 + get_byte({sent}, 1)) / {_SHARES}.0)"


def local_day(policy: Policy, at: datetime) -> date:
    """The day that it is in Viet Nam."""
    return at.astimezone(policy.zone).date()


def window(policy: Policy, day: date) -> tuple[datetime, datetime] | None:
    """From when to when messages may be sent on a day; None for a holiday that is kept free."""
    hours = policy.holiday if day in policy.holidays else policy.hours
    if hours is None:
        return None
    return (
        datetime.combine(day, hours.start, policy.zone).astimezone(UTC),
        datetime.combine(day, hours.end, policy.zone).astimezone(UTC),
    )


def quiet(policy: Policy, at: datetime) -> bool:
    """Whether messages may not be sent at this moment."""
    hours = window(policy, local_day(policy, at))
    return hours is None or not hours[0] <= at < hours[1]


def closes(policy: Policy, at: datetime) -> datetime:
    """Until when a message that is due at this moment may be sent: the end of that day's hours.

    Raises ValueError for a moment in quiet hours.
    """
    hours = window(policy, local_day(policy, at))
    if hours is None or not hours[0] <= at < hours[1]:
        raise ValueError("nothing may be sent at this moment")
    return hours[1]


def slots(policy: Policy, day: date, *, first: bool = False) -> tuple[datetime, timedelta]:
    """When notices begin on `day`, or the next day on which there are any, and over how long they are spread.

    With `first`, holidays are passed over.
    """
    for _ in range(_SEARCHED):
        hours = window(policy, day)
        if hours is not None and not (first and day in policy.holidays):
            return hours[0], min(policy.spread, (hours[1] - hours[0]) / 2)
        day += DAY
    raise ValueError("policy: no day to send on")


def on(policy: Policy, day: date, share: float) -> datetime:
    """A case's moment on a day, or the next day on which there are notices."""
    start, spread = slots(policy, day)
    return start + share * spread


def first_due(policy: Policy, at: datetime) -> tuple[datetime, timedelta] | None:
    """When first notices come of cases that are found at this moment: (start, spread); None: at once."""
    day = local_day(policy, at)
    if not quiet(policy, at) and day not in policy.holidays:
        return None
    start, spread = slots(policy, day, first=True)
    return (start, spread) if start > at else slots(policy, day + DAY, first=True)


def opens(policy: Policy, at: datetime) -> datetime:
    """The first moment from `at` on that is not in quiet hours."""
    if not quiet(policy, at):
        return at
    day = local_day(policy, at)
    start, _ = slots(policy, day)
    return start if start > at else slots(policy, day + DAY)[0]


def deadline(policy: Policy, ladder: Ladder, first_at: datetime) -> date:
    """The last day on which a record can be put right without consequence."""
    return local_day(policy, first_at) + timedelta(days=ladder.deadline_days)


def kind_of(policy: Policy, ladder: Ladder, count: int, first_at: datetime | None, at: datetime) -> Kind:
    """Which notice comes next, after `count` of them."""
    if not count or first_at is None:
        return Kind.FIRST
    left = (deadline(policy, ladder, first_at) - local_day(policy, at)).days
    warned = bool(ladder.warn_days) and 0 <= left <= max(ladder.warn_days)
    return Kind.BEFORE_SUSPENSION if warned else Kind.REMINDER


def next_day(policy: Policy, ladder: Ladder, count: int, first_at: datetime, at: datetime) -> date | None:
    """The day of the next notice when `count` have been sent, the newest at `at`; None: there is none."""
    if count >= ladder.most:
        return None
    today = local_day(policy, at)
    if count < ladder.daily:
        return today + DAY
    last = deadline(policy, ladder, first_at)
    warnings = [day for each in ladder.warn_days if (day := last - timedelta(days=each)) > today]
    return min([today + timedelta(days=ladder.then_every_days), *warnings])
