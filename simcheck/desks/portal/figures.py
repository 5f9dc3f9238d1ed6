"""A carrier's own figures. The session shows it its own rows alone; each statement also names the carrier, so
that it is read by its index.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock

BATCHES = 12  # the last ones
LATELY = timedelta(days=30)
AGES = (timedelta(days=7), timedelta(days=30), timedelta(days=90))


def _moments(*names: str) -> list[sa.BindParameter[datetime]]:
    return [sa.bindparam(name, type_=sa.TIMESTAMP(timezone=True)) for name in names]


# The newest published check: the verdicts of all rows as they stand now. Subscriptions are not counted: a
# carrier has many millions of them.
NOW = sa.text("""
SELECT counts -> 'verdicts', published_at FROM run
WHERE carrier = :carrier AND state = 'published' ORDER BY published_at DESC LIMIT 1
""")
# The last batches that were checked, and the verdicts that each had then.
BATCHES_LATELY = sa.text("""
SELECT id, kind, done_at, rows, counts -> 'verdicts' FROM batch
WHERE carrier = :carrier AND state = 'done' AND counts ? 'verdicts' ORDER BY received_at DESC LIMIT :most
""")
# Open cases by state and age: younger than each of the three ages, and older than all.
CASES = sa.text("""
SELECT state, acts, count(*) FILTER (WHERE opened_at > :first),
       count(*) FILTER (WHERE opened_at <= :first AND opened_at > :second),
       count(*) FILTER (WHERE opened_at <= :second AND opened_at > :third),
       count(*) FILTER (WHERE opened_at <= :third)
FROM "case" WHERE carrier = :carrier AND closed_at IS NULL
GROUP BY state, acts ORDER BY acts = 'carrier' DESC, state
""").bindparams(*_moments("first", "second", "third"))
# Corrections of holders: those that wait for the carrier, since when the oldest does, and lately acknowledged
# ones with the median time that the carrier took.
CORRECTIONS = sa.text("""
SELECT count(*) FILTER (WHERE acknowledged_at IS NULL),
       min(settled_at) FILTER (WHERE acknowledged_at IS NULL),
       count(acknowledged_at),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM acknowledged_at - settled_at))
FROM correction
WHERE carrier = :carrier AND outcome = 'agrees' AND (acknowledged_at IS NULL OR acknowledged_at > :since)
""").bindparams(*_moments("since"))
# Questions that the carrier has, and how long those asked lately waited for its answer. One that went to
# staff is not its own any more.
QUESTIONS = sa.text("""
SELECT count(*) FILTER (WHERE state = 'open'), min(due_at) FILTER (WHERE state = 'open'),
       count(*) FILTER (WHERE opened_at > :since), count(answered_at) FILTER (WHERE opened_at > :since),
       count(*) FILTER (WHERE opened_at > :since AND answered_at <= due_at),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - opened_at))
           FILTER (WHERE opened_at > :since)
FROM question WHERE carrier = :carrier
""").bindparams(*_moments("since"))


@dataclass(frozen=True)
class Checked:
    """A batch that was checked, and how many of its rows had each verdict."""

    id: uuid.UUID
    kind: str
    done_at: datetime
    rows: int
    verdicts: Mapping[str, int]


@dataclass(frozen=True)
class OpenCases:
    """Open cases of one state: whose turn it is, how many are of each age (`AGES`, then older)."""

    state: str
    acts: str
    ages: tuple[int, ...]

    @property
    def count(self) -> int:
        """All of them."""
        return sum(self.ages)


@dataclass(frozen=True)
class Corrections:
    """Of holders' corrections: how many wait, since when, how many were lately taken over, how fast."""

    waiting: int
    since: datetime | None
    taken: int
    median: timedelta | None


@dataclass(frozen=True)
class Questions:
    """Of holders' questions: open ones, when the first is due; lately asked, answered, in time, how fast."""

    open: int
    due: datetime | None
    asked: int
    answered: int
    in_time: int
    median: timedelta | None


@dataclass(frozen=True)
class Figures:
    """Everything. `verdicts` are those of all rows at the moment `at`; empty before the first check."""

    verdicts: Mapping[str, int]
    at: datetime | None
    batches: list[Checked]
    cases: list[OpenCases]
    corrections: Corrections
    questions: Questions


async def figures(session: AsyncSession, carrier: str) -> Figures:
    """The carrier's figures at this moment."""
    now, its = clock.now(), {"carrier": carrier}
    lately: dict[str, Any] = its | {"since": now - LATELY}
    verdicts = (await session.execute(NOW, its)).one_or_none()
    batches = await session.execute(BATCHES_LATELY, its | {"most": BATCHES})
    ages = dict(zip(("first", "second", "third"), (now - age for age in AGES), strict=True))
    cases = await session.execute(CASES, its | ages)
    waiting, since, taken, took = (await session.execute(CORRECTIONS, lately)).one()
    still, due, asked, answered, in_time, answering = (await session.execute(QUESTIONS, lately)).one()
    return Figures(
        (verdicts[0] or {}) if verdicts else {}, verdicts[1] if verdicts else None,
        [Checked(*row) for row in batches], [OpenCases(row[0], row[1], tuple(row[2:])) for row in cases],
        Corrections(waiting, since, taken, _time(took)),
        Questions(still, due, asked, answered, in_time, _time(answering)),
    )  # fmt: skip


def _time(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=float(seconds))
