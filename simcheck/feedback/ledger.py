"""Which feedback files there are: made, fetched, acknowledged, and let go of a while after that."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.crosscheck.models import Run, RunKind, RunState
from simcheck.db.engine import actor_of
from simcheck.errors import ConflictError, NotFoundError
from simcheck.feedback.make import name_of
from simcheck.feedback.models import Feedback
from simcheck.webhooks import notify

# Runs that were published and whose feedback is not there: their job was lost. A carrier's standing file
# belongs to its newest run alone.
WITHOUT = sa.text("""
SELECT run.id, run.batch_id FROM run
WHERE run.state = 'published' AND run.published_at > :since
  AND NOT EXISTS (SELECT FROM feedback WHERE feedback.run_id = run.id AND feedback.batch_id IS NULL)
  AND NOT EXISTS (
      SELECT FROM run AS newer
      WHERE newer.carrier = run.carrier AND newer.state = 'published'
        AND newer.published_at > run.published_at
        AND (run.kind = 'register' OR EXISTS (SELECT FROM feedback WHERE feedback.run_id = run.id))
  )
ORDER BY run.published_at LIMIT 1000
""").bindparams(sa.bindparam("since", type_=sa.TIMESTAMP(timezone=True)))


class Published(NamedTuple):
    """A published run: what its feedback is made of."""

    run_id: uuid.UUID
    batch_id: uuid.UUID
    carrier: str
    buckets: int
    of_batch: bool  # whether it was made because the batch came in
    newest: bool  # whether it is the carrier's newest


async def published(session: AsyncSession, run_id: uuid.UUID) -> Published | None:
    """A run, if it is published."""
    run = await session.get(Run, run_id)
    if run is None or run.state != RunState.PUBLISHED:
        return None
    newest = await newest_of(session, run.carrier)
    return Published(
        run.id, run.batch_id, run.carrier, run.buckets, run.kind == RunKind.BATCH, newest == run.id
    )


async def newest_of(session: AsyncSession, carrier: str) -> uuid.UUID | None:
    """The carrier's newest published run."""
    query = sa.select(Run.id).where(Run.carrier == carrier, Run.state == RunState.PUBLISHED)
    return await session.scalar(query.order_by(Run.published_at.desc()).limit(1))


async def made_for(session: AsyncSession, run_id: uuid.UUID, *, standing: bool) -> bool:
    """Whether the run has its file already: the batch's, or the standing one."""
    whose = Feedback.batch_id.is_(None) if standing else Feedback.batch_id.is_not(None)
    return bool(await session.scalar(sa.select(sa.exists().where(Feedback.run_id == run_id, whose))))


async def one_at_a_time(session: AsyncSession, run_id: uuid.UUID) -> None:
    """Until the transaction's end nobody else makes a file of this run known."""
    await session.execute(sa.select(Run.id).where(Run.id == run_id).with_for_update())


async def keep(
    session: AsyncSession, feedback_id: uuid.UUID, run: Published, rows: int, *, standing: bool
) -> None:
    """Make a file that is in the lake known, and tell the carrier."""
    batch_id = None if standing else run.batch_id
    path = name_of(run.carrier, feedback_id)
    session.add(
        Feedback(
            id=feedback_id, carrier=run.carrier, batch_id=batch_id, run_id=run.run_id, rows=rows, path=path,
            made_at=clock.now(),
        )
    )  # fmt: skip
    await session.flush()
    detail = {"rows": rows, "batch": str(batch_id) if batch_id else None}
    audit.record(
        session, "feedback.made", f"feedback/{feedback_id}", detail, stream=f"feedback/{run.carrier}"
    )
    told: dict[str, str | int] = {"feedback": str(feedback_id), "rows": rows}
    if batch_id:
        told["batch"] = str(batch_id)
    await notify(session, run.carrier, "feedback.ready", f"feedback/{feedback_id}", told)


async def page(
    session: AsyncSession, carrier: str, *, acknowledged: bool | None = None, limit: int = 100
) -> list[Feedback]:
    """A carrier's files, the newest first."""
    query = sa.select(Feedback).where(Feedback.carrier == carrier)
    if acknowledged is not None:
        query = query.where((Feedback.acknowledged_at.is_not(None)) == acknowledged)
    return list(await session.scalars(query.order_by(Feedback.made_at.desc(), Feedback.id).limit(limit)))


async def get(session: AsyncSession, feedback_id: uuid.UUID) -> Feedback:
    """A file. Raises `NotFoundError`, also for another carrier's."""
    found = await session.get(Feedback, feedback_id)
    if found is None:
        raise NotFoundError("There is no such feedback file.")
    return found


async def of_batch(session: AsyncSession, batch_id: uuid.UUID) -> Feedback:
    """A batch's file. Raises `NotFoundError` where there is none (yet)."""
    query = sa.select(Feedback).where(Feedback.batch_id == batch_id)
    found = await session.scalar(query.order_by(Feedback.made_at.desc()).limit(1))
    if found is None:
        raise NotFoundError("The batch has no feedback file, or not yet: it is made after the batch is done.")
    return found


def require_kept(feedback: Feedback) -> None:
    """Raise `NotFoundError` for a file that was acknowledged and let go of."""
    if feedback.purged_at is not None:
        raise NotFoundError("The feedback file was acknowledged and is kept no more.")


async def acknowledge(session: AsyncSession, feedback: Feedback, rows: int) -> None:
    """Note that the carrier has the file; a standing file stands for the older ones too.

    `rows` is how many the carrier has read: another number means that it has not the whole file, and is a
    `ConflictError`. Doing it again changes nothing.
    """
    if rows != feedback.rows:
        raise ConflictError(f"The file has {feedback.rows} rows. Fetch it again, and acknowledge all of it.")
    at, actor = clock.now(), actor_of(session)
    this = Feedback.id == feedback.id
    if feedback.batch_id is None:
        older = sa.and_(
            Feedback.carrier == feedback.carrier, Feedback.batch_id.is_(None),
            Feedback.made_at <= feedback.made_at,
        )  # fmt: skip
        this = sa.or_(this, older)
    noted = await session.execute(
        sa.update(Feedback)
        .where(this, Feedback.acknowledged_at.is_(None))
        .values(acknowledged_at=at, acknowledged_by=actor)
    )
    await session.refresh(feedback)
    if noted.rowcount:  # type: ignore[attr-defined]
        audit.record(session, "feedback.acknowledged", f"feedback/{feedback.id}", {"rows": rows})


async def to_purge(session: AsyncSession, after: timedelta, limit: int = 1000) -> list[Feedback]:
    """Files that were acknowledged so long ago that they need not be kept."""
    query = sa.select(Feedback).where(
        Feedback.acknowledged_at <= clock.now() - after, Feedback.purged_at.is_(None)
    )
    return list(await session.scalars(query.limit(limit)))


async def known_paths(session: AsyncSession) -> set[str]:
    """The datasets of all files that are kept. The session needs the ministry's scope."""
    return set(await session.scalars(sa.select(Feedback.path).where(Feedback.purged_at.is_(None))))
