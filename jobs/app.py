"""The Procrastinate app: every registered task, woken by rows of the queue's table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.signals import on_stop

# Each module registers its tasks.
from jobs import (  # noqa: F401
    appeals,
    bulk,
    care,
    cases,
    clocks,
    drop,
    feedback,
    gate,
    helpdesk,
    holders,
    mail,
    notices,
    orders,
    replies,
    reports,
    review,
    runs,
    sending,
    upkeep,
    uploads,
    webhooks,
)
from jobs.tasks import TASKS, Task, arguments
from simcheck import log
from simcheck.db.base import SERVICE_ROLE
from simcheck.service import Service

GRACE = 20  # seconds that jobs on their way may take after a signal
A_DAY = 86_400
AGAIN = 1.0  # seconds before a worker that lost the database begins anew


def make_app(service: Service, connections: int = 6, *, sweeping: bool = True) -> App:
    """The app of one worker, which has sweeps enqueued by the clock. It acts as the service role, as requests
    do."""
    connector = PsycopgConnector(
        conninfo=service.database.url,
        kwargs={"options": f"-c role={SERVICE_ROLE}"},
        min_size=2,
        max_size=max(connections, 4),
    )
    app = App(connector=connector)
    for task in TASKS.values():
        known = app.task(name=task.name, queue=task.queue, retry=task.retry, pass_context=True)(
            _run(service, task)
        )
        if sweeping and task.cron:
            app.periodic(cron=task.cron, queueing_lock=task.name)(known)
    return app


async def run_worker(
    service: Service, *, concurrency: int = 1, wait: bool = True, sweeping: bool = True
) -> None:
    """Do jobs until a signal ends it, or (without `wait`) until none is due; `sweeping` is as in `make_app`.

    Procrastinate's worker ends when it loses the database. This one begins anew, for as long as it takes.
    """
    if not wait:
        await _work(service, concurrency, wait=False, sweeping=sweeping)
        return
    stopped = asyncio.Event()
    with on_stop(stopped.set):
        while not stopped.is_set():
            error = await _until(stopped, _work(service, concurrency, wait=True, sweeping=sweeping))
            if error is not None and not isinstance(error, ConnectorException):
                raise error
            if not stopped.is_set():
                log.logger().warning("the queue was lost", exc_info=error)
                await _until(stopped, asyncio.sleep(AGAIN))


async def _until(stopped: asyncio.Event, work: Coroutine[Any, Any, None]) -> BaseException | None:
    """Do this to its end, or until the event: then it is cancelled, and awaited. What it raised."""
    working, waiting = asyncio.create_task(work), asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        working.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)
    return None if working.cancelled() else working.exception()


async def _work(service: Service, concurrency: int, *, wait: bool, sweeping: bool) -> None:
    app = make_app(service, concurrency + 3, sweeping=sweeping)
    async with app.open_async():
        await app.run_worker_async(
            concurrency=concurrency,
            wait=wait,
            delete_jobs="successful",
            install_signal_handlers=not wait,
            shutdown_graceful_timeout=GRACE if wait else A_DAY,  # without a signal, jobs come to their end
        )


def _run(service: Service, task: Task) -> Callable[..., Awaitable[None]]:
    async def run(context: JobContext, *_: Any, **given: Any) -> None:
        log.bind(task=task.name, job=context.job.id)
        began = time.monotonic()
        try:
            await task.work(**arguments(service, given))
        except Exception as error:
            log.logger().error("job failed", seconds=time.monotonic() - began, exc_info=error)
            raise
        else:
            log.logger().info("job done", seconds=time.monotonic() - began)
        finally:
            log.unbind()

    return run
