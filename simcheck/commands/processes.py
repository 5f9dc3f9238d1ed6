"""`simcheck serve`, `worker`, `sender`, `migrate`: the processes of the service."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from typing import Annotated, NoReturn

import typer
import uvicorn
import uvloop
from uvicorn.supervisors import Multiprocess

from jobs.app import run_worker
from simcheck import log, migrations
from simcheck.config import Settings, settings
from simcheck.db.embedded import Embedded
from simcheck.errors import UsageError
from simcheck.sending import process
from simcheck.service import database_url, opened

GRACE = 20  # seconds that requests on their way may take after a signal


def serve(
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer.")] = 1,
) -> None:
    """Answer requests, until Ctrl-C or SIGTERM."""
    log.setup()
    chosen = settings()
    with _until_a_signal(), database_url(chosen), _bound(chosen) as bound:
        asyncio.run(_try(chosen))  # what is wrong is said here, in one line
        config = uvicorn.Config(
            "simcheck.app:web", factory=True, workers=workers, loop="uvloop", http="httptools", ws="none",
            log_config=None, access_log=False, server_header=False, proxy_headers=False,
            timeout_graceful_shutdown=GRACE,
        )  # fmt: skip
        log.logger().info("serving", listen=chosen.listen, count=workers)
        if workers == 1:
            uvicorn.Server(config).run(sockets=[bound])
        else:
            Multiprocess(config, sockets=[bound]).run()


def worker(
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Jobs at the same time.")] = 2,
    once: Annotated[bool, typer.Option("--once", help="End when nothing is due.")] = False,
) -> None:
    """Do the service's jobs, until Ctrl-C or SIGTERM."""
    log.setup()
    chosen = settings()
    with _until_a_signal():
        asyncio.run(_work(chosen, concurrency, once))


def sender() -> None:
    """Send messages and hear what comes back, until Ctrl-C or SIGTERM; then end what is on its way."""
    log.setup()
    chosen = settings()
    try:
        uvloop.run(_send(chosen))
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno else "not to be had"
        raise UsageError(f"SIMCHECK_SENDER_METRICS: {cause}. Choose another address or port.") from None
    log.logger().info("stopped")


def migrate() -> None:
    """Bring the database to the newest schema, as its owner."""
    chosen = settings()
    with contextlib.ExitStack() as stack:
        if chosen.database_url is not None:
            url = chosen.database_url.get_secret_value()
        else:
            url = stack.enter_context(Embedded(chosen.home)).url()
        before, now = migrations.upgrade(url)
    typer.echo(
        f"the database is at step {now}" if before == now else f"migrated from {before or 'nothing'} to {now}"
    )


async def _try(chosen: Settings) -> None:
    async with opened(chosen):
        pass


async def _work(chosen: Settings, concurrency: int, once: bool) -> None:
    async with opened(chosen) as service:
        log.logger().info("working", count=concurrency)
        await run_worker(service, concurrency=concurrency, wait=not once)


async def _send(chosen: Settings) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    async with opened(chosen) as service:
        await process.run(service, stop)


@contextlib.contextmanager
def _until_a_signal() -> Iterator[None]:
    """End well on SIGTERM and Ctrl-C: leave all blocks, so that the embedded database is stopped."""

    def leave(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
    log.logger().info("stopped")


def _bound(chosen: Settings) -> socket.socket:
    host, port = chosen.host_and_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno else "not to be had"
        raise UsageError(
            f"SIMCHECK_LISTEN {chosen.listen}: {cause}. Choose another address or port."
        ) from None
