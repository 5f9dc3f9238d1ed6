"""A worker that is killed between any two steps of a run: another one brings it to the same end."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.runs import find_due
from jobs.upkeep import drop_stalled
from simcheck import clock
from tests.building import country
from tests.running import NOON, a_file, a_register, subscriptions, work

pytestmark = pytest.mark.anyio

FORGET = "TRUNCATE procrastinate_jobs, run_bucket, run, batch, subscription CASCADE"
GONE = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def dying(environment):
    """Ask it to work up to a step: how that ended."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.dying"], env=environment, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2],
    ) as process:  # fmt: skip

        def until(step: int, moment: datetime.datetime) -> str:
            process.stdin.write(f"{step} {moment.isoformat()}\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        yield until
        process.stdin.close()


def ends(owner, batch_id):
    """All that a run leaves: subscriptions, how it stands, its buckets."""
    return (
        subscriptions(owner),
        owner.execute("SELECT state, rows, counts FROM batch").fetchall(),
        owner.execute("SELECT state, rows, counts FROM run ORDER BY made_at").fetchall(),
        owner.execute("SELECT bucket, state, rows, counts FROM run_bucket ORDER BY bucket").fetchall(),
    )


async def through(owner, service, dying, rows, step):
    """A batch whose worker is killed at `step`; what comes of it, and how the worker ended."""
    owner.execute(FORGET)
    with clock.fixed(NOON):
        batch_id = await a_file(service, "viettel", rows, 2)
    said = dying(step, NOON)
    if said == "killed":
        owner.execute(GONE)
    with clock.fixed(NOON + 2 * MINUTE):
        for _ in range(3):
            await drop_stalled(service)
            await find_due(service)
            await work(service)
    return ends(owner, batch_id), said


async def every(owner, service, dying, tmp_path, stride):
    citizens, files = country(5, 60, 150)
    with clock.fixed(NOON):
        await a_register(service, tmp_path, citizens, 2)
    undisturbed, steps = await through(owner, service, dying, files[0].rows, 0)
    assert undisturbed[1][0][0] == "done"
    assert len(undisturbed[0]) > 10
    assert int(steps) > 20
    for step in range(1, int(steps) + 1, stride):
        ended, said = await through(owner, service, dying, files[0].rows, step)
        assert said == "killed" or int(said) < step, step  # what wakes others may be fewer steps
        assert ended == undisturbed, step


async def test_killed_at_some_steps(owner, service, dying, tmp_path):
    await every(owner, service, dying, tmp_path, 29)


@pytest.mark.slow
async def test_killed_at_every_step(owner, service, dying, tmp_path):
    await every(owner, service, dying, tmp_path, 1)
