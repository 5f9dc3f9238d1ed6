"""A batch's way: received, reading, then checking or refused. Each step is one statement that says what it
expects, so that a step done twice, or by a worker that was thought dead, changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.queue import enqueue
from simcheck.register.models import RegisterSnapshot, SnapshotState
from simcheck.uploads.models import Batch, BatchKind, BatchState
from simcheck.uploads.receive import wake

MOST_ATTEMPTS = 5  # of reading a batch; what breaks the worker so often will break the next one too
_MOVING = (BatchState.RECEIVED, BatchState.READING, BatchState.CHECKING)

# A carrier's oldest batch that is not at its end, if nobody reads it: so its batches are taken one after
# another, a delta finds the dataset of the batch before it, and nothing older is published over newer.
CLAIM = sa.text("""
UPDATE batch SET state = 'reading', changed_at = :now,
       counts = jsonb_build_object('attempts', coalesce((counts ->> 'attempts')::integer, 0) + 1)
WHERE id = (
    SELECT id FROM batch WHERE carrier = :carrier AND state IN ('received', 'reading', 'checking')
    ORDER BY received_at, id LIMIT 1
)
AND (state = 'received' OR state = 'reading' AND changed_at < :stale)
RETURNING id
""").bindparams(*(sa.bindparam(name, type_=sa.TIMESTAMP(timezone=True)) for name in ("now", "stale")))

# Carriers whose oldest moving batch waits to be read, or whose reader gave no sign of life.
DUE = sa.text("""
SELECT carrier FROM (
    SELECT DISTINCT ON (carrier) carrier, state, changed_at FROM batch
    WHERE state IN ('received', 'reading', 'checking') ORDER BY carrier, received_at, id
) AS oldest
WHERE state = 'received' OR state = 'reading' AND changed_at < :stale
""").bindparams(sa.bindparam("stale", type_=sa.TIMESTAMP(timezone=True)))


async def claim(session: AsyncSession, carrier: str, lease: timedelta) -> Batch | None:
    """The carrier's next batch, now being read by us; None when there is none, or another is at it."""
    now = clock.now()
    found = await session.scalar(CLAIM, {"carrier": carrier, "now": now, "stale": now - lease})
    return await session.get(Batch, found) if found else None


async def beat(
    session: AsyncSession, batch: uuid.UUID, seen: datetime, counts: Mapping[str, Any]
) -> datetime | None:
    """Say that we still read, and how far we are; `seen` is the last sign. None when another took over."""
    now = clock.now()
    beating = (
        sa.update(Batch)
        .where(Batch.id == batch, Batch.state == BatchState.READING, Batch.changed_at == seen)
        .values(changed_at=now, counts=Batch.counts.op("||")(sa.cast(dict(counts), pg.JSONB)))
        .returning(Batch.id)
    )
    return now if await session.scalar(beating) else None


async def read(
    session: AsyncSession, batch: Batch, seen: datetime, rows: int, counts: Mapping[str, Any]
) -> bool:
    """The batch's dataset is published: have it checked. False when another took over."""
    if not await _step(session, batch.id, seen, state=BatchState.CHECKING, rows=rows, counts=dict(counts)):
        return False
    audit.record(session, "batch.read", f"batch/{batch.id}", {"rows": rows})
    await enqueue(
        session, "runs.start", queueing_lock=f"runs.start/{batch.id}", batch_id=str(batch.id)
    )  # fmt: skip
    return True


async def refuse(session: AsyncSession, batch: Batch, seen: datetime, code: str, words: str) -> bool:
    """The batch cannot be used; `words` say why, without anything of its content. False as in `read`."""
    now = clock.now()
    if not await _step(
        session, batch.id, seen, state=BatchState.REFUSED, refusal_code=code, refusal=words, done_at=now
    ):
        return False
    audit.record(session, "batch.refused", f"batch/{batch.id}", {"code": code})
    await enqueue(
        session, "webhooks.fan_out", carrier=batch.carrier, event="batch.refused", subject=str(batch.id)
    )
    await wake(session, batch.carrier)
    return True


async def due(session: AsyncSession, lease: timedelta) -> list[str]:
    """Carriers that have a batch to be read. The session needs the ministry's scope."""
    return list(await session.scalars(DUE, {"stale": clock.now() - lease}))


async def base_of(session: AsyncSession, carrier: str) -> uuid.UUID | None:
    """The batch whose dataset is the carrier's current one."""
    newest = (
        sa.select(Batch.id)
        .where(Batch.carrier == carrier, Batch.state == BatchState.DONE)
        .order_by(Batch.done_at.desc(), Batch.id)
    )
    return await session.scalar(newest.limit(1))


async def buckets_now(session: AsyncSession, otherwise: int) -> int:
    """How many buckets a new dataset has: as many as the current register."""
    current = sa.select(RegisterSnapshot.buckets).where(RegisterSnapshot.state == SnapshotState.CURRENT)
    return await session.scalar(current) or otherwise


async def known_paths(session: AsyncSession) -> set[str]:
    """Every folder of the vault that a batch names. The session needs the ministry's scope."""
    return {path for path in await session.scalars(sa.select(Batch.path)) if path}


async def forget_raw(session: AsyncSession, before: datetime) -> list[str]:
    """Batches at their end since before this moment have no raw file any more; gives the folders."""
    ended = (Batch.state.not_in(_MOVING), Batch.done_at < before, Batch.path.is_not(None))
    paths = list(await session.scalars(sa.select(Batch.path).where(*ended)))
    await session.execute(
        sa.update(Batch).where(Batch.path.in_(paths)).values(path=None),
        execution_options={"synchronize_session": False},
    )
    return [path for path in paths if path]


async def _step(session: AsyncSession, batch: uuid.UUID, seen: datetime, **values: Any) -> bool:
    step = (
        sa.update(Batch)
        .where(Batch.id == batch, Batch.state == BatchState.READING, Batch.changed_at == seen)
        .values(changed_at=clock.now(), **values)
        .returning(Batch.id)
    )
    return await session.scalar(step) is not None


def is_delta(batch: Batch) -> bool:
    """Whether it says only what changed."""
    return batch.kind == BatchKind.DELTA
