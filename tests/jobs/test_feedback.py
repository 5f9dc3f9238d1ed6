from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from jobs import feedback as jobs_feedback
from jobs.app import run_worker
from simcheck import clock
from simcheck.lake.encryption import MANIFEST
from simcheck.lake.purge import datasets
from simcheck.queue import enqueue
from tests.feeding import published_run

pytestmark = pytest.mark.anyio
FILES = "SELECT rows, batch_id IS NULL, run_id FROM feedback ORDER BY batch_id IS NULL"


async def test_a_published_run_has_its_files_once(service, owner):
    batch, run = published_run(owner, service)
    for _ in range(2):
        async with service.database.transaction("job:runs.publish", ministry=True) as session:
            await enqueue(session, "feedback.make", batch_id=str(batch), run_id=str(run))
        async with asyncio.timeout(20):
            await run_worker(service, wait=False)
    assert owner.execute(FILES).fetchall() == [(150, False, run), (150, True, run)]


async def test_a_register_run_and_an_older_run_have_less(service, owner):
    _, older = published_run(owner, service)
    _, newer = published_run(owner, service, kind="register")
    for run in (older, newer):
        await jobs_feedback.make_files(service, str(run))
    assert owner.execute(FILES).fetchall() == [(150, False, older), (150, True, newer)]


async def test_an_unpublished_run_has_none(service, owner):
    _, run = published_run(owner, service)
    owner.execute("UPDATE run SET state = 'publishing'")
    await jobs_feedback.make_files(service, str(run))
    await jobs_feedback.make_standing(service, "viettel")
    assert owner.execute(FILES).fetchall() == []


async def test_a_lost_job_is_woken(service, owner):
    _, run = published_run(owner, service)
    await jobs_feedback.find_lost(service)
    await jobs_feedback.find_lost(service)
    jobs = owner.execute("SELECT args ->> 'run_id' FROM procrastinate_jobs WHERE task_name = 'feedback.make'")
    assert jobs.fetchall() == [(str(run),)]


async def test_an_acknowledged_file_leaves_the_lake_after_its_time(service, owner):
    _, run = published_run(owner, service)
    await jobs_feedback.make_files(service, str(run))
    owner.execute("UPDATE feedback SET acknowledged_at = now(), acknowledged_by = 'x' WHERE batch_id IS NULL")
    paths = dict(owner.execute("SELECT batch_id IS NULL, path FROM feedback").fetchall())
    await jobs_feedback.purge(service)
    assert all(service.store.has(f"{path}/{MANIFEST}") for path in paths.values())
    with clock.fixed(clock.now() + timedelta(days=31)):
        await jobs_feedback.purge(service)
        await jobs_feedback.purge(service)
    assert {standing: service.store.has(f"{path}/{MANIFEST}") for standing, path in paths.items()} == {
        True: False, False: True
    }  # fmt: skip
    assert owner.execute("SELECT count(*) FROM feedback WHERE purged_at IS NOT NULL").fetchone() == (1,)


async def test_what_a_killed_worker_wrote_and_never_made_known_leaves_the_lake(service, owner, monkeypatch):
    """The dataset is whole and published, but no row names it; the next attempt made another."""
    _, run = published_run(owner, service)

    async def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(jobs_feedback.ledger, "keep", killed)
        await jobs_feedback.make_files(service, str(run))
    await jobs_feedback.make_files(service, str(run))
    kept = {path for (path,) in owner.execute("SELECT path FROM feedback")}
    there = set(datasets(service.store, "feedback"))
    assert len(kept) == 2
    assert len(there - kept) == 1
    await jobs_feedback.purge(service)
    assert set(datasets(service.store, "feedback")) == there  # it may be on its way
    with clock.fixed(clock.now() + timedelta(days=1, minutes=1)):
        await jobs_feedback.purge(service)
    assert set(datasets(service.store, "feedback")) == kept
    assert all(service.store.has(f"{path}/{MANIFEST}") for path in kept)


async def test_two_workers_that_are_woken_for_one_run_make_its_files_once(service, owner):
    _, run = published_run(owner, service)
    await asyncio.gather(*(jobs_feedback.make_files(service, str(run)) for _ in range(3)))
    assert owner.execute(FILES).fetchall() == [(150, False, run), (150, True, run)]
    kept = {path for (path,) in owner.execute("SELECT path FROM feedback")}
    assert set(datasets(service.store, "feedback")) == kept
