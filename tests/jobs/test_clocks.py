from __future__ import annotations

import pytest

from jobs import clocks
from jobs.schedule import sweeps
from simcheck.enforcement import follow
from tests import clocking, subscribed
from tests.noticing import follow_run, records, row, sweep
from tests.running import NOON

pytestmark = pytest.mark.anyio


def test_the_clock_wakes_it():
    assert "clocks.follow" in {task.name for task in sweeps()}


async def test_more_than_a_batch_of_everything(service, owner, monkeypatch):
    """However small the batches are, everything is done in one sweep; another one has nothing to do."""
    monkeypatch.setattr(follow, "MOST", 2)
    monkeypatch.setattr(follow, "STEPS", tuple((step, 2) for step, _ in follow.STEPS))
    subscribed.register(owner)
    records(service, owner, [row(912345670 + each) for each in range(5)])
    await clocking.in_force(service)
    await follow_run(service)
    await sweep(service, NOON)
    for _ in range(2):
        await clocking.follow(service, NOON)
        found = clocking.states(owner)
        assert [each.next_step for each in found] == [1] * 5
        assert found == clocking.folded(owner, NOON)
    assert clocks.FOLLOW in {each[0] for each in owner.execute("SELECT DISTINCT actor FROM clock_event")}
