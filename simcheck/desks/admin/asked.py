"""What pages of lists read out of their address, and lists that several of them offer to choose from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.access.models import Carrier
from simcheck.clock import LOCAL
from simcheck.desks.frame.door import Visit
from simcheck.messages import templates
from simcheck.web.forms import clean

Word = TypeVar("Word", bound=StrEnum)
_MOST = 200


def text(visit: Visit, name: str, most: int = _MOST) -> str:
    """A value of the address, in one line without what cannot be seen; cut at `most` characters."""
    return " ".join(clean(visit.request.query_params.get(name, "")[:most]).split())


def word(visit: Visit, name: str, words: type[Word]) -> Word | None:
    """One of some words; None where the address has none of them."""
    told = visit.request.query_params.get(name)
    return words(told) if told in set(words) else None


def one_of(visit: Visit, name: str, values: Iterable[str]) -> str | None:
    """One of some values; None where the address has none of them."""
    told = visit.request.query_params.get(name)
    return told if told in set(values) else None


def day(visit: Visit, name: str) -> date | None:
    """A day; None where there is none, or it cannot be one."""
    try:
        return date.fromisoformat(visit.request.query_params.get(name, ""))
    except ValueError:
        return None


def begins(day: date) -> datetime:
    """When a day begins in Viet Nam."""
    return datetime.combine(day, time(), LOCAL)


def ends(day: date) -> datetime:
    """When it is over. The last day that there is has no end: its last moment stands for it."""
    return begins(day) + timedelta(days=1) if day < date.max else datetime.combine(day, time.max, LOCAL)


async def carriers(session: AsyncSession) -> list[str]:
    """The codes of all carriers that are known: those with data here, and those whose hotline is known."""
    return sorted({*await session.scalars(sa.select(Carrier.code)), *templates.hotlines()})
