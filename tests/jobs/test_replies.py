from __future__ import annotations

import asyncio

import pytest

from jobs.replies import answer_all
from simcheck import clock
from simcheck.sending import inbound
from simcheck.sending.senders.deliveries import InboundTold
from tests.holding import national, sent
from tests.running import NOON, work

pytestmark = pytest.mark.anyio


async def came(service, numbers) -> None:
    told = [InboundTold(f"84{national(number)}", "1414", "TTTB") for number in numbers]
    async with service.database.transaction("job", ministry=True) as session:
        messages = [inbound.came(service.keyring, "a", "a", each) for each in told]
        await inbound.store(session, service.keyring, messages)


async def test_each_message_is_answered_once_however_many_workers_there_are(service, owner, keyring):
    numbers = range(1, 131)  # more than are looked at at a time
    with clock.fixed(NOON):
        await came(service, numbers)
        await asyncio.gather(*(answer_all(service) for _ in range(3)))
    assert sorted(each.address for each in sent(owner, keyring)) == [
        f"84{national(each)}" for each in numbers
    ]
    assert owner.execute("SELECT DISTINCT state FROM inbound").fetchall() == [("done",)]


async def test_what_comes_in_wakes_a_worker(service, owner, keyring):
    await came(service, [1])
    await work(service)
    assert [each.address for each in sent(owner, keyring)] == [f"84{national(1)}"]
