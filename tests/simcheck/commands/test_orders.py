from __future__ import annotations

import asyncio

import pytest

from tests.ordering import a_wrong_country, let_be_due, proposed

pytestmark = pytest.mark.anyio


async def test_what_is_due_what_is_ordered_and_the_brake(command, service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1, 2])
    code, out, error = await asyncio.to_thread(command, "orders", "due")
    assert (code, error) == (0, "")
    assert out.split()[:2] == ["viettel", "one_way"]
    assert out.split()[-1] == "2"
    await proposed(service)
    assert "one_way" in (await asyncio.to_thread(command, "orders", "list"))[1]
    assert (await asyncio.to_thread(command, "orders", "brake", "nobody"))[0] == 2
    assert (await asyncio.to_thread(command, "orders", "brake", "all"))[1] == "The brake is on.\n"
    assert (await asyncio.to_thread(command, "orders", "brake", "all"))[1] == "The brake was on already.\n"
    assert (await asyncio.to_thread(command, "orders", "list"))[1].startswith("BRAKE all: by_hand")
