"""The jobs of runs: start, check a bucket, publish; and what finds those that do not move."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from contextlib import suppress
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from jobs.reports import after_run as count_again
from jobs.schedule import HOURLY, sweep
from jobs.tasks import job
from simcheck import clock, log
from simcheck.cases.after_run import after_run
from simcheck.crosscheck import failing, publish, runs
from simcheck.crosscheck.buckets import check_online, check_sealed
from simcheck.crosscheck.finish import Task, day_of, finish, measure_of
from simcheck.crosscheck.models import Run, RunKind
from simcheck.crosscheck.places import Lake
from simcheck.crosscheck.tidy import tidy
from simcheck.errors import UnavailableError, UsageError
from simcheck.queue import enqueue, enqueue_many
from simcheck.register import keeping, ledger
from simcheck.register.models import RegisterSnapshot
from simcheck.register.protocol import Register
from simcheck.service import Service
from simcheck.uploads.models import Batch, BatchState

ACTOR = "job:runs"
WORKER = f"{socket.gethostname()}/{os.getpid()}"
THREADS = len(os.sched_getaffinity(0))


@job("runs.start")
async def start(service: Service, batch_id: str) -> None:
    """Make the run of a batch that was loaded, against the current register. Without one, it waits."""
    await _make(service, uuid.UUID(batch_id), RunKind.BATCH)


@job("runs.renew")
async def renew(service: Service) -> None:
    """Check everybody against the current register who was last checked against another."""
    async with service.database.transaction(f"{ACTOR}.renew", ministry=True) as session:
        outdated = await runs.outdated(session)
    for batch_id in outdated:
        await _make(service, batch_id, RunKind.REGISTER)


async def _make(service: Service, batch_id: uuid.UUID, kind: RunKind) -> None:
    run_id, actor = uuid.uuid4(), f"{ACTOR}.start"
    async with service.database.transaction(actor, ministry=True) as session:
        register = await _register(service, session)
        batch = await session.get(Batch, batch_id)
    wanted = BatchState.CHECKING if kind is RunKind.BATCH else BatchState.DONE
    if register is None or batch is None or batch.state != wanted:
        return
    assert register.buckets is not None
    lake = Lake(service.store, service.keyring)
    try:
        rows = await asyncio.to_thread(lake.prepare, batch.carrier, batch_id, run_id, register.buckets)
    except Exception as error:
        async with service.database.transaction(actor, batch.carrier, ministry=True) as session:
            held = await session.get(Batch, batch_id, with_for_update=True)
            if held is not None and held.state == wanted:
                await failing.making(session, held, kind, register, _failure(service, "start", error))
        raise
    async with service.database.transaction(actor, batch.carrier, ministry=True) as session:
        held = await session.get(Batch, batch_id, with_for_update=True)
        if held is not None and held.state == wanted:
            await runs.make(session, run_id, kind, held, register, rows)


async def _register(service: Service, session: AsyncSession) -> RegisterSnapshot | None:
    if service.settings.register_url is not None:
        return await ledger.online(session, service.settings.buckets)
    return await ledger.current(session)


def _failure(service: Service, step: str, error: BaseException, bucket: int | None = None) -> failing.Failure:
    return failing.Failure(step, error, timedelta(seconds=service.settings.retry_seconds), bucket)


@job("runs.check")
async def check(service: Service, run_id: str, bucket: int) -> None:
    """Check one bucket, if nobody does. While it is under way the lease is renewed."""
    run_uuid, worker = uuid.UUID(run_id), f"{WORKER}/{uuid.uuid4().hex[:8]}"
    async with service.database.transaction(f"{ACTOR}.check", ministry=True) as session:
        run = await runs.live(session, run_uuid)
        if run is None:
            return
        attempts = await runs.take(session, run_uuid, bucket, worker, service.settings.lease_seconds)
        register = await session.get_one(RegisterSnapshot, run.register_id)
    if attempts is None:
        return
    try:
        if attempts > failing.MOST_ATTEMPTS:
            raise failing.killed()
        counts = await _watched(service, run, register.path, bucket, worker)
    except Exception as error:
        async with service.database.transaction(f"{ACTOR}.check", run.carrier, ministry=True) as session:
            held = await runs.live(session, run_uuid, lock=True)
            if held is not None:
                failure = _failure(service, "check", error, bucket)
                await failing.bucket(session, held, worker, attempts, failure)
        raise
    async with service.database.transaction(f"{ACTOR}.check", run.carrier, ministry=True) as session:
        held = await runs.live(session, run_uuid, lock=True)
        if held is not None:
            await runs.done(session, held, bucket, counts)


async def _watched(service: Service, run: Run, register: str, bucket: int, worker: str) -> dict[str, int]:
    """Check in a thread; meanwhile give signs of life."""
    seconds = service.settings.lease_seconds
    work = asyncio.create_task(asyncio.to_thread(_check, service, run, register, bucket))
    while not (await asyncio.wait([work], timeout=seconds / 3))[0]:
        with suppress(UnavailableError):  # the next sign may come through; if none does, the lease runs out
            async with service.database.transaction(f"{ACTOR}.check", ministry=True) as session:
                await runs.renew(session, run.id, bucket, worker, seconds)
    return work.result()


def _check(service: Service, run: Run, path: str, bucket: int) -> dict[str, int]:
    lake = Lake(service.store, service.keyring)
    declared = lake.to_check(run.carrier, run.batch_id, run.id, run.buckets)
    target = lake.findings(run.carrier, run.id)
    measure = measure_of(day_of(run.made_at))
    if path == ledger.ONLINE:
        online: Register | None = keeping.online_register(service)
        if online is None:
            raise UsageError("this run asks an online register, and SIMCHECK_REGISTER_URL is not set")
        return check_online(declared, target, bucket, online, measure, 1)
    register = keeping.sealed_register(service.store, service.keyring, path)
    return check_sealed(declared, target, bucket, register, measure, 1)


@job("runs.publish")
async def publish_all(service: Service) -> None:
    """Publish the runs whose buckets are done, one after the other; one that fails stops no other."""
    while True:
        async with service.database.transaction(f"{ACTOR}.publish", ministry=True) as session:
            due = await runs.publishable(session)
        if due is None:
            return
        try:
            if not await _publish(service, due):
                return
        except Exception as error:
            async with service.database.transaction(f"{ACTOR}.publish", ministry=True) as session:
                held = await runs.live(session, due, lock=True)
                if held is not None:
                    await failing.publishing(session, held, _failure(service, "publish", error))
            log.logger().error("run not published", run=due, exc_info=error)


async def _publish(service: Service, run_id: uuid.UUID) -> bool:
    """Publish a run; False where others published meanwhile, so that it has to be done again later."""
    lake = Lake(service.store, service.keyring)
    async with service.database.transaction(f"{ACTOR}.publish", ministry=True) as session:
        run = await runs.live(session, run_id, lock=True)
        if run is None:
            return True
        run.attempts += 1
        task, standing = await runs.task_of(session, run), await runs.standing(session, run.carrier)
        register = await session.get_one(RegisterSnapshot, run.register_id)
        old = await runs.is_older(session, run, standing.before_batch)
    if run.attempts > failing.MOST_ATTEMPTS:
        raise failing.killed()
    whole = None
    if not old:
        sealed = None
        if register.path != ledger.ONLINE:
            sealed = keeping.sealed_register(service.store, service.keyring, register.path)
        with log.timed("publish.finish"):
            whole = await asyncio.to_thread(
                finish, lake, task, sealed, standing.before, standing.others, THREADS
            )
    async with service.database.transaction(f"{ACTOR}.publish", run.carrier, ministry=True) as session:
        await session.execute(runs.ONE_AT_A_TIME)
        held = await runs.live(session, run_id, lock=True)
        if held is None:
            return True
        if await runs.standing(session, run.carrier) != standing:
            held.attempts -= 1
            await runs.wake_publisher(session)
            return False
        if whole is None:
            await failing.supersede(session, held)
            return True
        leaving = await runs.leaving(session, held, timedelta(days=service.settings.kept_days))
        written = await publish.write(session, lake, task, whole, leaving, THREADS)
        with log.timed("publish.cases"):
            await after_run(session, run_id, referral=timedelta(days=service.settings.referral_days))
        await runs.published(session, held, whole.counts, written, whole.encodings)
        await _tell(session, held, task)
    return True


async def _tell(session: AsyncSession, run: Run, task: Task) -> None:
    """What follows a published run, by name: feedback, whoever wants to be told, a newer register."""
    await enqueue(
        session, "feedback.make", queueing_lock=f"feedback.make/{run.id}",
        batch_id=str(task.batch), run_id=str(run.id),
    )  # fmt: skip
    if run.kind == RunKind.BATCH:
        await enqueue(
            session, "webhooks.fan_out", carrier=run.carrier, event="batch.done", subject=str(task.batch)
        )
    await enqueue(session, "runs.renew", queueing_lock="runs.renew")
    await enqueue(session, "notices.follow", queueing_lock="notices.follow")
    await count_again(session)


@sweep("runs.sweep")
async def find_due(service: Service) -> None:
    """Wake what is due and does not move: batches without a run, free buckets, runs to publish or renew."""
    now = clock.now()
    async with service.database.transaction(f"{ACTOR}.sweep", ministry=True) as session:
        batches = await runs.without_run(session)
        await enqueue_many(
            session, "runs.start",
            [{"args": {"batch_id": str(each)}, "lock": None, "queueing_lock": f"runs.start/{each}"}
             for each in batches],
        )  # fmt: skip
        buckets = (await session.execute(runs.WAITING, {"now": now})).all()
        await runs.wake_buckets(session, [(row.run_id, row.bucket) for row in buckets])
        if await runs.publishable(session) is not None:
            await runs.wake_publisher(session)
        if await runs.outdated(session):
            await enqueue(session, "runs.renew", queueing_lock="runs.renew")
    if buckets:
        log.logger().info("buckets waiting", count=len(buckets))


@sweep("runs.tidy", HOURLY)
async def tidy_lake(service: Service) -> None:
    """Let what nobody needs leave the lake: old registers, batches, findings."""
    kept = timedelta(days=service.settings.kept_days)
    gone = [*await keeping.purge(service, kept), *await tidy(service, kept)]
    if gone:
        log.logger().info("datasets purged", count=len(gone))
