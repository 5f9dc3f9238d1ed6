from __future__ import annotations

from asyncio import to_thread
from dataclasses import replace

import pytest

from tests import subscribed
from tests.noticing import follow_run, messages, records, row, settle, sweep
from tests.running import NOON

pytestmark = pytest.mark.anyio


@pytest.fixture
async def waiting(service, owner):
    """Two cases, whose notices wait."""
    held = replace(service, settings=service.settings.model_copy(update={"notices_hold": True}))
    subscribed.register(owner)
    records(held, owner, [row(912345671), row(912345672)])
    await follow_run(held)
    await sweep(held, NOON)


async def test_a_campaign_from_its_count_to_its_end(command, waiting, owner, service):
    wanted = ("notices", "preview", "names", "--carrier", "viettel", "--group", "name")
    code, out, err = await to_thread(command, *wanted)
    assert (code, err) == (0, "")
    assert "names  draft  (viettel name, texts 20" in out
    assert "2 cases, 0 without an address: 2 SMS in 6 parts and 0 emails" in out
    assert "2,100 VND for the first notices" in out
    assert "simcheck notices release names" in out
    assert messages(owner, service) == []
    released = await to_thread(command, "notices", "release", "names")
    assert released[1] == "names is released: 2 holders are told in the hours of the policy\n"
    out = (await to_thread(command, "notices", "status"))[1]
    assert "names  released" in out
    assert "cases     viettel        active                    2" in out
    owner.execute("UPDATE notice_track SET next_at = '2026-11-20'")
    await sweep(service, NOON)
    settle(owner, "delivered")
    out = (await to_thread(command, "notices", "status"))[1]
    assert "messages  viettel        first sms delivered" in out
    assert out.rstrip().endswith("6 parts")
    cancelled = await to_thread(command, "notices", "cancel", "names")
    assert cancelled[1] == "names is cancelled: 0 messages were called off\n"


async def test_what_cannot_be(command, waiting):
    code, _, err = await to_thread(command, "notices", "release", "nobody")
    assert (code, err) == (2, "simcheck: There is no campaign nobody.\n")
    assert (await to_thread(command, "notices", "preview", "x"))[0] == 2
    assert (await to_thread(command, "notices", "preview", "names", "--group", "shoes"))[0] == 2
