"""Where a page of a list ends, as an opaque word: a moment and an id."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from uuid import UUID

from simcheck.errors import InvalidError


def write(at: datetime, its: UUID) -> str:
    """The word."""
    return base64.urlsafe_b64encode(f"{at.isoformat()} {its}".encode()).decode()


def read(after: str | None) -> tuple[datetime, UUID] | None:
    """The place that a word names; None for no word. Raises `InvalidError` for another one."""
    if after is None:
        return None
    try:
        at, _, its = base64.b64decode(after, b"-_", validate=True).decode().partition(" ")
        place = datetime.fromisoformat(at), UUID(its)
    except (binascii.Error, ValueError):
        raise InvalidError("after: send what `next` said.") from None
    if place[0].tzinfo is None:
        raise InvalidError("after: send what `next` said.")
    return place
