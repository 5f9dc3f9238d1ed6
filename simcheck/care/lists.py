"""Requests as staff see them: those that wait, by how soon their time is over; those that are late; answered
ones.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.care.models import PersonRequest

PAGE = 50


class Which(StrEnum):
    """Which requests."""

    OPEN = "open"
    LATE = "late"
    ANSWERED = "answered"


_CONDITIONS = {
    Which.OPEN: PersonRequest.answered_at.is_(None),
    Which.LATE: sa.and_(PersonRequest.answered_at.is_(None), PersonRequest.late),
    Which.ANSWERED: PersonRequest.answered_at.is_not(None),
}


class Found(NamedTuple):
    """A page of requests, and the number after which the next one begins (None: there is no more)."""

    rows: list[PersonRequest]
    after: int | None


async def page(session: AsyncSession, which: Which, after: int | None = None) -> Found:
    """A page of a list. The session needs the ministry's scope."""
    query = sa.select(PersonRequest).where(_CONDITIONS[which])
    last = None if after is None else await _last(session, after)
    if which is Which.ANSWERED:
        query = query.order_by(PersonRequest.number.desc())
        if after is not None:
            query = query.where(PersonRequest.number < after)
    else:
        key = sa.tuple_(PersonRequest.answer_by, PersonRequest.number)
        query = query.order_by(PersonRequest.answer_by, PersonRequest.number)
        if last is not None:
            query = query.where(key > sa.tuple_(sa.literal(last.answer_by), sa.literal(last.number)))
    rows = list(await session.scalars(query.limit(PAGE + 1)))
    return Found(rows[:PAGE], rows[PAGE - 1].number if len(rows) > PAGE else None)


async def counts(session: AsyncSession) -> dict[Which, int]:
    """How many each list has."""
    figures = (sa.func.count().filter(condition) for condition in _CONDITIONS.values())
    row = (await session.execute(sa.select(*figures).select_from(PersonRequest))).one()
    return dict(zip(_CONDITIONS, row, strict=True))


async def _last(session: AsyncSession, number: int) -> PersonRequest | None:
    found: PersonRequest | None = await session.scalar(
        sa.select(PersonRequest).where(PersonRequest.number == number)
    )
    return found
