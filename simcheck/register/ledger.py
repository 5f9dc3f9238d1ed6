"""Which register counts: `register_snapshot` says it, the lake only keeps the files.

A snapshot is importing, sealed, then current, all at once with the one before it retired; some time after
that it is purged. An online register stands in the same table, as a snapshot without files.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.queue import enqueue
from simcheck.register.models import RegisterSnapshot, SnapshotState
from simcheck.register.sealed import SealedRegister

ONLINE = "online"  # the path of the row that stands for an online register

# One at a time becomes current.
ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtext('simcheck register'))")
# Snapshots whose files nobody needs: retired long enough ago, or an import that never came to its end.
FORGOTTEN = sa.text("""
SELECT id, path FROM register_snapshot
WHERE (state = 'retired' AND retired_at < :before
       OR state IN ('importing', 'sealed') AND imported_at < :begun)
AND NOT EXISTS (
    SELECT FROM run WHERE run.register_id = register_snapshot.id
    AND run.state IN ('due', 'checking', 'publishing')
)
""")
_CURRENT = sa.select(RegisterSnapshot).where(RegisterSnapshot.state == SnapshotState.CURRENT)
_IMPORT_TAKES = timedelta(days=2)  # at most


async def start_import(session: AsyncSession, path: str, buckets: int) -> RegisterSnapshot:
    """A snapshot is being imported into the dataset `path`."""
    now = clock.now()
    snapshot = RegisterSnapshot(
        id=uuid.uuid4(), state=SnapshotState.IMPORTING, path=path, buckets=buckets, as_of=now, imported_at=now
    )
    session.add(snapshot)
    await session.flush()
    return snapshot


async def finish(session: AsyncSession, snapshot_id: uuid.UUID, sealed: SealedRegister) -> None:
    """The import is whole: the snapshot becomes current, and everybody is checked against it."""
    await session.execute(
        sa.update(RegisterSnapshot)
        .where(RegisterSnapshot.id == snapshot_id)
        .values(state=SnapshotState.SEALED, digest=bytes.fromhex(sealed.digest), rows=sealed.rows)
    )
    await make_current(session, snapshot_id)
    audit.record(
        session, "register.imported", f"register/{snapshot_id}",
        {"digest": sealed.digest, "rows": sealed.rows, "buckets": sealed.buckets},
    )  # fmt: skip


async def make_current(session: AsyncSession, snapshot_id: uuid.UUID) -> None:
    """Let a sealed snapshot be the register from now on, and the one before it be retired."""
    await session.execute(ONE_AT_A_TIME)
    await session.execute(
        sa.update(RegisterSnapshot)
        .where(RegisterSnapshot.state == SnapshotState.CURRENT, RegisterSnapshot.id != snapshot_id)
        .values(state=SnapshotState.RETIRED, retired_at=clock.now())
    )
    await session.execute(
        sa.update(RegisterSnapshot)
        .where(RegisterSnapshot.id == snapshot_id)
        .values(state=SnapshotState.CURRENT, retired_at=None)
    )
    await enqueue(session, "runs.renew", queueing_lock="runs.renew")


async def give_up(session: AsyncSession, snapshot_id: uuid.UUID) -> None:
    """An import that failed: nothing of it stands in the lake."""
    await _set_purged(session, [snapshot_id])


async def current(session: AsyncSession) -> RegisterSnapshot | None:
    """The register that counts; None before the first import."""
    found: RegisterSnapshot | None = await session.scalar(_CURRENT)
    return found


async def online(session: AsyncSession, buckets: int) -> RegisterSnapshot:
    """The row of the online register, made current when it is not. It is as fresh as its last question."""
    await session.execute(ONE_AT_A_TIME)
    known = await session.scalar(
        sa.select(RegisterSnapshot).where(
            RegisterSnapshot.path == ONLINE, RegisterSnapshot.state != SnapshotState.PURGED
        )
    )
    if known is None:
        known = await start_import(session, ONLINE, buckets)
        audit.record(session, "register.online", f"register/{known.id}")
    known.as_of = clock.now()
    await session.flush()
    if known.state != SnapshotState.CURRENT:
        await make_current(session, known.id)
    return known


async def forgotten(session: AsyncSession, kept: timedelta) -> Sequence[tuple[uuid.UUID, str]]:
    """Snapshots whose files may go: (id, path)."""
    now = clock.now()
    rows = await session.execute(FORGOTTEN, {"before": now - kept, "begun": now - _IMPORT_TAKES})
    return [(row.id, row.path) for row in rows if row.path != ONLINE]


async def purged(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """The files of these snapshots are gone."""
    await _set_purged(session, ids)
    for each in ids:
        audit.record(session, "register.purged", f"register/{each}")


async def _set_purged(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    await session.execute(
        sa.update(RegisterSnapshot).where(RegisterSnapshot.id.in_(ids)).values(state=SnapshotState.PURGED)
    )
