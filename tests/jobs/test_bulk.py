from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from jobs import bulk as jobs
from simcheck.review import bulk
from simcheck.review.bulk import Wish
from simcheck.review.filters import Filter
from tests.reviewing import acting, one_case
from tests.running import work

pytestmark = pytest.mark.anyio
CASES, EACH = 23, 5
WORKER = """
import asyncio, jobs.app
from simcheck.config import settings
from simcheck.service import opened
async def main():
    async with opened(settings()) as service:
        await jobs.app.run_worker(service, wait=False, sweeping=False)
asyncio.run(main())
"""


async def approved(service, owner):
    for _ in range(CASES):
        one_case(owner)
    wish = Wish(Filter(), "suspend", "no_answer")
    made = await acting(service, "lan", lambda s: bulk.draft(s, service, wish))
    await acting(service, "lan", lambda s: bulk.propose(s, service, made.id))
    return await acting(service, "binh", lambda s: bulk.approve(s, made.id))


def small(service, settings):
    return type(service)(
        settings.model_copy(update={"bulk_batch": EACH}), service.keyring, service.database, service.store
    )


def assert_each_once(owner):
    told = "SELECT count(*), count(DISTINCT case_id) FROM case_event WHERE move = 'suspend'"
    assert owner.execute(told).fetchone() == (CASES, CASES)
    assert owner.execute('SELECT DISTINCT state, version FROM "case"').fetchall() == [("suspension", 2)]
    assert owner.execute("SELECT state, decided, skipped, batches FROM bulk_proposal").fetchall() == [
        ("done", CASES, 0, 5)
    ]
    batches = "SELECT detail ->> 'batch', detail FROM audit WHERE act = 'bulk.batch' ORDER BY 1"
    rows = owner.execute(batches).fetchall()
    assert [number for number, _ in rows] == ["1", "2", "3", "4", "5"]
    assert sum(each["cases"]["viettel"]["decided"] for _, each in rows) == CASES
    assert owner.execute("SELECT count(*) FROM bulk_case WHERE outcome IS NULL").fetchone() == (0,)


async def test_a_worker_carries_it_out_batch_by_batch(service, owner, settings):
    await approved(service, owner)
    await work(small(service, settings))
    assert_each_once(owner)


@pytest.mark.parametrize("fault", ["bulk batch#3", "person after#2"])
async def test_a_worker_that_is_killed_midway_leaves_no_case_twice(
    service, owner, settings, environment, fault
):  # fmt: skip
    made = await approved(service, owner)
    died = subprocess.run(
        [sys.executable, "-c", WORKER], cwd=Path(__file__).parents[2], timeout=60, check=False,
        env=environment | {"SIMCHECK_FAULT": fault, "SIMCHECK_BULK_BATCH": str(EACH)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert died.returncode == -9
    done = owner.execute("SELECT decided FROM bulk_proposal WHERE id = %s", [made.id]).fetchone()[0]
    assert 0 < done < CASES
    again = small(service, settings)
    await jobs.follow(again)
    await work(again)
    assert_each_once(owner)


async def test_a_job_for_nothing_does_nothing(service):
    await jobs.batch(service, str(uuid.UUID(int=1)))
