"""A sender that is killed (SIGKILL) at a given step: before and after each commit, submit and answer.

`python -m tests.dying_sender` reads lines "STEP" and answers each with how the sender ended: "killed", or how
many steps it took until nothing was due or in hand. Each sender is a process of its own, forked before
anything runs in it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager

import sqlalchemy as sa

from simcheck.config import settings
from simcheck.db.engine import Database
from simcheck.sending import process, send
from simcheck.sending.senders.session import SmppSession
from simcheck.service import opened
from tests.dying import Steps

BUSY = sa.text("SELECT EXISTS (SELECT FROM message WHERE settled_at IS NULL AND state <> 'sent')")


def watch(step: Steps) -> None:
    """Have every commit, submit and answer be steps."""
    transaction, ask, answered = Database.transaction, SmppSession.ask, SmppSession._answered

    @asynccontextmanager
    async def stepping_transaction(self, actor, *given, **more):
        async with transaction(self, actor, *given, **more) as session:
            yield session
            if actor != "test":
                step()
        if actor != "test":
            step()

    def stepping_ask(self, sequence, octets, what=None):
        step()
        asked = ask(self, sequence, octets, what)
        step()
        return asked

    def stepping_answered(self, sequence, answer):
        step()
        answered(self, sequence, answer)
        step()

    Database.transaction, SmppSession.ask, SmppSession._answered = (
        stepping_transaction, stepping_ask, stepping_answered
    )  # fmt: skip


async def work(step: Steps) -> None:
    send.SWEEP = send.POLL = 0.1
    async with opened(settings()) as service:
        watch(step)
        stop = asyncio.Event()
        running = asyncio.create_task(process.run(service, stop))
        busy = True
        while busy and not running.done():
            await asyncio.sleep(0.05)
            async with service.database.transaction("test", ministry=True) as session:
                busy = await session.scalar(BUSY)
        stop.set()
        await running


def child(last: int) -> None:
    step = Steps(last)
    asyncio.run(work(step))
    os.write(1, f"{step.taken}\n".encode())
    os._exit(0)


def main() -> None:
    for line in sys.stdin:
        process_id = os.fork()
        if process_id == 0:
            try:
                child(int(line))
            finally:
                os._exit(1)
        _, status = os.waitpid(process_id, 0)
        if os.WIFSIGNALED(status):
            os.write(1, b"killed\n")
        elif os.WEXITSTATUS(status):
            os.write(1, b"failed\n")


if __name__ == "__main__":
    main()
