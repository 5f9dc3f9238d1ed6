"""What keeps the service's own tables in order: the queue, limits, keys, the audit chain."""

from __future__ import annotations

import sqlalchemy as sa

from jobs.schedule import HOURLY, sweep
from simcheck import audit, log
from simcheck.access import clients, limits, staff_sessions, tokens
from simcheck.audit import checks
from simcheck.gate import chain
from simcheck.service import Service

# Jobs of workers that gave no sign of life for a minute. They hold their locks for ever (Procrastinate's
# issue 1518); the sweep of their stage enqueues anew what is still due.
DROP_STALLED = sa.text("""
DELETE FROM procrastinate_jobs AS job
WHERE job.status = 'doing' AND NOT EXISTS (
    SELECT FROM procrastinate_workers AS worker
    WHERE worker.id = job.worker_id AND worker.last_heartbeat > now() - interval '60 seconds'
)
""")
# Jobs that ended, whichever way, a week ago.
DROP_OLD = sa.text("""
DELETE FROM procrastinate_jobs AS job
WHERE job.status IN ('succeeded', 'failed', 'cancelled', 'aborted') AND NOT EXISTS (
    SELECT FROM procrastinate_events AS event
    WHERE event.job_id = job.id AND event.at > now() - interval '7 days'
)
""")


@sweep("queue.stalled")
async def drop_stalled(service: Service) -> None:
    """Let go of jobs whose worker was killed."""
    async with service.database.transaction("job:queue.stalled") as session:
        dropped = await session.execute(DROP_STALLED)
    if dropped.rowcount:  # type: ignore[attr-defined]
        log.logger().warning("stalled jobs dropped", count=dropped.rowcount)  # type: ignore[attr-defined]


@sweep("upkeep.tidy", HOURLY)
async def tidy(service: Service) -> None:
    """Forget what has no use any more."""
    async with service.database.transaction("job:upkeep.tidy") as session:
        await session.execute(DROP_OLD)
        await clients.forget_expired(session)
        await tokens.forget_retired(session)
        await limits.forget_idle(session)
    async with service.database.transaction("job:upkeep.tidy", ministry=True) as session:
        await staff_sessions.forget_over(session)


@sweep("audit.checkpoint", "*/5 * * * *")
async def checkpoint(service: Service) -> None:
    """Sign where the audit chain stands. The log's line is a copy outside the database."""
    async with service.database.transaction("job:audit.checkpoint") as session:
        made = await audit.checkpoint(session, service.keyring)
    if made is not None:
        log.logger().info("audit checkpoint", seq=made.seq, hash=made.hash.hex())


@sweep("audit.verify", "41 19 * * *")
async def verify(service: Service) -> None:
    """Look through the whole audit chain, at night and when somebody asks, and keep what was found."""
    actor = "job:audit.verify"
    async with service.database.transaction(actor, ministry=True) as session:
        asked = await checks.ask(session)
    async with service.database.transaction(actor, ministry=True, snapshot=True) as session:
        rows, fault = await audit.verify(session, service.keyring)
        fault = fault or await chain.verify(session)
    async with service.database.transaction(actor, ministry=True) as session:
        await checks.done(session, asked, rows, fault)
    if fault is not None:
        log.logger().error("the audit chain does not hold", stream=fault.stream, seq=fault.seq)
