from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from jobs import tasks
from jobs.app import make_app, run_worker
from simcheck import audit
from simcheck.queue import enqueue

pytestmark = pytest.mark.anyio


@pytest.fixture
def done():
    """Registers `try.note` (notes what it is given) and `try.fail`; gives what was noted."""
    before, noted = dict(tasks.TASKS), []

    @tasks.job("try.note")
    async def note(service, number: int) -> None:
        async with service.database.transaction("job:try.note") as session:
            audit.record(session, "try.noted", f"try/{number}")
            noted.append((number, await session.scalar(sa.text("SELECT current_user"))))

    @tasks.job("try.fail")
    async def fail(service) -> None:
        raise ZeroDivisionError

    yield noted
    tasks.TASKS.clear()
    tasks.TASKS.update(before)


async def work(service, **more) -> None:
    async with asyncio.timeout(20):
        await run_worker(service, wait=False, **more)


async def test_what_is_enqueued_is_done_once(service, owner, done):
    async with service.database.transaction("test") as session:
        for number in range(3):
            await enqueue(session, "try.note", number=number, lock="one")
    await work(service, concurrency=2)
    await work(service)
    assert done == [(number, "simcheck_service") for number in range(3)]
    assert owner.execute(
        "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'try.note'"
    ).fetchone() == (0,)


async def test_a_job_that_fails_does_not_stop_the_others(service, owner, done):
    async with service.database.transaction("test") as session:
        await enqueue(session, "try.fail")
        await enqueue(session, "try.note", number=1)
    await work(service)
    assert len(done) == 1
    left = owner.execute(
        "SELECT task_name, status FROM procrastinate_jobs WHERE task_name LIKE 'try.%'"
    ).fetchall()
    assert left == [("try.fail", "failed")]


async def test_a_waiting_worker_is_woken_by_the_commit(service, done):
    working = asyncio.create_task(run_worker(service))
    await asyncio.sleep(1)
    async with service.database.transaction("test") as session:
        await enqueue(session, "try.note", number=7)
    async with asyncio.timeout(4.5):  # it looks by itself every five seconds
        while not done:
            await asyncio.sleep(0.02)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert done[0][0] == 7


async def test_every_task_has_its_own_schedule(service):
    app = make_app(service)
    periodic = {name for name, _ in app.periodic_registry.periodic_tasks}
    assert periodic == {task.name for task in tasks.TASKS.values() if task.cron}
    assert set(tasks.TASKS) <= set(app.tasks)
