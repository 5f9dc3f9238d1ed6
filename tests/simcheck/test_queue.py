from __future__ import annotations

from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.queue import enqueue, enqueue_many

pytestmark = pytest.mark.anyio
JOBS = "SELECT task_name, queue_name, lock, queueing_lock, args, priority FROM procrastinate_jobs ORDER BY id"


async def test_a_job_is_there_when_its_cause_is(service, owner):
    async with service.database.transaction("test") as session:
        await enqueue(
            session, "run.check", run="r1", bucket=3, lock="run/r1", queueing_lock="run/r1/3", priority=2
        )
        assert owner.execute(JOBS).fetchall() == []
    assert owner.execute(JOBS).fetchall() == [
        ("run.check", "default", "run/r1", "run/r1/3", {"run": "r1", "bucket": 3}, 2)
    ]


async def test_no_cause_no_job(service, owner):
    with pytest.raises(ZeroDivisionError):
        async with service.database.transaction("test") as session:
            await enqueue(session, "run.check", run="r1")
            raise ZeroDivisionError
    assert owner.execute(JOBS).fetchall() == []


async def test_a_job_that_waits_already_is_not_added_and_spoils_nothing(service, owner):
    for _ in range(2):
        async with service.database.transaction("test") as session:
            await enqueue(session, "run.sweep", queueing_lock="run.sweep")
            await enqueue(session, "run.check", run="r1")
    names = [row[0] for row in owner.execute(JOBS)]
    assert sorted(names) == ["run.check", "run.check", "run.sweep"]


async def test_many_at_once_and_later(service, owner):
    async with service.database.transaction("test") as session:
        buckets = [{"args": {"bucket": bucket}, "queueing_lock": f"b{bucket % 50}"} for bucket in range(100)]
        await enqueue_many(session, "run.check", buckets, at=clock.now() + timedelta(hours=1), queue="heavy")
    assert owner.execute(
        "SELECT count(*), min(queue_name), bool_and(scheduled_at > now()) FROM procrastinate_jobs"
    ).fetchone() == (50, "heavy", True)
