"""A carrier that does not answer is reminded, then people are told; an answer ends it."""

from __future__ import annotations

import pytest

from simcheck import clock
from simcheck.enforcement.orders import answers, overdue
from simcheck.enforcement.orders.answers import Outcome
from tests.ordering import HOUR, NOON, a_wrong_country, answered, batches, ordered

pytestmark = pytest.mark.anyio


async def chased(service, at):
    with clock.fixed(at):
        async with service.database.transaction("job:orders.overdue", ministry=True) as session:
            return await overdue.chase(session, service)


async def test_reminded_twice_then_escalated_until_there_is_an_answer(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    order = await ordered(service, owner, 1)
    assert await chased(service, NOON + 3 * HOUR) == (0, 0)
    assert await chased(service, NOON + 4 * HOUR) == (1, 0)
    assert await chased(service, NOON + 5 * HOUR) == (0, 0)
    assert await chased(service, NOON + 8 * HOUR) == (1, 0)
    assert await chased(service, NOON + 12 * HOUR) == (0, 1)
    assert await chased(service, NOON + 48 * HOUR) == (0, 0)
    [found] = batches(owner)
    assert (found.tries, found.due_at, found.escalated_at) == (2, None, NOON + 12 * HOUR)
    with clock.fixed(NOON + 13 * HOUR):
        async with service.database.transaction("client:x", "viettel") as session:
            await answers.acknowledge_all(session, service, order, 1)
    [found] = batches(owner)
    assert (found.state, found.escalated_at, found.due_at) == ("acknowledged", None, NOON + 37 * HOUR)
    assert await chased(service, NOON + 40 * HOUR) == (1, 0)
    await answered(service, order, Outcome(1, "done"), at=NOON + 41 * HOUR)
    assert await chased(service, NOON + 400 * HOUR) == (0, 0)
    assert batches(owner)[0].state == "done"


async def test_its_systems_are_told_each_time(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    owner.execute(
        "INSERT INTO webhook (id, carrier, client, url, events, secret, active, added_at)"
        " VALUES (gen_random_uuid(), 'viettel', 'x', 'https://x.vn', '{order.made}', '\\x00', true, now())"
    )
    await ordered(service, owner, 1)
    await chased(service, NOON + 4 * HOUR)
    await chased(service, NOON + 8 * HOUR)
    told = [
        why for (why,) in owner.execute("SELECT payload ->> 'why' FROM webhook_delivery ORDER BY made_at")
    ]
    assert told == ["made", "acknowledgement_late", "acknowledgement_late"]
