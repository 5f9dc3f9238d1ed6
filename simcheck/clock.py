"""The one place that asks what time it is, so that a test can say it; and the country's zone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, timezone

# The country's: Viet Nam has one zone, and no summer time.
LOCAL = timezone(timedelta(hours=7))

_fixed: ContextVar[datetime | None] = ContextVar("fixed", default=None)


def now() -> datetime:
    """The moment, in UTC, to the microsecond (as PostgreSQL keeps it)."""
    return _fixed.get() or datetime.now(UTC)


@contextmanager
def fixed(moment: datetime) -> Iterator[None]:
    """Let `now()` say `moment` inside the block. For tests and for replays."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    token = _fixed.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _fixed.reset(token)
