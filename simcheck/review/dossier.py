"""A case as its page first shows it: what it is about, and both records. What is of persons is masked unless
it is asked for.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit
from simcheck.cases.find import ITS_SUBSCRIPTION
from simcheck.cases.models import Case
from simcheck.crosscheck.models import Subscription
from simcheck.errors import NotFoundError
from simcheck.reasons import Reason
from simcheck.register.models import RegisterSnapshot, SnapshotState
from simcheck.review import records
from simcheck.review.records import Wanted
from simcheck.review.words import Text, group
from simcheck.service import Service

SEEN = "case.seen"
# All of it at once; put together once.
_READ = (
    sa.select(Case, Subscription, RegisterSnapshot)
    .outerjoin(Subscription, ITS_SUBSCRIPTION)
    .outerjoin(RegisterSnapshot, RegisterSnapshot.state == SnapshotState.CURRENT)
    .where(Case.id == sa.bindparam("case_id"))
)


class Explained(NamedTuple):
    """A reason, and what it means, in each language."""

    reason: Reason
    text: Text


@dataclass(frozen=True)
class Dossier:
    """A case and what it is about. `wanted` is for `records.read`, when the transaction is over; it is None,
    and so is `subscription`, when the carrier declares the number no more.
    """

    case: Case
    subscription: Subscription | None
    wanted: Wanted | None = field(repr=False)
    is_masked: bool
    reasons: Sequence[Explained]


async def of(session: AsyncSession, service: Service, case_id: uuid.UUID) -> Dossier:
    """The case, masked. The look is audited. Raises `NotFoundError`."""
    found = await read(session, service, case_id, clear=False)
    seen(session, found.case)
    return found


def seen(session: AsyncSession, case: Case) -> None:
    """Note in the audit chain that somebody looks at the case, masked."""
    audit.record(session, SEEN, f"case/{case.id}", stream=f"case/{case.carrier}")


async def read(session: AsyncSession, service: Service, case_id: uuid.UUID, *, clear: bool) -> Dossier:
    """The case; in clear, or masked. Whoever calls it audits the look: `of`, `unmask.look`."""
    found = (await session.execute(_READ, {"case_id": case_id})).one_or_none()
    if found is None:
        raise NotFoundError("There is no such case.")
    case, subscription, register = found
    both = None
    if subscription is not None:
        both = records.wanted(service, subscription, register, clear=clear)
    return Dossier(case, subscription, both, not clear, explained(case.reasons))


def explained(mask: int) -> list[Explained]:
    """Each reason of a mask with what it means."""
    texts = group("reason")
    return [Explained(reason, texts[reason.name]) for reason in Reason if mask & reason.mask]
