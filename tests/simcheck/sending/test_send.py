from __future__ import annotations

import pytest

from tests.simcheck.sending.conftest import a_link, an_intent, until

pytestmark = pytest.mark.anyio


def states(state: str) -> str:
    return f"SELECT count(*) FROM message WHERE state = '{state}'"


async def test_what_is_due_is_sent_and_delivered(owner, store, smsc, sending):
    smsc.receipts = True
    await store(*(an_intent(str(each), address=f"+849012345{each:02}", text="ơ" * 100) for each in range(20)))
    async with sending(a_link(smsc.port)):
        await until(owner, states("delivered"), (20,))
    assert len(smsc.accepted) == 40
    assert smsc.unbound == 1
