"""Work that failed is seen and done again."""

from __future__ import annotations

import re
import uuid

import pytest

from simcheck.crosscheck import failing
from simcheck.crosscheck.failing import Failure
from simcheck.crosscheck.models import Run
from tests.building import citizen, row
from tests.running import a_file, a_register

pytestmark = pytest.mark.anyio
PEOPLE = [citizen(at, "Trần An") for at in range(2)]


async def test_where_nothing_failed(admin):
    page = await admin.get("/desk/failed")
    assert "No cross-check was given up." in page.text
    assert "No job failed." in page.text


async def test_a_run_that_was_given_up_is_tried_again(admin, service, owner, tmp_path):
    await a_register(service, tmp_path, PEOPLE)
    batch = await a_file(service, "viettel", [row(at, each) for at, each in enumerate(PEOPLE)])
    run = given_up(owner, batch)
    async with service.database.transaction("job:test", ministry=True) as session:
        found = await session.get_one(Run, run)
        failure = Failure("check", ValueError("secret"), failing.LONGEST_PAUSE, 3)
        await failing.give_up(session, found, 8, failure)
    page = await admin.get("/desk/failed")
    assert str(batch) in page.text
    assert "secret" not in page.text
    [path] = re.findall(r'action="(/desk/failed/runs/[^"]+)"', page.text)
    assert (await admin.send(path)).status_code == 303
    assert owner.execute("SELECT failure FROM run WHERE id = %s", [run]).fetchone() == ("tried_again",)
    assert (await admin.send(path)).status_code == 404
    assert owner.execute("SELECT actor FROM audit WHERE act = 'run.tried_again'").fetchone() == (
        "person:administrator",
    )


def given_up(owner, batch) -> uuid.UUID:
    """A run of a batch that is checked now."""
    made = uuid.uuid4()
    owner.execute(
        "INSERT INTO run (id, kind, carrier, batch_id, register_id, state, buckets, made_at, changed_at) "
        "SELECT %s, 'batch', 'viettel', %s, id, 'checking', buckets, now(), now() FROM register_snapshot",
        [made, batch],
    )
    return made


async def test_a_job_that_failed_is_done_again_once(admin, owner):
    made = owner.execute(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args) "
        "VALUES ('default', 'audit.verify', 'x', '{\"a\": 1}') RETURNING id"
    ).fetchone()[0]
    owner.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    owner.execute("UPDATE procrastinate_jobs SET status = 'failed'")
    page = await admin.get("/desk/failed")
    assert "audit.verify" in page.text
    assert (await admin.send(f"/desk/failed/jobs/{made}/retry")).status_code == 303
    left = owner.execute("SELECT task_name, status::text, args, queueing_lock FROM procrastinate_jobs")
    assert left.fetchall() == [("audit.verify", "todo", {"a": 1}, "x")]
    for job in (made, 0, -1, 1 << 70):
        assert (await admin.send(f"/desk/failed/jobs/{job}/retry")).status_code == 404, job
    assert (await admin.send("/desk/failed/jobs/x/retry")).status_code == 400
