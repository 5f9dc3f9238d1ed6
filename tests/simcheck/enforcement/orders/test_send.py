"""An approved order becomes the carrier's file; what a guard shuts out by then is not in it."""

from __future__ import annotations

import asyncio
import gzip
from hashlib import sha256

import pytest

from simcheck import clock
from simcheck.cases.decide import Wanted, decide
from simcheck.cases.states import Who
from simcheck.enforcement.orders import brake, send
from simcheck.lake.sealed_file import SealedFile
from tests.holding import case_of, national
from tests.ordering import (
    BINH,
    DAY,
    HOUR,
    NOON,
    a_wrong_country,
    approved,
    batches,
    let_be_due,
    lines,
    ordered,
    proposed,
    restored,
    sent,
    states,
)  # fmt: skip

pytestmark = pytest.mark.anyio


async def agreed(service, owner, number, at=NOON):
    """A supervisor finds that the record is right: the case is closed."""
    case_id, _ = case_of(owner, service.keyring, number)
    with clock.fixed(at):
        async with service.database.transaction("person:chi", ministry=True) as session:
            wanted = Wanted("same_person", Who.STAFF, "looked_at")
            await decide(session, service.keyring, case_id, wanted, referral=DAY)


async def an_approved_order(service, owner, numbers, at=NOON):
    """A proposal about these numbers, approved and not sent."""
    let_be_due(owner, service.keyring, numbers, at=at)
    await proposed(service, at=at)
    [order] = [each.id for each in batches(owner) if each.state == "proposed"]
    assert await approved(service, order, len(numbers), at=at) == "approved"
    return order


def read(service, order) -> bytes:
    file = SealedFile(service.store, service.keyring, send.place("viettel", order.id), order.size)
    with file.open() as stream:
        return stream.read()


async def test_the_file_is_the_carriers_own_and_sealed(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    await ordered(service, owner, 2)
    [order] = batches(owner)
    content = read(service, order)
    assert (sha256(content).digest(), len(content)) == (order.digest, order.size)
    text = gzip.decompress(content).decode().splitlines()
    assert text[0].startswith("Mã lệnh;Số thứ tự;Số thuê bao;Yêu cầu;Lý do;Căn cứ;Thực hiện trước;Kết quả")
    numbers = {f"84{national(1)}", f"84{national(2)}"}
    assert {line.split(";")[2] for line in text[1:]} == numbers
    assert all("Khóa một chiều" in line and str(order.id) in line for line in text[1:])
    assert (order.state, order.due_at) == ("sent", NOON + 4 * HOUR)
    assert order.file_name.startswith("order-one_way-")
    raw = b"".join(path.read_bytes() for path in service.settings.home.rglob("part-*"))
    assert f"84{national(1)}".encode() not in raw
    assert [each.state for each in lines(owner, order.id)] == ["sent", "sent"]


async def test_done_again_nothing_is_sent_again(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    await ordered(service, owner, 2)
    before = batches(owner)[0].__dict__
    await sent(service, NOON + HOUR)
    await proposed(service, at=NOON + HOUR)
    assert [each.__dict__ for each in batches(owner)] == [before]


async def test_a_case_that_was_closed_meanwhile_is_dropped(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    order = await an_approved_order(service, owner, [1, 2])
    await agreed(service, owner, 1)
    await sent(service)
    assert sorted(states(owner, order), key=str) == [("dropped", "case_open"), ("sent", None)]
    assert batches(owner)[0].lines == 1


async def test_of_an_order_of_which_nothing_is_left_there_is_no_file(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    order = await an_approved_order(service, owner, [1])
    await agreed(service, owner, 1)
    await sent(service)
    [found] = batches(owner)
    assert (found.state, found.reason, found.lines) == ("stopped", "nothing_left", 0)
    assert not service.store.files(send.place("viettel", order))


async def test_what_is_held_up_waits_and_is_not_dropped(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    order = await an_approved_order(service, owner, [1])
    with clock.fixed(NOON):
        async with service.database.transaction(BINH, ministry=True) as session:
            await brake.pull(session, "viettel", brake.BY_HAND)
    await sent(service)
    assert states(owner, order) == [("proposed", None)]
    with clock.fixed(NOON):
        async with service.database.transaction(BINH, ministry=True) as session:
            [pulled] = await brake.pulled(session)
            await brake.release(session, pulled.id, 0)
    await sent(service)
    assert states(owner, order) == [("sent", None)]


@pytest.mark.parametrize("first", ["correction", "order"])
async def test_a_correction_in_the_same_second_as_the_order(service, owner, tmp_path, first):
    """Two sessions, one row: whoever locks the case first is before the other."""
    await a_wrong_country(service, tmp_path)
    order = await an_approved_order(service, owner, [1])
    case_id, _ = case_of(owner, service.keyring, 1)
    wanted, go = Wanted("same_person", Who.STAFF, "looked_at"), asyncio.Event()

    async def corrects():
        with clock.fixed(NOON):
            async with service.database.transaction("person:chi", ministry=True) as session:
                await decide(session, service.keyring, case_id, wanted, referral=DAY)
                go.set()
                await asyncio.sleep(0.3)

    async def orders():
        with clock.fixed(NOON):
            async with service.database.transaction("job:orders.send", ministry=True) as session:
                going = await send.ready(session, service, order)
                assert going is not None
                content = b"a file"
                send.keep(service.store, service.keyring, going.order, content)
                assert await send.confirm(session, service, going)
                await send.finish(session, service, going, content, send.Kind(".csv", "text/csv"))
                go.set()
                await asyncio.sleep(0.3)

    if first == "correction":
        before = asyncio.create_task(corrects())
        await go.wait()
        await sent(service)
        await before
        assert states(owner, order) == [("dropped", "case_open")]
        assert await restored(service) == {}
        return
    async with service.database.transaction("job:orders.send", ministry=True) as session:
        await send.number(session, service, order)
    before = asyncio.create_task(orders())
    await go.wait()
    await corrects()
    await before
    assert states(owner, order) == [("sent", None)]
    assert await restored(service) == {"viettel": 1}
    assert states(owner, order) == [("overtaken", None)]
    await sent(service)
    assert [(each.act, each.state) for each in batches(owner)] == [("one_way", "sent"), ("restore", "sent")]


async def test_a_number_that_was_disowned_meanwhile_is_dropped(service, owner, tmp_path):
    """Its clock hears of it some minutes later; what was told so far was about something else."""
    await a_wrong_country(service, tmp_path)
    order = await an_approved_order(service, owner, [1])
    case_id, _ = case_of(owner, service.keyring, 1)
    with clock.fixed(NOON):
        async with service.database.transaction("person:chi", ministry=True) as session:
            wanted = Wanted("disowned", Who.STAFF, "looked_at")
            await decide(session, service.keyring, case_id, wanted, referral=DAY)
    await sent(service)
    assert states(owner, order) == [("dropped", "its_turn")]


async def test_what_is_corrected_while_the_file_is_written_waits_for_nobody_and_is_not_in_it(
    service, owner, tmp_path
):
    """Nothing but the order is locked meanwhile; what is killed then has left nothing but a file."""
    await a_wrong_country(service, tmp_path)
    order = await an_approved_order(service, owner, [1, 2])
    async with service.database.transaction("job:orders.send", ministry=True) as session:
        await send.number(session, service, order)
    with clock.fixed(NOON):
        async with service.database.transaction("job:orders.send", ministry=True) as session:
            going = await send.ready(session, service, order)
            assert going.lines.num_rows == 2
            send.keep(service.store, service.keyring, going.order, b"both")
            await agreed(service, owner, 1)
            assert not await send.confirm(session, service, going)
    assert sorted(states(owner, order)) == [("dropped", "case_open"), ("proposed", None)]
    await sent(service)
    [found] = batches(owner)
    assert (found.state, found.lines) == ("sent", 1)
    assert sha256(read(service, found)).digest() == found.digest
