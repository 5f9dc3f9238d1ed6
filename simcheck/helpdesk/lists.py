"""Questions as the ministry's desk lists them: by queue and state, what is due first at the top."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.errors import ConflictError
from simcheck.helpdesk.models import Question, QuestionState, Queue
from simcheck.helpdesk.questions import by_number

PAGE = 50


class Which(StrEnum):
    """A list of questions."""

    STAFF = "staff"  # open, and staff's to answer
    CARRIERS = "carriers"  # open, and a carrier's to answer
    ANSWERED = "answered"
    CLOSED = "closed"


class After(NamedTuple):
    """The last question of a page: when it is due, and its number."""

    at: datetime
    number: int


@dataclass(frozen=True)
class Page:
    """Questions of a list, and the last one where more follow."""

    rows: list[Question]
    after: After | None


# How many each list has; of open ones also how many are late.
COUNTS = sa.text("""
SELECT count(*) FILTER (WHERE state = 'open' AND queue = 'staff') AS staff,
       count(*) FILTER (WHERE state = 'open' AND queue = 'carrier') AS carriers,
       count(*) FILTER (WHERE state = 'answered') AS answered
FROM question WHERE state <> 'closed'
""")


async def page(
    session: AsyncSession, which: Which, carrier: str | None = None, after: After | None = None
) -> Page:
    """A page of a list: open questions by the time that is left, others the newest first.

    `carrier` keeps to those about a carrier's numbers. Needs the ministry's scope.
    """
    query = sa.select(Question).where(*_of(which))
    if carrier is not None:
        query = query.where(Question.about == carrier)
    if which in {Which.STAFF, Which.CARRIERS}:
        if after is not None:
            place = sa.tuple_(sa.literal(after.at), sa.literal(after.number))
            query = query.where(sa.tuple_(Question.due_at, Question.number) > place)
        query = query.order_by(Question.due_at, Question.number)
    else:
        if after is not None:
            query = query.where(Question.number < after.number)
        query = query.order_by(Question.number.desc())
    rows = list(await session.scalars(query.limit(PAGE + 1)))
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return Page(rows[:PAGE], After(last.due_at, last.number) if last else None)


async def counts(session: AsyncSession) -> dict[Which, int]:
    """How many questions the lists have that are worked on."""
    row = (await session.execute(COUNTS)).one()
    return {Which.STAFF: row.staff, Which.CARRIERS: row.carriers, Which.ANSWERED: row.answered}


def _of(which: Which) -> list[sa.ColumnElement[bool]]:
    if which is Which.STAFF:
        return [Question.state == QuestionState.OPEN, Question.queue == Queue.STAFF]
    if which is Which.CARRIERS:
        return [Question.state == QuestionState.OPEN, Question.queue == Queue.CARRIER]
    return [Question.state == which.value]


async def unchanged(session: AsyncSession, typed: str, version: str) -> Question:
    """The question of this number, locked, as it was when somebody saw it: `version` says so.

    Raises `InvalidError`, `NotFoundError`, `ConflictError` where somebody else was first.
    """
    found = await by_number(session, typed)
    await session.refresh(found, with_for_update={"key_share": True})
    if version_of(found) != version:
        raise ConflictError("Somebody else has worked on this question. Look at it again.")
    return found


def version_of(question: Question) -> str:
    """What tells a question from how it was before."""
    return question.changed_at.isoformat()
