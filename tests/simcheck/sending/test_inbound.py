"""What people send: stored before it is acknowledged, joined, known when it comes again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.errors import UnavailableError
from simcheck.sending import inbound
from simcheck.sending.senders.deliveries import InboundTold
from tests.sending import a_link, an_intent, until

pytestmark = pytest.mark.anyio
ROWS = """
SELECT id, sender, sender_token, recipient, text, acknowledged, state FROM inbound ORDER BY received_at, id
"""
HOLDER = {"source_addr": "84901234567", "destination_addr": "1414"}


def texts(owner, keyring) -> list[str]:
    return sorted(inbound.text_of(keyring, row[0], row[4]) for row in owner.execute(ROWS))


async def keep(service, *told: InboundTold) -> int:
    async with service.database.transaction("job:test", ministry=True) as session:
        came = [inbound.came(service.keyring, "one", "one", each) for each in told]
        return await inbound.store(session, service.keyring, came)


async def test_what_a_person_sends_is_kept_and_acknowledged(owner, keyring, smsc, sending):
    async with sending(a_link(smsc.port)):
        while not smsc.connections:
            await asyncio.sleep(0.01)
        status = await smsc.connections[0].deliver(**HOLDER, short_message=b"TTTB 012345678901")
        assert status == 0
        await until(owner, "SELECT acknowledged FROM inbound", (True,))
    [(made, sender, token, recipient, text, _, state)] = owner.execute(ROWS).fetchall()
    assert (recipient, state) == ("1414", "new")
    assert inbound.sender_of(keyring, made, sender) == "84901234567"
    assert inbound.text_of(keyring, made, text) == "TTTB 012345678901"
    assert token == keyring.token("msisdn", 901234567)
    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'replies.handle'"
    assert owner.execute(jobs).fetchone() == (1,)


async def test_without_a_database_nothing_is_acknowledged(owner, smsc, sending, monkeypatch):
    """The other side is told to try again later, and does."""
    async with sending(a_link(smsc.port)) as sender:
        while not smsc.connections:
            await asyncio.sleep(0.01)

        async def away(*_: object) -> None:
            raise UnavailableError("the database does not answer. Try again.")

        with monkeypatch.context() as patch:
            patch.setattr(sender.inbox, "_store", away)
            assert await smsc.connections[0].deliver(**HOLDER, short_message=b"DUNG") == 0x64
        assert owner.execute(ROWS).fetchall() == []
        assert await smsc.connections[0].deliver(**HOLDER, short_message=b"DUNG") == 0
    assert len(owner.execute(ROWS).fetchall()) == 1


async def test_one_that_comes_again_is_known_until_it_was_acknowledged(service, owner):
    told = InboundTold("84901234567", "1414", "DUNG")
    assert await keep(service, told, told) == 1
    assert await keep(service, told) == 0
    async with service.database.transaction("job:test", ministry=True) as session:
        await inbound.acknowledged(session, [inbound.came(service.keyring, "one", "one", told).digest])
    assert await keep(service, told) == 1
    assert await keep(service, InboundTold("84901234568", "1414", "DUNG")) == 1


async def test_parts_are_joined_in_any_order(service, owner, keyring):
    parts = [
        InboundTold("84901234567", "1414", text, reference=7, total=3, number=number)
        for number, text in enumerate(["HOI ", "bao giờ ", "xong?"], 1)
    ]
    assert await keep(service, parts[2]) == 0
    assert await keep(service, parts[0], parts[2]) == 0
    assert await keep(service, parts[1]) == 1
    assert await keep(service, parts[1]) == 0  # again
    assert texts(owner, keyring) == ["HOI bao giờ xong?"]
    for each in parts:  # the same number for another message, later
        await keep(service, InboundTold("84901234567", "1414", each.text + "!", 7, 3, each.number))
    assert texts(owner, keyring) == ["HOI !bao giờ !xong?!", "HOI bao giờ xong?"]


async def test_a_rest_that_does_not_come_is_not_waited_for(service, owner, keyring):
    await keep(service, InboundTold("84901234567", "1414", "HOI nửa", 9, 2, 1))
    async with service.database.transaction("job:test", ministry=True) as session:
        assert await inbound.join_stuck(session, keyring) == 0
    with clock.fixed(clock.now() + timedelta(minutes=11)):
        async with service.database.transaction("job:test", ministry=True) as session:
            assert await inbound.join_stuck(session, keyring) == 1
            assert await inbound.join_stuck(session, keyring) == 0
    assert texts(owner, keyring) == ["HOI nửa"]


async def test_a_person_that_writes_a_receipt(service, owner, keyring, store, smsc, sending):
    """Of another's message, it is a text; of what went to that very number, it is taken for one."""
    await store(an_intent("a"), an_intent("b", address="+84901234568"))
    async with sending(a_link(smsc.port)):
        await until(owner, "SELECT count(*) FROM message WHERE state = 'sent'", (2,))
        place = [each.pdu.destination_addr for each in smsc.accepted].index("84901234568")
        text = f"id:{smsc.ids[place]} sub:001 dlvrd:001 stat:DELIVRD".encode()
        assert await smsc.connections[0].deliver(**HOLDER, short_message=text) == 0
        assert owner.execute("SELECT count(*) FROM message WHERE state = 'sent'").fetchone() == (2,)
        assert texts(owner, keyring) == [text.decode()]
        other = HOLDER | {"source_addr": "84901234568"}
        assert await smsc.connections[0].deliver(**other, short_message=text) == 0
        await until(owner, "SELECT count(*) FROM message WHERE state = 'delivered'", (1,))


async def test_a_flood_is_stored_whole(owner, smsc, sending):
    async with sending(a_link(smsc.port)):
        while not smsc.connections:
            await asyncio.sleep(0.01)
        answers = await asyncio.gather(*(
            smsc.connections[0].deliver(**HOLDER, short_message=f"TTTB {number}".encode())
            for number in range(600)
        ))  # fmt: skip
    assert set(answers) == {0}
    assert owner.execute("SELECT count(*) FROM inbound").fetchone() == (600,)


async def test_what_was_answered_is_forgotten(service, owner):
    await keep(service, InboundTold("84901234567", "1414", "DUNG"), InboundTold("849", "1414", "KHONG"))
    owner.execute("UPDATE inbound SET state = 'done' WHERE id = (SELECT id FROM inbound LIMIT 1)")
    async with service.database.transaction("job:test", ministry=True) as session:
        await inbound.forget(session, clock.now() + timedelta(seconds=1))
    assert owner.execute("SELECT state FROM inbound").fetchall() == [("new",)]
