"""Sweeps: work that is done again and again, and looks into tables for what is due and does not move.

So the queue may be emptied at any time, and a killed worker's job may hang for ever: nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable

from jobs.tasks import TASKS, Task, Work, _register
from simcheck.queue import QUEUE

EVERY_MINUTE = "* * * * *"
HOURLY = "17 * * * *"


def sweep(name: str, cron: str = EVERY_MINUTE, *, queue: str = QUEUE) -> Callable[[Work], Work]:
    """Register `async def work(service)` to be done at the times of `cron` (5 fields, or 6 with seconds)."""
    return _register(name, queue, False, cron)


def sweeps() -> list[Task]:
    """Everything that is done by the clock."""
    return [task for task in TASKS.values() if task.cron]
