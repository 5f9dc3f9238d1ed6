"""What tests of sending stand on: intents, an SMSC on loopback, a sender at work."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.messages.words import Channel
from simcheck.sending.intents import Intent

NUMBER = "+84901234567"


def an_intent(key: str = "one", **changed) -> Intent:
    """A notice of one part to one number, due now."""
    now = clock.now()
    given = {
        "key": key, "kind": "first", "channel": Channel.SMS, "carrier": "viettel", "case_id": None,
        "msisdn_token": None, "address": NUMBER, "subject": None, "text": "Thong tin thue bao chua dung.",
        "html": None, "template": "1", "language": "vi", "due_at": now,
        "expires_at": now + timedelta(days=1),
    }  # fmt: skip
    return Intent(**(given | changed))


@pytest.fixture
async def store(service):
    """`await store(intent, ...)`: their ids."""
    from simcheck.sending import intents

    async def made(*given: Intent) -> list[uuid.UUID]:
        async with service.database.transaction("job:test", ministry=True) as session:
            return await intents.store(session, service.keyring, given)

    return made


@pytest.fixture
async def smsc():
    from tests.smsc import Smsc

    async with Smsc() as made:
        yield made


def a_link(port: int, name: str = "one", **changed):
    """Settings of a link to an SMSC on loopback."""
    from simcheck.sending.settings import SmppSettings

    given = {
        "name": name, "host": "127.0.0.1", "port": port, "system_id": "simcheck", "password": "secret",
        "source": "SIMCHECK", "answer_seconds": 1.0,
    }  # fmt: skip
    return SmppSettings(**(given | changed))


@pytest.fixture
async def sending(service):
    """`async with sending(link, ...) as sender:` a sender at work with these links."""
    import asyncio
    from contextlib import asynccontextmanager
    from dataclasses import replace

    from simcheck.sending.receipts import Matching
    from simcheck.sending.send import Sender
    from simcheck.sending.senders.smpp import SmppLink
    from simcheck.sending.sweeps import rules_of

    @asynccontextmanager
    async def run(*links, **changed):
        mine = replace(service, settings=service.settings.model_copy(update=changed))
        made = Sender(mine, Matching({each.name: each.centre for each in links}, rules_of(mine.settings)))
        for each in links:
            made.add_sms(SmppLink(each, made.inbox.tell, made.late), each.rate)
        stop = asyncio.Event()
        task = asyncio.create_task(made.run(stop))
        try:
            yield made
        finally:
            stop.set()
            await task

    return run


async def until(owner, query: str, wanted, seconds: float = 10):
    """Wait until a query's first row says so."""
    import asyncio

    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        found = owner.execute(query).fetchone()
        if found == wanted:
            return
        assert loop.time() < deadline, (found, wanted)
        await asyncio.sleep(0.02)


def times_sent(smsc) -> Counter:
    """How often the SMSC accepted each part, by address and text."""
    return Counter((each.pdu.destination_addr, each.pdu.short_message) for each in smsc.accepted)
