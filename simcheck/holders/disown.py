"""Not mine: whoever the record names, or has the number in hand, says that the record is not theirs."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.cases.decide import Wanted
from simcheck.cases.decide import begin as begin_case
from simcheck.cases.models import Answer, Case
from simcheck.cases.states import State, Who
from simcheck.crosscheck.models import Subscription
from simcheck.holders.models import Means
from simcheck.service import Service


async def disown(session: AsyncSession, service: Service, subscription: Subscription, means: Means) -> Case:
    """Say that the record is not theirs; a case begins where none is open. Saying it again changes nothing.

    In a dispute it becomes evidence of the other side, for staff to hear. Raises as `cases.decide.begin`.
    """
    here = (
        Case.carrier == subscription.carrier, Case.msisdn_token == subscription.msisdn_token,
        Case.closed_at.is_(None),
    )  # fmt: skip
    known: Case | None = await session.scalar(sa.select(Case).where(*here))
    if known is not None and known.state == State.DISOWNED:
        return known
    reason = f"by_{means.value}"
    wanted = Wanted("disowned", Who.HOLDER, reason, answer=Answer.DISOWNED)
    if known is not None and known.state == State.DISPUTED:
        note = b"The holder says: not mine."
        wanted = Wanted("evidence", Who.HOLDER, reason, note=note, answer=Answer.DISOWNED)
    referral = timedelta(days=service.settings.referral_days)
    return await begin_case(
        session, service.keyring, subscription.carrier, subscription.msisdn_token, wanted, referral=referral
    )  # fmt: skip
