"""Everything that happened to a case, in order; and the evidence in it, each look at which is audited."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit
from simcheck.cases.decide import Side, bound_to
from simcheck.cases.models import CaseEvent
from simcheck.privacy import Keyring


class Evidence(NamedTuple):
    """What somebody wrote or sent; `side` where two people claim the number."""

    at: datetime
    actor: str
    move: str
    side: Side | None
    content: bytes


async def events(session: AsyncSession, case_id: uuid.UUID) -> list[CaseEvent]:
    """The events of a case, the first one first."""
    query = sa.select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.id)
    return list(await session.scalars(query))


async def evidence(session: AsyncSession, keyring: Keyring, case_id: uuid.UUID) -> list[Evidence]:
    """What people wrote and sent to a case, in the order in which it came. A row of the audit chain says who
    looked. Raises `SealError` where it is not what was sealed.
    """
    found = [
        Evidence(
            event.at, event.actor, event.move, Side(event.detail["side"]) if "side" in event.detail else None,
            keyring.open(event.evidence, bound_to(case_id)),
        )
        for event in await events(session, case_id)
        if event.evidence is not None
    ]  # fmt: skip
    audit.record(session, "case.evidence_seen", f"case/{case_id}", {"pieces": len(found)})
    return found
