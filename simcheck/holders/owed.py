"""Corrections that agree, on their way to carriers: listed until acknowledged, forgotten some time after
that."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.db.engine import actor_of
from simcheck.errors import NotFoundError
from simcheck.feedback.corrected import Corrections, Said
from simcheck.holders.correct import Given, cells_of
from simcheck.holders.models import Correction, Outcome
from simcheck.privacy import Keyring

# What the holder said goes when nobody needs it any more; that it was said stays.
FORGET = sa.text("""
UPDATE correction SET cells = NULL
WHERE cells IS NOT NULL AND coalesce(acknowledged_at, settled_at) < :before
  AND (acknowledged_at IS NOT NULL OR outcome = 'differs') AND preserved(msisdn_token) IS NOT TRUE
""").bindparams(sa.bindparam("before", type_=sa.TIMESTAMP(timezone=True)))


class Owed(NamedTuple):
    """A correction and what the holder said (None: kept no more)."""

    correction: Correction
    given: Given | None


async def page(
    session: AsyncSession, keyring: Keyring, carrier: str, *, acknowledged: bool = False,
    after: tuple[datetime, uuid.UUID] | None = None, limit: int = 100,
) -> list[Owed]:  # fmt: skip
    """A carrier's corrections, those settled first first: after the place (settled_at, id), at most `limit`.

    They hold what people said of themselves: the look is audited. Raises `SealError`.
    """
    query = sa.select(Correction).where(
        Correction.carrier == carrier, Correction.outcome == Outcome.AGREES,
        Correction.acknowledged_at.is_not(None) if acknowledged else Correction.acknowledged_at.is_(None),
    )  # fmt: skip
    if after is not None:
        place = sa.tuple_(Correction.settled_at, Correction.id)
        query = query.where(place > sa.tuple_(*map(sa.literal, after)))
    rows = await session.scalars(query.order_by(Correction.settled_at, Correction.id).limit(limit))
    found = [Owed(each, cells_of(keyring, each)) for each in rows]
    if found:
        audit.record(session, "correction.fetched", f"carrier/{carrier}", {"corrections": len(found)})
    return found


async def acknowledge(session: AsyncSession, carrier: str, ids: Collection[uuid.UUID]) -> int:
    """Note that the carrier has these corrections; how many were new to it.

    Raises `NotFoundError`, and notes none, where one is not a correction that the carrier was given.
    """
    wanted = set(ids)
    mine = (
        Correction.carrier == carrier, Correction.id.in_(wanted), Correction.outcome == Outcome.AGREES
    )  # fmt: skip
    known = await session.scalar(sa.select(sa.func.count()).select_from(Correction).where(*mine))
    if known != len(wanted):
        raise NotFoundError("One of these corrections is not there. None was acknowledged.")
    noted = await session.execute(
        sa.update(Correction)
        .where(*mine, Correction.acknowledged_at.is_(None))
        .values(acknowledged_at=clock.now(), acknowledged_by=actor_of(session))
    )
    count: int = noted.rowcount  # type: ignore[attr-defined]
    if count:
        audit.record(session, "correction.acknowledged", f"carrier/{carrier}", {"corrections": count})
    return count


async def by_number(session: AsyncSession, keyring: Keyring, carrier: str) -> Mapping[bytes, Given]:
    """What holders said of the carrier's numbers and the carrier has not acknowledged, by the number's token.

    Of two about one number the later one counts. They hold what people said of themselves: the look is
    audited. Raises `SealError`.
    """
    query = sa.select(Correction).where(
        Correction.carrier == carrier, Correction.outcome == Outcome.AGREES,
        Correction.acknowledged_at.is_(None),
    )  # fmt: skip
    said: dict[bytes, Given] = {}
    for each in await session.scalars(query.order_by(Correction.settled_at, Correction.id)):
        given = cells_of(keyring, each)
        if given is not None:
            said[each.msisdn_token] = given
    if said:
        audit.record(session, "correction.fetched", f"carrier/{carrier}", {"corrections": len(said)})
    return said


async def beside(session: AsyncSession, keyring: Keyring, carrier: str) -> Corrections:
    """The same as they stand beside the rows of a feedback file."""
    given = await by_number(session, keyring, carrier)
    cells = {token: Said(each.id_number, each.full_name, each.date_of_birth) for token, each in given.items()}
    return Corrections(keyring, cells)


async def forget(session: AsyncSession, after: timedelta) -> int:
    """Drop what was said in corrections that were acknowledged, or did not agree, so long ago; of how
    many."""
    gone = await session.execute(FORGET, {"before": clock.now() - after})
    count: int = gone.rowcount  # type: ignore[attr-defined]
    if count:
        audit.record(session, "correction.forgotten", "correction", {"corrections": count})
    return count
