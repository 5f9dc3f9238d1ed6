"""A case in a reviewer's hands: the next one of a filter, for a while, and nobody else's meanwhile.

A claim is a lease in the case's own row (`claimed_by`, `claimed_until`). It ends by itself, so that nobody
who went home keeps a case; it is no move, and leaves the case's version alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.cases.models import Case
from simcheck.clock import LOCAL
from simcheck.config import Settings
from simcheck.errors import ConflictError, NotFoundError
from simcheck.review import queue
from simcheck.review.filters import Filter
from simcheck.review.queue import Sort


class LeaseLostError(ConflictError):
    """Somebody decides in a case that is not in their hands (any more). `taken_by` is who has it now (None:
    nobody), `ended_at` when their own lease ended (None: they had none).
    """

    code = "lease_lost"

    def __init__(self, message: str, taken_by: str | None, ended_at: datetime | None) -> None:
        self.taken_by, self.ended_at = taken_by, ended_at
        super().__init__(message)


def next_one(
    filter_: Filter, who: str, at: datetime, past: Collection[uuid.UUID] = ()
) -> sa.Select[uuid.UUID]:
    """The statement that finds and locks the most urgent case of a filter that `who` may have: in nobody
    else's hands, given to nobody else, awake, without a decision on its way. Cases that a run or somebody
    holds at this moment are passed by.
    """
    query = (
        sa.select(Case.id)
        .where(
            filter_.predicate(who, at),
            Case.closed_at.is_(None),
            sa.or_(Case.claimed_until.is_(None), Case.claimed_until <= at, Case.claimed_by == who),
            sa.or_(Case.assignee.is_(None), Case.assignee == who),
            sa.or_(Case.snoozed_until.is_(None), Case.snoozed_until <= at),
            ~Case.pending,
        )
        .order_by(*queue.ORDERS[Sort.DEADLINE].columns)
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return query.where(Case.id.not_in(list(past))) if past else query


async def next_case(
    session: AsyncSession, settings: Settings, filter_: Filter, who: str, past: Collection[uuid.UUID] = ()
) -> Case | None:
    """Take the next case of a filter; None where none is left. `past` are cases that `who` wants to pass
    by."""
    at = clock.now()
    found = await session.scalar(next_one(filter_, who, at, past))
    return None if found is None else await _give(session, settings, found, who)


async def claim(
    session: AsyncSession, settings: Settings, case_id: uuid.UUID, who: str, *, over: bool = False
) -> Case:
    """Take this case, or renew the lease that one has. With `over`, also out of somebody else's hands.

    Raises `NotFoundError`, and `ConflictError` while somebody else has it and for a closed case.
    """
    case, at = await _locked(session, case_id), clock.now()
    if case.closed_at is not None:
        raise ConflictError("The case is closed. There is nothing to decide.")
    if _is_others(case, who, at) and not over:
        raise ConflictError(f"{case.claimed_by} looks at this case now, until {_hour(case.claimed_until)}.")
    return await _give(session, settings, case_id, who)


async def renew(session: AsyncSession, settings: Settings, case_id: uuid.UUID, who: str) -> datetime:
    """Have the case longer; until when. Raises `NotFoundError`, and `LeaseLostError` where it is one's no
    more."""
    case = await _locked(session, case_id)
    require_held(case, who)
    case = await _give(session, settings, case_id, who)
    assert case.claimed_until is not None
    return case.claimed_until


async def release(session: AsyncSession, case_id: uuid.UUID, who: str) -> None:
    """Give the case back; nothing happens where one does not have it. Raises `NotFoundError`."""
    case = await _locked(session, case_id)
    if case.claimed_by == who:
        case.claimed_by = case.claimed_until = None
        await session.flush()


def require_held(case: Case, who: str) -> None:
    """Raise `LeaseLostError`, which says what happened, unless the case is in `who`'s hands at this
    moment."""
    at = clock.now()
    if case.claimed_by == who and case.claimed_until is not None:
        if case.claimed_until > at:
            return
        raise LeaseLostError(
            f"Your time with this case ran out at {_hour(case.claimed_until)}. Nobody has taken it since: "
            "take it again, look at it, and decide.",
            None, case.claimed_until,
        )  # fmt: skip
    if _is_others(case, who, at):
        raise LeaseLostError(
            f"{case.claimed_by} has this case now, until {_hour(case.claimed_until)}. "
            "Your decision was not made.",
            case.claimed_by, None,
        )  # fmt: skip
    raise LeaseLostError("You do not have this case. Take it first, look at it, and decide.", None, None)


def _is_others(case: Case, who: str, at: datetime) -> bool:
    return case.claimed_by not in {None, who} and case.claimed_until is not None and case.claimed_until > at


async def _locked(session: AsyncSession, case_id: uuid.UUID) -> Case:
    case = await session.get(Case, case_id, with_for_update={"key_share": True}, populate_existing=True)
    if case is None:
        raise NotFoundError("There is no such case.")
    return case


async def _give(session: AsyncSession, settings: Settings, case_id: uuid.UUID, who: str) -> Case:
    case = await session.get_one(Case, case_id, populate_existing=True)
    case.claimed_by = who
    case.claimed_until = clock.now() + timedelta(minutes=settings.claim_minutes)
    await session.flush()
    return case


def _hour(at: datetime | None) -> str:
    return at.astimezone(LOCAL).strftime("%H:%M") if at else ""
