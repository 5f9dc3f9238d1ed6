"""How well questions are answered: received, answered, in time, closed; and how long an answer takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

# By the carrier that a question is about, whoever answers it: one that staff had to take over counts too.
COUNT = sa.text("""
SELECT about, count(*), count(answered_at), count(*) FILTER (WHERE answered_at <= due_at),
       count(*) FILTER (WHERE state = 'closed'), count(*) FILTER (WHERE state = 'open'),
       count(*) FILTER (WHERE overdue),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - opened_at))
FROM question WHERE opened_at >= :since AND opened_at < :until
GROUP BY about ORDER BY about
""").bindparams(sa.bindparam("since", type_=sa.TIMESTAMP(timezone=True)),
                sa.bindparam("until", type_=sa.TIMESTAMP(timezone=True)))  # fmt: skip


class Figures(NamedTuple):
    """Of the questions of some time: how many, and the median time to the first answer (None: no answer)."""

    received: int
    answered: int
    in_time: int
    closed: int
    open: int
    overdue: int
    median: timedelta | None


async def figures(
    session: AsyncSession, since: datetime, until: datetime
) -> Mapping[str | None, Figures]:  # fmt: skip
    """The figures of questions asked in that time, by the carrier they are about (None: no carrier's number).

    Needs the ministry's scope.
    """
    rows = await session.execute(COUNT, {"since": since, "until": until})
    return {row[0]: Figures._make([*row[1:7], _time(row[7])]) for row in rows}


def _time(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=float(seconds))
