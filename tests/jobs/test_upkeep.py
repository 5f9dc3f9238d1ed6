from __future__ import annotations

import pytest

from jobs import upkeep
from simcheck import audit

pytestmark = pytest.mark.anyio


def job(owner, status: str, beat: str | None = None, ended: str = "1 hour") -> None:
    """A job in this state, of a worker whose last sign of life is this old."""
    worker = None
    if beat:
        worker = owner.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s::interval) RETURNING id",
            [beat],
        ).fetchone()[0]
    made = owner.execute(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, worker_id, lock) "
        "VALUES ('q', %s, %s, %s) RETURNING id",
        [f"{status} {beat or 'nobody'} {ended}", worker, f"{status}{beat}"],
    ).fetchone()[0]
    owner.execute("UPDATE procrastinate_jobs SET status = %s WHERE id = %s", [status, made])
    owner.execute(
        "UPDATE procrastinate_events SET at = now() - %s::interval WHERE job_id = %s", [ended, made]
    )


def left(owner) -> set[str]:
    return {row[0] for row in owner.execute("SELECT task_name FROM procrastinate_jobs")}


async def test_jobs_of_killed_workers_let_go_of_their_locks(service, owner):
    job(owner, "doing", "5 seconds")
    job(owner, "doing", "2 minutes")
    job(owner, "doing")
    job(owner, "todo")
    await upkeep.drop_stalled(service)
    assert left(owner) == {"doing 5 seconds 1 hour", "todo nobody 1 hour"}


async def test_old_jobs_are_forgotten(service, owner):
    for ended in ("6 days", "8 days"):
        job(owner, "failed", ended=ended)
        job(owner, "succeeded", ended=ended)
        job(owner, "todo", ended=ended)
    await upkeep.tidy(service)
    assert left(owner) == {
        "failed nobody 6 days", "succeeded nobody 6 days", "todo nobody 6 days", "todo nobody 8 days"
    }  # fmt: skip


async def test_the_chain_is_signed(service, owner):
    await upkeep.checkpoint(service)
    assert owner.execute("SELECT count(*) FROM audit_checkpoint").fetchone() == (0,)
    async with service.database.transaction("test") as session:
        audit.record(session, "try.done", "try/1")
    for _ in range(2):
        await upkeep.checkpoint(service)
    assert owner.execute("SELECT count(*) FROM audit_checkpoint").fetchone() == (1,)
