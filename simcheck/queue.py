"""Putting work into the queue, in the caller's own transaction: a job exists if and only if its cause does.

Jobs are named, not imported: what does them lives in the package `jobs`, above this one. A job is a wake-up,
nothing more. What has to be done stands in a table, and a sweep finds it there when a job is lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

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
