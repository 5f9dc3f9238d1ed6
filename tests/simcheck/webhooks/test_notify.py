from __future__ import annotations

import pytest

from simcheck import webhooks

pytestmark = pytest.mark.anyio
DELIVERIES = "SELECT event, subject, payload, state FROM webhook_delivery"


async def notify(service, *events: str, carrier: str = "viettel") -> None:
    async with service.database.transaction("job:test", carrier) as session:
        for event in events:
            await webhooks.notify(session, carrier, event, "batch/1", {"batch": "1"})


async def test_whoever_wants_an_event_is_told_once(service, owner, add):
    await add("http://localhost/one", "batch.done", "case.changed")
    await add("http://localhost/two", "feedback.ready")
    await add("http://localhost/theirs", carrier="mobifone")
    for _ in range(2):
        await notify(service, "batch.done", "batch.refused")
    assert owner.execute(DELIVERIES).fetchall() == [("batch.done", "batch/1", {"batch": "1"}, "due")]
    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'webhooks.deliver'"
    assert owner.execute(jobs).fetchone() == (1,)


async def test_what_is_undone_is_not_told(service, owner, add):
    await add("http://localhost/one")
    with pytest.raises(ZeroDivisionError):
        async with service.database.transaction("job:test", "viettel") as session:
            await webhooks.notify(session, "viettel", "batch.done", "batch/1", {})
            raise ZeroDivisionError
    assert owner.execute(DELIVERIES).fetchall() == []


async def test_an_event_that_is_not_there(service, add):
    with pytest.raises(ValueError, match="no such event"):
        await notify(service, "batch.lost")
