"""Something that is watched until it ends, as server-sent events (HTML, 9.2)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

POLL = 1.0  # seconds between two looks
QUIET = 15.0  # seconds after which a comment keeps the connection open

T = TypeVar("T")


async def events(
    name: str, look: Callable[[], Awaitable[T]], said: Callable[[T], Any], ended: Callable[[T], bool],
    seconds: float,
) -> AsyncIterator[str]:  # fmt: skip
    """One event at once and one at each change, until it has `ended` or so many seconds are over; a browser
    asks again by itself. `said` makes the event's data, which is sent as JSON.
    """
    began = spoken = time.monotonic()
    seen = await look()
    yield _event(name, said(seen))
    while not ended(seen) and time.monotonic() - began < seconds:
        await asyncio.sleep(POLL)
        before, seen = seen, await look()
        if seen != before:
            yield _event(name, said(seen))
            spoken = time.monotonic()
        elif time.monotonic() - spoken > QUIET:
            yield ": still there\n\n"
            spoken = time.monotonic()


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
