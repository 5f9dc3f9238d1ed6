"""Putting work into the queue, in the caller's own transaction: a job exists if and only if its cause does.

Jobs are named, not imported: what does them lives in the package `jobs`, above this one. A job is a wake-up,
nothing more. What has to be done stands in a table, and a sweep finds it there when a job is lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

QUEUE = "default"

# Procrastinate's own function raises when a job with the queueing lock waits already, which would spoil the
# caller's transaction: so a row is added as that function adds it, unless one is waiting. The table's
# triggers wake the workers at the commit.
ENQUEUE = sa.text("""
INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
SELECT :queue, :task, :priority, job ->> 'lock', job ->> 'queueing_lock', job -> 'args', :at
FROM jsonb_array_elements(CAST(:jobs AS jsonb)) AS job
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
# Jobs that failed, the newest first, and when they did.
FAILED = sa.text("""
SELECT job.id, job.task_name AS task, job.attempts, max(event.at) AS at
FROM procrastinate_jobs AS job JOIN procrastinate_events AS event ON event.job_id = job.id
WHERE job.status = 'failed' GROUP BY job.id ORDER BY at DESC, job.id DESC LIMIT :most
""")
# One that failed is put in anew. Where the same waits already, that one is enough.
AGAIN = sa.text("""
WITH failed AS (DELETE FROM procrastinate_jobs WHERE id = :job AND status = 'failed' RETURNING *),
added AS (
    INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args)
    SELECT queue_name, task_name, priority, lock, queueing_lock, args FROM failed
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
)
SELECT task_name FROM failed
""")


async def enqueue(
    session: AsyncSession,
    task: str,
    *,
    lock: str | None = None,
    queueing_lock: str | None = None,
    at: datetime | None = None,
    queue: str = QUEUE,
    priority: int = 0,
    **args: Any,
) -> None:
    """Have `task` done with `args` (of JSON's kinds: ids, no personal data) once this transaction commits.

    Of jobs with the same `lock` one runs at a time. With a `queueing_lock`, nothing is added while a job
    with the same one waits to be started. `at` is the earliest moment; a higher `priority` goes first.
    """
    job = {"lock": lock, "queueing_lock": queueing_lock, "args": args}
    await enqueue_many(session, task, [job], at=at, queue=queue, priority=priority)


async def enqueue_many(
    session: AsyncSession,
    task: str,
    jobs: Iterable[Mapping[str, Any]],
    *,
    at: datetime | None = None,
    queue: str = QUEUE,
    priority: int = 0,
) -> None:
    """`enqueue` for any number of jobs of one task in one statement: {args, lock, queueing_lock} each."""
    await session.execute(
        ENQUEUE,
        {"queue": queue, "task": task, "priority": priority, "at": at, "jobs": json.dumps(list(jobs))},
    )


class Failed(NamedTuple):
    """A job that failed: which task, after how many attempts, when."""

    id: int
    task: str
    attempts: int
    at: datetime


async def failed(session: AsyncSession, most: int = 100) -> list[Failed]:
    """The newest jobs that failed; they are kept for a week."""
    return [Failed(*row) for row in await session.execute(FAILED, {"most": most})]


async def again(session: AsyncSession, job: int) -> str | None:
    """Have a job that failed done again; its task. None where there is no such one (any more)."""
    task: str | None = await session.scalar(AGAIN, {"job": job})
    return task
