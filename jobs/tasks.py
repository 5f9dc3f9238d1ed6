"""The register of everything that workers can do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from procrastinate import BaseRetryStrategy

from simcheck.queue import QUEUE
from simcheck.service import Service

Work = Callable[..., Awaitable[None]]


@dataclass(frozen=True)
class Task:
    """Work under a name. With `cron`, it is also done at those times."""

    name: str
    work: Work
    queue: str
    retry: BaseRetryStrategy | bool
    cron: str | None = None


TASKS: dict[str, Task] = {}


def job(name: str, *, queue: str = QUEUE, retry: BaseRetryStrategy | bool = False) -> Callable[[Work], Work]:
    """Register `async def work(service, **args)` under the name that `enqueue` uses.

    The job opens its own transaction (`service.database.transaction(f"job:{name}", ...)`), does everything in
    it, and is idempotent. A failed one is not tried again by itself unless `retry` says so: the stage's sweep
    finds what stayed undone.
    """
    return _register(name, queue, retry, None)


def _register(
    name: str, queue: str, retry: BaseRetryStrategy | bool, cron: str | None
) -> Callable[[Work], Work]:
    def keep(work: Work) -> Work:
        if name in TASKS:
            raise ValueError(f"{name}: two jobs have this name")
        TASKS[name] = Task(name, work, queue, retry, cron)
        return work

    return keep


def arguments(service: Service, given: dict[str, Any]) -> dict[str, Any]:
    """What a task is called with: what was enqueued, less what Procrastinate adds."""
    return {"service": service, **{name: value for name, value in given.items() if name != "timestamp"}}
