"""A holder's word that the record is right: evidence in its case, and kept for numbers without one.

It mends nothing: what does not agree with the register does not agree because somebody says so.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.cases.decide import Wanted, decide
from simcheck.cases.models import Answer, Case
from simcheck.cases.states import Who
from simcheck.crosscheck.models import Subscription
from simcheck.holders.models import Confirmation, Means
from simcheck.service import Service


async def confirm(session: AsyncSession, service: Service, subscription: Subscription, means: Means) -> bool:
    """Note that the holder confirms the record as it stands; False where that was said of it before.

    Raises as `cases.decide.decide`.
    """
    here = (
        Case.carrier == subscription.carrier, Case.msisdn_token == subscription.msisdn_token,
        Case.closed_at.is_(None),
    )  # fmt: skip
    case_id = await session.scalar(sa.select(Case.id).where(*here))
    row = {
        "id": sa.func.gen_random_uuid(), "carrier": subscription.carrier,
        "msisdn_token": subscription.msisdn_token, "case_id": case_id, "facts": subscription.facts,
        "means": means.value, "at": clock.now(),
    }  # fmt: skip
    noted = pg.insert(Confirmation).values(row).on_conflict_do_nothing().returning(Confirmation.id)
    confirmation = await session.scalar(noted)
    if confirmation is None:
        return False
    if case_id is not None:
        said = Wanted(
            "evidence", Who.HOLDER, "holder_confirms", note=b"The holder says that the record is right.",
            answer=Answer.CONFIRMED,
        )  # fmt: skip
        referral = timedelta(days=service.settings.referral_days)
        await decide(session, service.keyring, case_id, said, referral=referral)
    audit.record(
        session, "record.confirmed", f"confirmation/{confirmation}", {"means": means.value},
        stream=f"record/{subscription.carrier}",
    )  # fmt: skip
    return True
