from __future__ import annotations

import asyncio
import socket

import pytest
import smpp34

from simcheck.errors import UnavailableError
from simcheck.messages.segments import segment
from simcheck.sending.twins.shelf import Shelf
from simcheck.sending.twins.smsc import SmscTwin

pytestmark = pytest.mark.anyio
TEXT = "Số thuê bao ******678 chưa khớp thông tin. " * 5


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return bound.getsockname()[1]


async def bound(port: int) -> tuple[smpp34.Client, smpp34.Smsc]:
    for _ in range(100):
        client = smpp34.Client("127.0.0.1", port, "us", "secret", bind_type="TRX")
        try:
            return client, await client.connect()
        except smpp34.SmppError:
            await asyncio.sleep(0.05)
    raise AssertionError("the twin does not listen")


@pytest.fixture
async def twin():
    port = free_port()
    made = SmscTwin("127.0.0.1", port, Shelf(), receipt_seconds=0)
    running = asyncio.create_task(made.run())
    client, smsc = await bound(port)
    yield made, smsc
    await client.stop()
    running.cancel()
    await asyncio.wait([running])


async def test_parts_are_joined_in_whatever_order_they_come(twin):
    made, smsc = twin
    cut = segment(TEXT, 7)
    assert len(cut.parts) > 1
    for part in reversed(cut.parts):
        answer = await smsc.submit_sm(
            "84912345678",
            part,
            source_addr="SIMCHECK",
            source_addr_ton=5,
            esm_class=0x40,
            data_coding=cut.data_coding,
        )
        assert answer.is_success
    [shown] = made.shelf.to("+84912345678")
    assert (shown.text, shown.parts, shown.sender) == (TEXT, len(cut.parts), "SIMCHECK")


async def test_a_receipt_follows_where_one_is_wanted(twin):
    _, smsc = twin
    answer = await smsc.submit_sm("84912345678", b"hello", source_addr="1414", registered_delivery=1)
    receipt = await asyncio.wait_for(smsc.next(), 5)
    assert receipt.esm_class & 0x04
    assert f"id:{answer.message_id} ".encode() in receipt.short_message
    assert b"stat:DELIVRD" in receipt.short_message
    assert (receipt.source_addr, receipt.destination_addr) == ("84912345678", "1414")


async def test_a_holder_answers(twin):
    made, smsc = twin
    await smsc.submit_sm("84912345678", b"hello", source_addr="1414")
    await made.answer("84912345678", "ĐÚNG")
    came = await asyncio.wait_for(smsc.next(), 5)
    assert (came.source_addr, came.destination_addr, came.data_coding) == ("84912345678", "1414", 8)
    assert bytes(came.short_message).decode("utf-16-be") == "ĐÚNG"


async def test_nobody_takes_an_answer():
    with pytest.raises(UnavailableError):
        await SmscTwin("127.0.0.1", free_port(), Shelf()).answer("84912345678", "TTTB")


async def test_what_cannot_be_read_is_refused(twin):
    made, smsc = twin
    answer = await smsc.submit_sm("84912345678", b"\xff\xff", source_addr="1414")
    assert not answer.is_success
    assert not made.shelf.messages
