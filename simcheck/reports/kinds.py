"""What is counted by day: kinds of cases, notices, corrections and questions, each a condition over a table.

The same condition counts the rows for `flow_day` and lists them (`drill`), so that a figure is its list's
length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from simcheck.clock import LOCAL
from simcheck.messages.words import NOTICES

NOBODY = ""  # the carrier of what is of no carrier, the province of what has none


class Of(StrEnum):
    """The tables whose rows are counted."""

    SUBSCRIPTION = "subscription"
    CASE = "case"
    MESSAGE = "message"
    CORRECTION = "correction"
    QUESTION = "question"


# Of which carrier a row is.
CARRIER = dict.fromkeys(Of, "carrier") | {Of.QUESTION: "about"}


@dataclass(frozen=True)
class Kind:
    """Rows of a table that belong to the day of a moment (`time`, a column) and meet `condition`."""

    name: str
    of: Of
    time: str
    condition: str = "true"


@dataclass(frozen=True)
class Band:
    """Open cases that were opened from `since` to before `until` days ago (None: whenever)."""

    name: str
    since: int | None
    until: int | None


_NOTICE = f"kind IN ({', '.join(repr(each.value) for each in NOTICES)})"
KINDS = {
    each.name: each
    for each in (
        Kind("case_opened", Of.CASE, "opened_at"),
        Kind("case_closed", Of.CASE, "closed_at"),
        Kind("case_in_time", Of.CASE, "closed_at", "clock_left >= interval '0'"),
        Kind("case_late", Of.CASE, "closed_at", "clock_left < interval '0'"),
        Kind("notice_made", Of.MESSAGE, "made_at", _NOTICE),
        Kind("notice_delivered", Of.MESSAGE, "made_at", f"{_NOTICE} AND state = 'delivered'"),
        Kind("notice_failed", Of.MESSAGE, "made_at", f"{_NOTICE} AND state IN ('failed', 'expired')"),
        Kind("correction_made", Of.CORRECTION, "made_at"),
        Kind("correction_agrees", Of.CORRECTION, "made_at", "outcome = 'agrees'"),
        Kind("question_asked", Of.QUESTION, "opened_at"),
        Kind("question_answered", Of.QUESTION, "opened_at", "answered_at IS NOT NULL"),
        Kind("question_in_time", Of.QUESTION, "opened_at", "answered_at <= due_at"),
    )
}
# Of today alone: how long ago the open cases were opened.
BANDS = {
    each.name: each
    for each in (
        Band("open_2_days", 2, 0),
        Band("open_week", 7, 2),
        Band("open_month", 30, 7),
        Band("open_quarter", 90, 30),
        Band("open_longer", None, 90),
    )
}
# Of every case there is, whatever its days: whether it is open, and how many days those took that are closed.
_TOOK = {"took_2_days": (0, 2), "took_week": (2, 7), "took_month": (7, 30), "took_quarter": (30, 90)}
LIVES = {
    "case_any": "true",
    "case_open": "closed_at IS NULL",
    "case_over": "closed_at IS NOT NULL",
    **{
        name: f"closed_at - opened_at >= interval '{since} days'"
        f" AND closed_at - opened_at < interval '{until} days'"
        for name, (since, until) in _TOOK.items()
    },
    "took_longer": "closed_at - opened_at >= interval '90 days'",
}
TOOK = tuple(name for name in LIVES if name.startswith("took_"))


def today(at: datetime) -> date:
    """The day in Viet Nam."""
    return at.astimezone(LOCAL).date()


def midnight(day: date) -> datetime:
    """The moment at which a day begins in Viet Nam."""
    return datetime.combine(day, time(), LOCAL)


def days(since: date, until: date) -> Iterator[date]:
    """Each day from `since` to before `until`."""
    return (since + timedelta(days=at) for at in range((until - since).days))


def opened(band: Band, day: date) -> tuple[datetime | None, datetime | None]:
    """From when to before when the cases of a band were opened, as seen on a day."""
    since = None if band.since is None else midnight(day - timedelta(days=band.since))
    # what was opened today belongs to the youngest band
    until = midnight(day - timedelta(days=band.until)) if band.until else None
    return since, until
