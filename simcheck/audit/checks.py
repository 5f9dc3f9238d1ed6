"""Looks through the whole chain: asked for, done by a job, and kept with what was found."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.audit.chain import record
from simcheck.audit.models import Check
from simcheck.audit.verify import Fault
from simcheck.db.engine import actor_of


async def ask(session: AsyncSession) -> int:
    """Note that the chain is to be looked through, in the name of whoever acts; the check's id. One that is
    still to be done is enough for all.
    """
    found = await open_one(session)
    if found is not None:
        return found.id
    check = Check(asked_by=actor_of(session), asked_at=clock.now())
    session.add(check)
    await session.flush()
    record(session, "audit.check_asked", f"audit_check/{check.id}")
    return check.id


async def open_one(session: AsyncSession) -> Check | None:
    """The check that is still to be done, if there is one."""
    wanted = sa.select(Check).where(Check.done_at.is_(None)).order_by(Check.id).limit(1)
    return await session.scalar(wanted)


async def done(session: AsyncSession, check_id: int, rows: int, fault: Fault | None) -> None:
    """Keep what a check has found: so many rows are right, and the first fault."""
    check = await session.get_one(Check, check_id, with_for_update=True)
    if check.done_at is not None:
        return
    check.done_at, check.rows = clock.now(), rows
    if fault is not None:
        check.stream, check.seq, check.cause = fault.stream, fault.seq, fault.cause
    record(session, "audit.checked", f"audit_check/{check_id}", {"rows": rows, "whole": fault is None})


async def newest(session: AsyncSession, most: int = 5) -> list[Check]:
    """The newest checks."""
    return list(await session.scalars(sa.select(Check).order_by(Check.id.desc()).limit(most)))
