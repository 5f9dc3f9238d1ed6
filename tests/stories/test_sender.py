"""`simcheck sender` as a process."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys

import httpx
import pytest

from simcheck.sending import intents
from tests.sending import an_intent, until
from tests.smsc import Reply, Smsc

pytestmark = pytest.mark.anyio


async def start(environment, **extra: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simcheck.cli", "sender", env=environment | extra,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_it_sends_tells_its_figures_and_ends_well(service, owner, environment):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    async with Smsc() as smsc:
        smsc.answer = lambda each: Reply(after=0.2)
        link = {"name": "one", "host": "127.0.0.1", "port": smsc.port, "system_id": "a", "source": "1414"}
        process = await start(
            environment, SIMCHECK_SMS_LINKS=json.dumps([link]), SIMCHECK_SENDER_METRICS=listen
        )
        async with service.database.transaction("job:test", ministry=True) as session:
            await intents.store(session, service.keyring, [an_intent()])
        await until(owner, "SELECT state FROM message", ("sent",), 20)
        async with httpx.AsyncClient() as client:
            figures = (await client.get(f"http://{listen}/metrics")).text
        assert 'simcheck_sending_parts_total{link="one",outcome="taken"} 1.0' in figures
        async with service.database.transaction("job:test", ministry=True) as session:
            await intents.store(session, service.keyring, [an_intent("two")])
        while len(smsc.came) < 2:
            await asyncio.sleep(0.01)
        process.send_signal(signal.SIGTERM)  # while it waits for the answer
        _, said = await asyncio.wait_for(process.communicate(), 20)
        assert smsc.unbound == 1
    assert process.returncode == 0, said
    assert owner.execute("SELECT count(*) FROM message WHERE state = 'sent'").fetchone() == (2,)
    assert b"901234567" not in said
    assert json.loads(said.splitlines()[-1])["event"] == "stopped"
