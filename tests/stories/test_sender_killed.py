"""A sender killed anywhere, many times: nothing is lost, nothing is sent twice that was not unknown."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path

import pytest

from simcheck.sending.accounting import accounting
from tests.sending import an_intent, times_sent

pytestmark = pytest.mark.anyio
WINDOW, NOTICES = 4, 4
STEPS = 70  # about what a sender takes from its start to the end of a few notices
RESENT = "SELECT key, number, resends FROM message_part JOIN message ON id = message_id"


@pytest.fixture
async def dying(environment, smsc):
    """Ask it to send up to a step: how that ended."""
    link = {
        "name": "one", "host": "127.0.0.1", "port": smsc.port, "system_id": "simcheck", "source": "SIMCHECK",
        "window": WINDOW, "answer_seconds": 0.5,
    }  # fmt: skip
    extra = {
        "SIMCHECK_SMS_LINKS": json.dumps([link]), "SIMCHECK_SENDING_LEASE_SECONDS": "0.8",
        "SIMCHECK_SMS_UNKNOWN_SECONDS": "0.3", "SIMCHECK_SMS_RESENDS": "3",
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.dying_sender", env=environment | extra, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, cwd=Path(__file__).parents[2],
    )  # fmt: skip

    async def until(step: int) -> str:
        process.stdin.write(f"{step}\n".encode())
        async with asyncio.timeout(60):
            return (await process.stdout.readline()).decode().strip()

    yield until
    process.stdin.close()
    await process.wait()


async def many(owner, service, store, smsc, dying, kills: int, capsys) -> None:
    chance, killed = random.Random(kills), 0
    for each in range(kills):
        await store(*(
            an_intent(f"{each}/{number}", address=f"+849{each:05}{number:03}", text="ơ" * 100)
            for number in range(NOTICES)
        ))  # fmt: skip
        killed += await dying(chance.randrange(1, STEPS)) == "killed"
    assert (await dying(0)).isdigit()
    assert killed > kills * 0.8
    async with service.database.transaction("test", ministry=True) as session:
        told = await accounting(session)
    times = times_sent(smsc)
    made = kills * NOTICES * 2
    assert told.exact
    assert told.made == made == told.parts["sent"] + told.parts["unknown"]
    assert len(times) >= told.parts["sent"]  # nothing lost that is said to be sent
    resends = {
        (f"849{int(key.split('/')[0]):05}{int(key.split('/')[1]):03}", number): count
        for key, number, count in owner.execute(RESENT)
    }
    twice = 0
    for (address, message), count in times.items():
        twice += count - 1
        assert count - 1 <= resends[address, message[5]]  # only what had been unknown
    assert told.resent <= killed * 2 * WINDOW * 2  # what a sender has in hand: two windows of messages
    with capsys.disabled():
        print(
            f" [{killed} kills, {made} parts: {told.resent} were unknown and sent again, {twice} came twice]"
        )


async def test_killed_some_times(owner, service, store, smsc, dying, capsys):
    await many(owner, service, store, smsc, dying, 8, capsys)


@pytest.mark.slow
async def test_killed_a_thousand_times(owner, service, store, smsc, dying, capsys):
    await many(owner, service, store, smsc, dying, 1000, capsys)
