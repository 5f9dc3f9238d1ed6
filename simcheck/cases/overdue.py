"""The clock of cases that wait for somebody outside: what is not answered in time comes back to staff."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.cases.states import ACTS, State
from simcheck.db.engine import actor_of

# Cases that a person or a run holds right now are left for the next time.
TAKE_BACK = sa.text("""
WITH late AS (
    SELECT id FROM "case"
    WHERE closed_at IS NULL AND state = :referred AND due_at <= :at
    ORDER BY due_at LIMIT :most
    FOR NO KEY UPDATE SKIP LOCKED
), back AS (
    UPDATE "case" SET state = :with_staff, acts = :acts, due_at = NULL, changed_at = :at,
                      version = version + 1, target_at = :at + clock_left, clock_left = NULL
    FROM late WHERE "case".id = late.id
    RETURNING "case".id, carrier, verdict, reasons
), told AS (
    INSERT INTO case_event (case_id, carrier, at, actor, move, from_state, to_state, detail)
    SELECT id, carrier, :at, :actor, 'overdue', :referred, :with_staff,
           jsonb_build_object('verdict', verdict, 'reasons', reasons)
    FROM back
)
SELECT carrier, count(*) FROM back GROUP BY carrier ORDER BY carrier
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
MOST = 10_000


async def take_back(session: AsyncSession, most: int = MOST) -> int:
    """Give referred cases whose time is up back to staff, the latest first; how many there were."""
    staff = State.WITH_STAFF
    words = {"referred": State.REFERRED.value, "with_staff": staff.value, "acts": ACTS[staff].value}
    at, actor = clock.now(), actor_of(session)
    rows = (await session.execute(TAKE_BACK, {**words, "at": at, "actor": actor, "most": most})).all()
    for carrier, count in rows:
        audit.record(
            session, "case.overdue", f"carrier/{carrier}", {"cases": count}, stream=f"case/{carrier}"
        )
    return sum(count for _, count in rows)
