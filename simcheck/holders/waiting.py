"""Corrections that wait for a silent register: checked again until it answers, or given to staff."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.cases.models import Case
from simcheck.crosscheck.models import Subscription
from simcheck.holders import correct
from simcheck.holders.correct import Check
from simcheck.holders.models import Correction, Outcome
from simcheck.register import keeping
from simcheck.service import Service


async def due(session: AsyncSession, most: int = 1000) -> Sequence[uuid.UUID]:
    """The corrections that wait, the oldest first."""
    query = sa.select(Correction.id).where(Correction.outcome == Outcome.WAITING)
    return (await session.scalars(query.order_by(Correction.made_at).limit(most))).all()


async def look_again(
    session: AsyncSession, service: Service, correction_id: uuid.UUID
) -> Check | None:  # fmt: skip
    """A correction to be checked again; None where that was done, or is for staff: they look after
    `correct.PATIENCE`, and where the carrier declares the number no more.

    Raises `UnavailableError`, `SealError`.
    """
    correction = await session.get(Correction, correction_id, with_for_update=True)
    if correction is None or correction.outcome != Outcome.WAITING:
        return None
    subscription = await session.get(Subscription, (correction.msisdn_token, correction.carrier))
    given = correct.cells_of(service.keyring, correction)
    too_long = clock.now() - correction.made_at > correct.PATIENCE
    if subscription is not None and given is not None and not too_long:
        register = await keeping.counting(session, service)
        return Check(correction.id, subscription, given, register)
    case = await session.get_one(Case, correction.case_id)
    await correct.settle(session, service, correction, case, None)
    return None
