"""Runs in the ledger: made, their buckets taken under leases, published. The work itself is elsewhere.

A run is `checking` until all its buckets are done, then `publishing` until what it found is everybody's.
Every step looks here for what is due, so any of them may be done twice, by anybody, at any time.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.crosscheck import failing
from simcheck.crosscheck.finish import Task
from simcheck.crosscheck.models import BucketState, Run, RunBucket, RunKind, RunState
from simcheck.crosscheck.others import Published
from simcheck.errors import NotFoundError
from simcheck.matching import rules as rule_file
from simcheck.queue import enqueue, enqueue_many
from simcheck.register.models import RegisterSnapshot
from simcheck.uploads.models import Batch, BatchState

LIVE = (RunState.DUE, RunState.CHECKING, RunState.PUBLISHING)

# One bucket, taken by this worker unless another one has it and gives signs of life.
TAKE = sa.text("""
UPDATE run_bucket SET worker = :worker, lease_until = :until, attempts = attempts + 1
WHERE run_id = :run AND bucket = :bucket AND state = 'due' AND (lease_until IS NULL OR lease_until <= :now)
RETURNING attempts
""")
RENEW = sa.text("""
UPDATE run_bucket SET lease_until = :until
WHERE run_id = :run AND bucket = :bucket AND state = 'due' AND worker = :worker
""")
DONE = sa.text("""
UPDATE run_bucket SET state = 'done', done_at = :now, lease_until = NULL, rows = CAST(:rows AS bigint),
    counts = CAST(:counts AS jsonb)
WHERE run_id = :run AND bucket = :bucket AND state = 'due'
""")
# Buckets that nobody works on: never taken, or taken by somebody who gives no sign of life.
WAITING = sa.text("""
SELECT run_bucket.run_id, run_bucket.bucket FROM run_bucket JOIN run ON run.id = run_bucket.run_id
WHERE run.state = 'checking' AND run_bucket.state = 'due'
  AND (run_bucket.lease_until IS NULL OR run_bucket.lease_until <= :now)
""")
# Each carrier's newest published run.
PUBLISHED = sa.text("""
SELECT DISTINCT ON (carrier) carrier, id, buckets, batch_id, register_id FROM run
WHERE state = 'published' ORDER BY carrier, published_at DESC
""")
# Batches that wait for a run: loaded, and none is live.
WITHOUT_RUN = sa.text("""
SELECT id FROM batch WHERE state = 'checking' AND (check_due_at IS NULL OR check_due_at <= :now)
AND NOT EXISTS (
    SELECT FROM run WHERE run.batch_id = batch.id AND run.state IN ('due', 'checking', 'publishing')
)
""")
# Carriers whose newest published run was against another register than the current one, or against one that
# did not answer for some rows, long enough ago to ask again. One that was given up lately is left alone.
OUTDATED = sa.text("""
WITH newest AS (
    SELECT DISTINCT ON (carrier) carrier, batch_id, register_id, published_at,
           CAST(coalesce(counts -> 'reasons' ->> 'REGISTER_UNANSWERED', '0') AS bigint) AS unanswered
    FROM run WHERE state = 'published' ORDER BY carrier, published_at DESC
)
SELECT newest.carrier, newest.batch_id FROM newest
JOIN register_snapshot AS register ON register.state = 'current'
JOIN batch ON batch.id = newest.batch_id AND (batch.check_due_at IS NULL OR batch.check_due_at <= :now)
WHERE (newest.register_id <> register.id OR newest.unanswered > 0 AND newest.published_at < :ask_again)
AND NOT EXISTS (
    SELECT FROM run WHERE run.carrier = newest.carrier AND run.register_id = register.id
    AND (run.state IN ('due', 'checking', 'publishing')
         OR run.state = 'failed' AND run.failure = 'given_up' AND run.batch_id = newest.batch_id
         AND run.changed_at > greatest(:rested, newest.published_at))
)
""")
ASK_AGAIN = timedelta(hours=1)
# Runs that publish: those that an earlier live run of the same carrier does not hold up.
PUBLISHABLE = sa.text("""
SELECT run.id FROM run WHERE run.state = 'publishing' AND (run.due_at IS NULL OR run.due_at <= :now)
AND NOT EXISTS (
    SELECT FROM run AS earlier WHERE earlier.carrier = run.carrier AND earlier.made_at < run.made_at
    AND earlier.state IN ('due', 'checking', 'publishing')
) ORDER BY run.made_at
""")
# One publishes at a time: what it tells of other carriers' rows must be so at its end.
ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtext('simcheck publish'))")
# How many buckets a batch's newest run has, and how many of them are done.
PROGRESS = sa.text("""
SELECT run.buckets, count(bucket.run_id) FILTER (WHERE bucket.state = 'done')
FROM run LEFT JOIN run_bucket AS bucket ON bucket.run_id = run.id
WHERE run.batch_id = :batch GROUP BY run.id ORDER BY run.made_at DESC LIMIT 1
""").bindparams(sa.bindparam("batch", type_=sa.Uuid()))
# Batches of this carrier whose rows are old enough to leave the lake, while subscriptions still point there.
LEAVING = sa.text("""
SELECT id FROM batch WHERE carrier = :carrier AND done_at < :before AND id <> :batch
""")


@dataclass(frozen=True)
class Standing:
    """What a run is published against: the carrier's own newest run, and all other carriers'."""

    before: Published | None
    before_batch: uuid.UUID | None
    others: list[Published]


class Progress(NamedTuple):
    """How many buckets a check has, and how many of them are done."""

    buckets: int
    done: int


async def progress(session: AsyncSession, batch: uuid.UUID) -> Progress | None:
    """How far the newest check of a batch is; None where there was none yet."""
    row = (await session.execute(PROGRESS, {"batch": batch})).one_or_none()
    return None if row is None else Progress(row[0], row[1])


async def outdated(session: AsyncSession) -> list[uuid.UUID]:
    """Batches that are due to be checked again: each carrier's current one, as far as the register changed,
    or has not answered. Needs the ministry's scope."""
    now = clock.now()
    values = {"now": now, "ask_again": now - ASK_AGAIN, "rested": now - failing.REST}
    rows = await session.execute(OUTDATED, values)
    return [row.batch_id for row in rows]


async def without_run(session: AsyncSession) -> list[uuid.UUID]:
    """Batches that wait for a run to be made of them. Needs the ministry's scope."""
    return list(await session.scalars(WITHOUT_RUN, {"now": clock.now()}))


async def publishable(session: AsyncSession) -> uuid.UUID | None:
    """The next run to be published. Needs the ministry's scope."""
    found: uuid.UUID | None = (await session.scalars(PUBLISHABLE, {"now": clock.now()})).first()
    return found


async def live(session: AsyncSession, run_id: uuid.UUID, *, lock: bool = False) -> Run | None:
    """The run, while it is not at its end."""
    asked = sa.select(Run).where(Run.id == run_id, Run.state.in_(LIVE))
    found: Run | None = await session.scalar(asked.with_for_update() if lock else asked)
    return found


async def make(
    session: AsyncSession,
    run_id: uuid.UUID,
    kind: RunKind,
    batch: Batch,
    register: RegisterSnapshot,
    rows: int,
) -> Run | None:
    """A run of a batch against a register, and its buckets; None where one is live already, or was."""
    same = sa.select(Run.id).where(
        Run.batch_id == batch.id, Run.register_id == register.id, Run.state.in_(LIVE)
    )
    if await session.scalar(same):
        return None
    assert register.buckets is not None
    now = clock.now()
    run = Run(
        id=run_id, kind=kind, carrier=batch.carrier, batch_id=batch.id, register_id=register.id,
        state=RunState.CHECKING, buckets=register.buckets, rows=rows, rules=rule_file.load().version,
        counts={}, made_at=now, changed_at=now,
    )  # fmt: skip
    session.add(run)
    await session.flush()
    session.add_all(
        RunBucket(
            run_id=run_id, bucket=each, carrier=batch.carrier, state=BucketState.DUE, attempts=0, counts={}
        )
        for each in range(run.buckets)
    )
    batch.check_attempts, batch.check_due_at = 0, None
    if kind is RunKind.BATCH:
        batch.run_id = run_id
        batch.changed_at = now
    audit.record(session, "run.made", f"run/{run_id}", {"kind": kind.value, "batch": str(batch.id),
                                                        "register": str(register.id)})  # fmt: skip
    await session.flush()
    await wake_buckets(session, [(run_id, each) for each in range(run.buckets)])
    return run


async def wake_buckets(session: AsyncSession, buckets: Sequence[tuple[uuid.UUID, int]]) -> None:
    """Have these buckets checked."""
    jobs = [
        {
            "args": {"run_id": str(run), "bucket": bucket},
            "lock": None,
            "queueing_lock": f"runs.check/{run}/{bucket}",
        }
        for run, bucket in buckets
    ]
    if jobs:
        await enqueue_many(session, "runs.check", jobs)


async def take(
    session: AsyncSession, run_id: uuid.UUID, bucket: int, worker: str, seconds: float
) -> int | None:
    """Take a bucket for so long; how often it was taken so far. None where it is done, or somebody has it."""
    now = clock.now()
    attempts: int | None = await session.scalar(
        TAKE,
        {
            "run": run_id,
            "bucket": bucket,
            "worker": worker,
            "now": now,
            "until": now + timedelta(seconds=seconds),
        },
    )
    return attempts


async def renew(session: AsyncSession, run_id: uuid.UUID, bucket: int, worker: str, seconds: float) -> None:
    """Give a sign of life."""
    until = clock.now() + timedelta(seconds=seconds)
    await session.execute(RENEW, {"run": run_id, "bucket": bucket, "worker": worker, "until": until})


async def done(session: AsyncSession, run: Run, bucket: int, counts: dict[str, int]) -> None:
    """A bucket is done. After the last one the run is published."""
    values = {"run": run.id, "bucket": bucket, "now": clock.now(), "rows": counts["rows"]}
    await session.execute(DONE, values | {"counts": json.dumps(counts)})
    left = await session.scalar(
        sa.select(sa.func.count()).where(RunBucket.run_id == run.id, RunBucket.state == BucketState.DUE)
    )
    run.changed_at = clock.now()
    if not left and run.state == RunState.CHECKING:
        run.state = RunState.PUBLISHING
        await wake_publisher(session)


async def wake_publisher(session: AsyncSession) -> None:
    """Have finished runs published."""
    await enqueue(session, "runs.publish", lock="runs.publish", queueing_lock="runs.publish")


async def task_of(session: AsyncSession, run: Run) -> Task:
    """What finishing the run needs to know."""
    rows, marked = (
        await session.execute(
            sa.select(
                sa.func.coalesce(sa.func.sum(RunBucket.rows), 0),
                sa.func.coalesce(sa.func.sum(RunBucket.counts["marked"].astext.cast(sa.BigInteger)), 0),
            ).where(RunBucket.run_id == run.id)
        )
    ).one()
    return Task(run.carrier, run.batch_id, run.id, run.buckets, int(rows), int(marked), run.made_at)


async def standing(session: AsyncSession, carrier: str) -> Standing:
    """Whom a run of this carrier is published against. Needs the ministry's scope."""
    rows = (await session.execute(PUBLISHED)).all()
    known = {row.carrier: Published(row.carrier, row.id, row.buckets) for row in rows}
    batch = next((row.batch_id for row in rows if row.carrier == carrier), None)
    return Standing(known.pop(carrier, None), batch, sorted(known.values(), key=lambda each: each.carrier))


async def is_older(session: AsyncSession, run: Run, current: uuid.UUID | None) -> bool:
    """Whether the run's batch came before the one that counts now."""
    if current is None or current == run.batch_id:
        return False
    asked = sa.select(Batch.id, Batch.received_at).where(Batch.id.in_([current, run.batch_id]))
    came = {row.id: row.received_at for row in await session.execute(asked)}
    return bool(came[run.batch_id] < came[current])


async def leaving(session: AsyncSession, run: Run, kept: timedelta) -> list[uuid.UUID]:
    """The carrier's batches whose rows may leave the lake soon."""
    values = {"carrier": run.carrier, "before": clock.now() - kept, "batch": run.batch_id}
    return list((await session.scalars(LEAVING, values)).all())


async def published(
    session: AsyncSession, run: Run, counts: dict[str, Any], written: dict[str, int], encodings: list[int]
) -> None:
    """The run is everybody's now, and so is its batch."""
    now = clock.now()
    run.state, run.published_at, run.changed_at, run.counts = RunState.PUBLISHED, now, now, counts | written
    run.counts |= {"encodings": encodings}
    if run.kind == RunKind.BATCH:
        batch = await session.get_one(Batch, run.batch_id)
        batch.state, batch.done_at, batch.changed_at = BatchState.DONE, now, now
        batch.rows, batch.counts = run.rows, batch.counts | counts
    audit.record(
        session, "run.published", f"run/{run.id}",
        {"batch": str(run.batch_id), "rows": run.rows, **written, **counts},
    )  # fmt: skip


async def seen(session: AsyncSession, run_id: uuid.UUID) -> tuple[Run, int]:
    """A run and how many of its buckets are done. Raises NotFoundError, for another carrier's run too."""
    run = await session.get(Run, run_id)
    if run is None:
        raise NotFoundError("There is no such run.")
    ready = await session.scalar(
        sa.select(sa.func.count()).where(RunBucket.run_id == run_id, RunBucket.state == BucketState.DONE)
    )
    return run, int(ready or 0)
