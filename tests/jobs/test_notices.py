from __future__ import annotations

from datetime import timedelta

import pytest

from jobs import notices
from jobs.schedule import sweeps
from simcheck import clock
from simcheck.notices import plan, tracks
from tests import noticing, subscribed
from tests.noticing import DAY, follow_run, messages, records, row, settle, sweep
from tests.running import NOON

pytestmark = pytest.mark.anyio


def test_the_clock_wakes_every_stage():
    assert {"notices.follow", "notices.plan", "notices.outcomes", "notices.tidy"} <= {
        task.name for task in sweeps()
    }


async def test_more_than_a_batch_of_everything(service, owner, monkeypatch):
    """However small the batches are, everything is done in one sweep of each."""
    monkeypatch.setattr(tracks, "MOST", 2)
    monkeypatch.setattr(tracks, "MOST_ENDED", 2)
    monkeypatch.setattr(notices, "BATCH", 2)
    monkeypatch.setattr(plan, "MOST_FOUND", 3)
    monkeypatch.setitem(plan.find.__kwdefaults__ or {}, "most", 3)
    monkeypatch.setattr(plan.find, "__defaults__", (3,))
    subscribed.register(owner)
    records(service, owner, [row(912345670 + each, contact_msisdn=f"098765432{each}") for each in range(7)])
    await follow_run(service)
    await sweep(service)
    assert len(messages(owner, service)) == 7
    settle(owner, "failed")
    owner.execute("UPDATE subscription SET verdict = 0, reasons = 0, facts = sha256(msisdn_token)")
    await follow_run(service)
    with clock.fixed(NOON + timedelta(hours=1)):
        await notices.follow(service)
    assert noticing.tracks(owner) == [("ended", 1, 1)] * 7
    assert [each["kind"] for each in messages(owner, service)].count("corrected") == 7


async def test_what_did_not_arrive_goes_another_way(service, owner):
    subscribed.register(owner)
    records(service, owner, [row(912345678, email="an@example.vn")])
    await follow_run(service)
    await sweep(service)
    settle(owner, "failed")
    with clock.fixed(NOON + timedelta(hours=1)):
        await notices.find_other_ways(service)
    assert sorted(each["channel"] for each in messages(owner, service)) == ["email", "sms"]


async def test_a_worker_does_it(service, owner):
    """As Procrastinate calls it."""
    from simcheck.queue import enqueue
    from tests.running import work

    subscribed.register(owner)
    records(service, owner, [row(912345678)])
    await follow_run(service)
    async with service.database.transaction("test") as session:
        await enqueue(session, "notices.follow")
    await work(service)
    assert [each[0] for each in noticing.tracks(owner)] == ["active"]
    with clock.fixed(NOON + 400 * DAY):
        await notices.tidy(service)
