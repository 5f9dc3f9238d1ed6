"""A worker that is killed (SIGKILL) at a given step: between any two files that it writes to the lake, and
before and after each of its commits.

`python -m tests.dying` reads lines "STEP MOMENT" and answers each with how the worker ended: "killed", or how
many steps it took to the end. Each worker is a process of its own, forked before anything runs in it.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import signal
import sys
from contextlib import asynccontextmanager, contextmanager

import jobs.app
from simcheck import clock
from simcheck.config import settings
from simcheck.db.engine import Database
from simcheck.lake.files import Store
from simcheck.service import opened


class Steps:
    """Counts steps, and kills this process at one of them."""

    def __init__(self, last: int) -> None:
        self.last, self.taken = last, 0

    def __call__(self) -> None:
        self.taken += 1
        if self.taken == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


def watch(step: Steps) -> None:
    """Have every commit and every file of the lake be steps."""
    transaction, writing = Database.transaction, Store.writing

    @asynccontextmanager
    async def stepping_transaction(self, *given, **more):
        async with transaction(self, *given, **more) as session:
            yield session
            step()
        step()

    @contextmanager
    def stepping_writing(self, name):
        with writing(self, name) as stream:
            yield stream
            step()
        step()

    Database.transaction, Store.writing = stepping_transaction, stepping_writing


async def work(step: Steps) -> None:
    async with opened(settings()) as service:
        watch(step)
        await jobs.app.run_worker(service, wait=False, sweeping=False)


def child(last: int, moment: str) -> None:
    step = Steps(last)
    with clock.fixed(datetime.datetime.fromisoformat(moment)):
        asyncio.run(work(step))
    os.write(1, f"{step.taken}\n".encode())
    os._exit(0)


def main() -> None:
    for line in sys.stdin:
        last, moment = line.split()
        process = os.fork()
        if process == 0:
            child(int(last), moment)
        _, status = os.waitpid(process, 0)
        if os.WIFSIGNALED(status):
            os.write(1, b"killed\n")
        elif os.WEXITSTATUS(status):
            os.write(1, b"failed\n")


if __name__ == "__main__":
    main()
