"""A sender against an SMSC that is anything but kind: what ends well, and what was sent how often."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from simcheck.sending.accounting import accounting
from tests.sending import a_link, an_intent, times_sent, until
from tests.smsc import Reply, Smsc

pytestmark = pytest.mark.anyio
PARTS = "SELECT state, count(*) FROM message_part GROUP BY state ORDER BY state"


def states(state: str) -> str:
    return f"SELECT count(*) FROM message WHERE state = '{state}'"


def notices(count: int, **changed):
    return [an_intent(str(each), address=f"+8490123{each:04}", **changed) for each in range(count)]


async def hurry(owner) -> None:
    """Let what waits be due now; beside the loop, since it may wait for a transaction of the sender's."""
    await asyncio.to_thread(owner.execute, "UPDATE message SET due_at = now() WHERE state = 'due'")


async def counts(service):
    async with service.database.transaction("test", ministry=True) as session:
        return await accounting(session)


async def test_what_is_due_is_sent_and_delivered(owner, service, store, smsc, sending):
    smsc.receipts = True
    await store(*notices(20, text="ơ" * 100))
    async with sending(a_link(smsc.port)):
        await until(owner, states("delivered"), (20,))
    assert set(times_sent(smsc).values()) == {1}
    assert len(smsc.accepted) == 40
    assert smsc.unbound == 1
    told = await counts(service)
    assert told.exact
    assert (told.made, told.parts["delivered"], told.resent) == (40, 40, 0)


async def test_what_is_sent_keeps_to_the_specification(owner, store, smsc, sending):
    await store(an_intent("a", text="ơ" * 140), an_intent("b", address="+84901234568"))
    async with sending(a_link(smsc.port, source="1414", service_type="CMT", validity_hours=2)):
        await until(owner, states("sent"), (2,))
    by_address = {each.pdu.destination_addr: [] for each in smsc.came}
    for each in smsc.came:
        by_address[each.pdu.destination_addr].append(each)
    [plain] = by_address["84901234568"]
    long = by_address["84901234567"]
    assert [each.pdu.short_message[5] for each in long] == [1, 2, 3]
    assert len({each.pdu.short_message[:5] for each in long}) == 1
    assert b"".join(each.body for each in long).decode("utf-16-be") == "ơ" * 140
    assert len({each.reference for each in long}) == 3
    for each in (plain, *long):
        sent = each.pdu
        assert (sent.source_addr, sent.source_addr_ton, sent.source_addr_npi) == ("1414", 3, 0)
        assert (sent.dest_addr_ton, sent.dest_addr_npi, sent.registered_delivery) == (1, 1, 1)
        assert sent.service_type == "CMT"
        assert sent.validity_period in {"000000020000000R", "000000015959000R"}
        assert (sent.esm_class, sent.data_coding) == ((0, 0) if each is plain else (0x40, 8))
    bind = smsc.binds[0]
    assert bind[4:8] == b"\0\0\0\x09"
    assert bind[16:] == b"simcheck\0secret\0\0\x34\0\0\0"


async def test_throttled_at_random(owner, service, store, smsc, sending):
    chance = random.Random(5)
    smsc.answer = lambda each: Reply(status=chance.choice([0x58, 0x14]) if chance.random() < 0.3 else 0)
    await store(*notices(60, text="ơ" * 100))
    async with sending(a_link(smsc.port)) as sender:
        await until(owner, states("sent"), (60,))
    assert set(times_sent(smsc).values()) == {1}
    assert len(smsc.came) > len(smsc.accepted) == 120
    assert sender.lanes["sms"][0].pace.throttled == len(smsc.came) - 120
    for address in {each.pdu.destination_addr for each in smsc.accepted}:
        numbers = [e.pdu.short_message[5] for e in smsc.accepted if e.pdu.destination_addr == address]
        assert numbers == [1, 2]


async def test_a_link_that_is_throttled_slows_down_and_recovers(owner, store, smsc, sending):
    smsc.answer = lambda each: Reply(status=0x58)
    await store(*notices(30))
    async with sending(a_link(smsc.port, rate=200)) as sender:
        pace = sender.lanes["sms"][0].pace
        while pace.rate > 5:
            await asyncio.sleep(0.02)
        assert owner.execute(states("sent")).fetchone() == (0,)
        smsc.answer = lambda each: Reply()
        await until(owner, states("sent"), (30,), 20)
    assert len(smsc.accepted) == 30


async def test_answers_late_twice_and_out_of_order(owner, store, smsc, sending):
    chance = random.Random(6)
    smsc.answer = lambda each: Reply(after=chance.random() * 0.3, twice=chance.random() < 0.5)
    await store(*notices(40, text="ơ" * 100))
    async with sending(a_link(smsc.port)):
        await until(owner, states("sent"), (40,))
    assert set(times_sent(smsc).values()) == {1}
    assert {row[0] for row in owner.execute("SELECT smsc_id FROM message_part")} == set(smsc.ids)


async def test_an_answer_after_its_time_still_counts(owner, store, smsc, sending):
    smsc.answer = lambda each: Reply(after=0.8)
    await store(*notices(3))
    async with sending(a_link(smsc.port, answer_seconds=0.2)):
        await until(owner, states("unknown"), (3,))
        await until(owner, states("sent"), (3,))
    assert len(smsc.accepted) == 3


async def test_no_answer_is_unknown_then_sent_once_more_then_left(owner, service, store, smsc, sending):
    smsc.answer = lambda each: Reply(send=False)
    await store(*notices(4))
    settled = "SELECT count(*) FROM message WHERE state = 'unknown' AND settled_at IS NOT NULL"
    async with sending(a_link(smsc.port, answer_seconds=0.1), sms_unknown_seconds=0.2):
        await until(owner, settled, (4,), 20)
    assert set(times_sent(smsc).values()) == {2}
    told = await counts(service)
    assert (told.exact, told.parts["unknown"], told.resent) == (True, 4, 4)


async def test_no_answer_but_a_receipt(owner, service, store, smsc, sending):
    """It is known by our reference, or by the address alone: not sent again."""
    smsc.answer = lambda each: Reply(send=False)
    await store(*notices(2, text="ơ" * 100), an_intent("x", address="+84911111111"))
    async with sending(a_link(smsc.port, answer_seconds=0.1), sms_unknown_seconds=60):
        await until(owner, states("unknown"), (3,))
        for place, each in reversed(list(enumerate(smsc.accepted))):
            reference = [] if each.pdu.destination_addr == "84911111111" else [each.pdu.tlvs[0]]
            assert await each.link.receipt(each, smsc.ids[place], tlvs=reference) == 0
        await until(owner, states("delivered"), (3,), 15)
    assert set(times_sent(smsc).values()) == {1}


async def test_receipts_in_every_form_and_order(owner, store, smsc, sending):
    """Before the answer, in decimal for a hexadecimal id, with leading zeros, twice, with TLVs alone."""
    import smpp34

    forms = [
        lambda smsc_id: {"short_message": f"id:{int(smsc_id, 16):010} stat:DELIVRD".encode()},
        lambda smsc_id: {"short_message": f"id:000{smsc_id.upper()} stat:DELIVRD err:000".encode()},
        lambda smsc_id: {"short_message": b"", "tlvs": [
            smpp34.Tlv(0x001E, smsc_id.encode() + b"\0"), smpp34.Tlv(0x0427, b"\2")]},
    ]  # fmt: skip
    smsc.count = 0xA0

    def answer(each):
        smsc_id = smsc.next_id()
        form = forms[smsc.count % 3](smsc_id)
        for _ in range(2):
            task = asyncio.ensure_future(each.link.receipt(each, smsc_id, **form))
            smsc._tasks.add(task)
        return Reply(smsc_id=smsc_id, after=0.3 if smsc.count % 2 else 0)

    smsc.answer = answer
    await store(*notices(30))
    async with sending(a_link(smsc.port)):
        await until(owner, states("delivered"), (30,), 15)
        await until(owner, "SELECT count(*) FROM receipt WHERE message_id IS NOT NULL", (60,), 15)
    assert set(times_sent(smsc).values()) == {1}


async def test_the_last_word_of_receipts(owner, store, smsc, sending):
    """Delivered stands; an unknown state says nothing; failed is failed until somebody says delivered."""
    await store(*notices(4))
    said = [["UNDELIV", "DELIVRD"], ["DELIVRD", "UNDELIV", "ENROUTE"], ["SKIPPED", "ENROUTE"], ["EXPIRED"]]
    async with sending(a_link(smsc.port)):
        await until(owner, states("sent"), (4,))
        for each, smsc_id, words in zip(smsc.accepted, smsc.ids, said, strict=True):
            for stat in words:
                assert await each.link.receipt(each, smsc_id, stat) == 0
    assert owner.execute(PARTS).fetchall() == [("delivered", 2), ("expired", 1), ("sent", 1)]


async def test_statuses_for_good_for_now_and_unknown(owner, service, store, smsc, sending):
    """A bad address fails at once, with the rest of its message; another refusal is tried again."""
    refused = Counter()

    def answer(each):
        address = each.pdu.destination_addr
        refused[address] += 1
        if address.endswith("0"):
            return Reply(status=0x0B)
        return Reply(status={1: 0x08, 2: 0x4FF}.get(refused[address], 0))

    smsc.answer = answer
    await store(*notices(3, text="ơ" * 100))
    async with sending(a_link(smsc.port), sending_refusals=3):
        for _ in range(200):
            await hurry(owner)
            if owner.execute(states("sent")).fetchone() == (2,):
                break
            await asyncio.sleep(0.05)
    assert owner.execute(
        "SELECT number, part.state, part.failure FROM message_part AS part JOIN message ON id = message_id "
        "WHERE key = '0' ORDER BY 1"
    ).fetchall() == [(1, "failed", "ESME_RINVDSTADR"), (2, "failed", "part_failed")]
    assert owner.execute(states("sent")).fetchone() == (2,)
    assert owner.execute("SELECT max(refusals) FROM message_part").fetchone() == (2,)
    assert set(times_sent(smsc).values()) == {1}


async def test_refused_too_often_is_failed(owner, store, smsc, sending):
    smsc.answer = lambda each: Reply(status=0x64)
    await store(*notices(1))
    async with sending(a_link(smsc.port), sending_refusals=0):
        await until(owner, states("failed"), (1,))
    assert owner.execute("SELECT failure FROM message").fetchone() == ("ESME_RX_T_APPN",)


async def test_links_that_drop_and_answers_cut_in_the_middle(owner, service, store, smsc, sending):
    """Every part that was sent twice had been unknown: the SMSC took it and its answer was lost."""
    chance = random.Random(8)

    def answer(each):
        if chance.random() < 0.15:
            return random.Random(chance.random()).choice(
                [Reply(drop=True), Reply(drop=True, taken=False), Reply(cut=chance.randrange(1, 17))]
            )
        return Reply()

    smsc.answer = answer
    await store(*notices(25))
    async with sending(a_link(smsc.port, window=10), sms_unknown_seconds=0.3):
        await until(owner, "SELECT count(*) FROM message WHERE state NOT IN ('sent', 'unknown')", (0,), 30)
        await until(
            owner, "SELECT count(*) FROM message WHERE state = 'unknown' AND settled_at IS NULL", (0,), 30
        )
    told = await counts(service)
    assert told.exact
    assert sum(each - 1 for each in times_sent(smsc).values()) <= told.resent
    assert told.parts["sent"] <= len(times_sent(smsc))
    assert len(smsc.binds) > 1


async def test_lengths_that_cannot_be_and_commands_that_nobody_knows(owner, store, smsc, sending):
    await store(an_intent("a", due_at=an_intent().due_at))
    async with sending(a_link(smsc.port)):
        await until(owner, states("sent"), (1,))
        link = smsc.connections[0]
        link.send(b"\0\0\0\x10\0\0\x0f\xff\0\0\0\0\0\0\0\x63")  # an unknown command
        link.send(b"\0\0\0\x10\x80\0\0\x04\0\0\0\0\0\0\0\x63")  # an answer that nobody asked for
        link.send(b"\0\0\0\x04\0\0\0\0")  # a length that cannot be
        link.send(b"\xff" * 64)
        while len(smsc.binds) < 2:
            await asyncio.sleep(0.02)
        await store(an_intent("b"))
        await until(owner, states("sent"), (2,))
    statuses = [octets[8:12] for octets in smsc.strange]
    assert b"\0\0\0\x03" in statuses
    assert b"\0\0\0\x02" in statuses


async def test_a_silent_link_is_asked_and_given_up(owner, store, smsc, sending):
    smsc.answers_enquiries = False
    async with sending(a_link(smsc.port, enquire_seconds=0.1, answer_seconds=0.2)):
        while len(smsc.binds) < 2:
            await asyncio.sleep(0.02)
    assert smsc.enquired


async def test_another_link_takes_over(owner, store, smsc, sending):
    """One answers nothing but errors, one is not there at all: the third sends everything."""
    async with Smsc() as bad:
        bad.answer = lambda each: Reply(status=0x08)
        await store(*notices(60))
        links = [a_link(bad.port, "bad", window=5), a_link(1, "away"), a_link(smsc.port, "good", window=5)]
        async with sending(*links, sending_refusals=20):
            for _ in range(400):
                await hurry(owner)
                if owner.execute(states("sent")).fetchone() == (60,):
                    break
                await asyncio.sleep(0.02)
    assert owner.execute("SELECT DISTINCT link FROM message_part").fetchall() == [("good",)]
    assert set(times_sent(smsc).values()) == {1}
    assert len(bad.came) < 60


async def test_a_senders_defect_takes_nobody_along(owner, store, smsc, sending, monkeypatch):
    await store(*notices(5))
    async with sending(a_link(smsc.port)) as sender:
        link = sender.lanes["sms"][0].sender
        submit = link.submit

        async def submitting(part):
            if part.address.endswith("3"):
                raise ZeroDivisionError
            return await submit(part)

        monkeypatch.setattr(link, "submit", submitting)
        await until(owner, states("sent"), (4,))
        await until(owner, states("unknown"), (1,))


async def test_several_senders_share_the_work(owner, store, smsc, sending):
    await store(*notices(100))
    async with sending(a_link(smsc.port, window=5)), sending(a_link(smsc.port, window=5)):
        await until(owner, states("sent"), (100,))
    assert set(times_sent(smsc).values()) == {1}
    assert len({id(each.link) for each in smsc.came}) == 2


async def test_urgent_ones_go_first_and_late_ones_not_at_all(owner, store, smsc, sending):
    now = an_intent().due_at
    await store(*notices(20), an_intent("urgent", address="+84999999999", urgent=True))
    await store(an_intent("late", address="+84988888888", expires_at=now))
    async with sending(a_link(smsc.port, window=1, rate=50)):
        await until(owner, states("expired"), (1,))
        await until(owner, states("sent"), (21,))
    assert "84999999999" in [each.pdu.destination_addr for each in smsc.came[:2]]
    assert "84988888888" not in {each.pdu.destination_addr for each in smsc.came}
