"""What somebody decided just now, so that it can be undone from whatever page comes next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.cases import codes
from simcheck.desks.queue.told import Told
from simcheck.review import decide
from simcheck.review.decide import Recent
from simcheck.review.models import DeskState

_BACK, _TOLD_FOR = timedelta(hours=8), timedelta(minutes=15)
_MOST_OPEN = _TOLD_FOR + timedelta(minutes=10)  # a decision can be undone for ten minutes at most


class Late(NamedTuple):
    """A decision of one's own: of which case (its code), what and why in words, and what became of it."""

    made: Recent
    code: str
    what: str
    why: str


class Lately(NamedTuple):
    """What can be undone, what was overtaken a short while ago, all of the last hours (where they are
    asked for); the newest first."""

    open: list[Late]
    overtaken: list[Late]
    all: list[Late]
    at: datetime


async def of(session: AsyncSession, told: Told, *, all_of_them: bool = True) -> Lately:
    """The decisions of whoever acts in this session."""
    now = clock.now()
    since = now - (_BACK if all_of_them else _MOST_OPEN)
    found = [
        Late(made, codes.shown(made.code), told.decision(made.decision), told.given(made.reason))
        for made in await decide.recent(session, since, all_of_them=all_of_them)
    ]
    return Lately(
        [each for each in found if each.made.state == DeskState.PENDING and each.made.binds_at > now],
        [each for each in found
         if each.made.state == DeskState.OVERTAKEN and each.made.settled_at
         and each.made.settled_at > now - _TOLD_FOR],
        found, now,
    )  # fmt: skip
