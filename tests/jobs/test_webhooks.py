from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from jobs import webhooks as jobs_webhooks
from jobs.app import run_worker
from simcheck import clock
from simcheck.queue import enqueue
from simcheck.service import Service
from simcheck.webhooks import addresses
from tests.feeding import published_run
from tests.receiving import Receiver, receiving

pytestmark = pytest.mark.anyio
STATES = "SELECT event, subject, state, attempts FROM webhook_delivery"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
async def trying(service) -> Service:
    """The service, with leave to send to this machine."""
    return replace(service, settings=service.settings.model_copy(update={"webhooks_private": True}))


@pytest.fixture
async def batch(service, owner, receiver) -> uuid.UUID:
    """A batch that ended after its carrier wanted to be told."""
    owner.execute("INSERT INTO carrier VALUES ('viettel', now())")
    async with service.database.transaction("client:one", "viettel") as session:
        await addresses.add(
            session, service.keyring, "viettel", "one", receiver.url, ["batch.done"], private=True
        )
    made, _ = published_run(owner, service)
    return made


async def work(service) -> None:
    async with asyncio.timeout(20):
        await run_worker(service, wait=False)


async def test_the_end_of_a_batch_is_told(trying, owner, batch, receiver):
    async with trying.database.transaction("job:runs.publish", "viettel") as session:
        await enqueue(session, "webhooks.fan_out", carrier="viettel", event="batch.done", subject=str(batch))
    await work(trying)
    assert owner.execute(STATES).fetchall() == [("batch.done", f"batch/{batch}", "delivered", 1)]
    assert len(receiver.came) == 1


async def test_what_is_not_so_is_not_told(trying, owner, batch):
    for event, subject in (("batch.refused", batch), ("batch.done", uuid.uuid4())):
        await jobs_webhooks.fan_out(trying, "viettel", event, str(subject))
    await jobs_webhooks.fan_out(trying, "mobifone", "batch.done", str(batch))
    assert owner.execute(STATES).fetchall() == []


async def test_a_failed_try_is_made_again(trying, owner, batch, receiver):
    receiver.answers = [500]
    await jobs_webhooks.fan_out(trying, "viettel", "batch.done", str(batch))
    await work(trying)
    assert owner.execute(STATES).fetchall()[0][2:] == ("due", 1)
    [delivery, at] = owner.execute("SELECT id, due_at FROM webhook_delivery").fetchone()
    jobs = owner.execute("SELECT scheduled_at FROM procrastinate_jobs WHERE task_name = 'webhooks.deliver'")
    assert jobs.fetchall() == [(at,)]
    with clock.fixed(at + timedelta(seconds=1)):
        await jobs_webhooks.send(trying, str(delivery))
    assert owner.execute(STATES).fetchall()[0][2:] == ("delivered", 2)


async def test_the_queue_may_be_emptied(trying, owner, batch, receiver):
    """Neither the event nor its delivery is lost."""
    for _ in range(2):
        owner.execute("DELETE FROM procrastinate_jobs")
        await jobs_webhooks.find_due(trying)
    await work(trying)
    assert owner.execute(STATES).fetchall() == [("batch.done", f"batch/{batch}", "delivered", 1)]
    await jobs_webhooks.find_due(trying)
    assert len(receiver.came) == 1


async def test_old_deliveries_are_forgotten(trying, owner, batch, receiver):
    await jobs_webhooks.fan_out(trying, "viettel", "batch.done", str(batch))
    await work(trying)
    with clock.fixed(clock.now() + timedelta(days=31)):
        await jobs_webhooks.tidy(trying)
    assert owner.execute(STATES).fetchall() == []
