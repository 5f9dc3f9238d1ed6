"""What is known beside a case and its records: what happened to it, who was told, what the holder answered,
and what else names the same person, number or contract. Masked unless it is asked for.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.audit import search
from simcheck.cases import find
from simcheck.cases.find import Claim, Mate
from simcheck.cases.models import Case, CaseEvent
from simcheck.crosscheck.models import Subscription
from simcheck.helpdesk.models import Question
from simcheck.holders.models import Confirmation, Correction
from simcheck.review import changes, dossier, records
from simcheck.review.changes import Change
from simcheck.sending.models import Message
from simcheck.service import Service

MOST_OTHERS, MOST_MATES, MOST_MESSAGES = 20, 50, 50
_CASE: sa.BindParameter[Any] = sa.bindparam("case_id")
_CARRIER: sa.BindParameter[Any] = sa.bindparam("carrier")
_NUMBER: sa.BindParameter[Any] = sa.bindparam("number")
_EACH: dict[str, sa.Select[Any]] = {
    "corrections": sa.select(Correction).where(Correction.case_id == _CASE).order_by(Correction.made_at),
    "confirmations": sa.select(Confirmation)
    .where(Confirmation.msisdn_token == _NUMBER, Confirmation.carrier == _CARRIER)
    .order_by(Confirmation.at),
    "questions": sa.select(Question).where(Question.msisdn_token == _NUMBER).order_by(Question.opened_at),
    "earlier": sa.select(Case)
    .where(
        Case.carrier == _CARRIER, Case.msisdn_token == _NUMBER, Case.id != _CASE,
        Case.closed_at.is_(None) | Case.closed_at.is_not(None),  # an index each
    )
    .order_by(Case.opened_at.desc()),
}  # fmt: skip
# Which of these there are: most cases have none of them, and one question tells.
_THERE = sa.select(
    sa.exists().where(Message.case_id == _CASE).label("notices"),
    *(query.order_by(None).exists().label(name) for name, query in _EACH.items()),
)
# A page asks for what is known as soon as it shows the case: that is one look.
_ONE_LOOK = timedelta(minutes=1)


class Notice(NamedTuple):
    """A message about the case: by which way, and how far it is (`sending.models.State`)."""

    id: uuid.UUID
    kind: str
    channel: str
    language: str
    state: str
    made_at: datetime
    changed_at: datetime
    failure: str | None


class Other(NamedTuple):
    """Another subscription under the person's ID, and its open case (None: none). `number` is masked with the
    rest; empty where its record could not be read.
    """

    carrier: str
    number: str
    subscription: Subscription
    case_id: uuid.UUID | None


@dataclass(frozen=True)
class Known:
    """What belongs to a case, the first first; `notices` and `earlier` the newest first. `earlier` are the
    number's other cases at the carrier, `others` at most `MOST_OTHERS` of `others_total`.
    """

    history: Sequence[tuple[CaseEvent, Change]]
    notices: Sequence[Notice]
    corrections: Sequence[Correction]
    confirmations: Sequence[Confirmation]
    questions: Sequence[Question]
    others: Sequence[Other] = field(repr=False)
    others_total: int
    claims: Sequence[Claim]
    mates: Sequence[Mate]
    earlier: Sequence[Case]


async def of(session: AsyncSession, service: Service, case_id: uuid.UUID) -> tuple[Case, Known]:
    """The case and what is known of it, masked. The look is audited, unless it is part of one that was a
    moment ago. Raises `NotFoundError`.
    """
    case = (await find.by_id(session, case_id)).case
    if not await search.did(session, dossier.SEEN, f"case/{case_id}", clock.now() - _ONE_LOOK):
        dossier.seen(session, case)
    return case, await read(session, service, case, clear=False)


async def read(session: AsyncSession, service: Service, case: Case, *, clear: bool) -> Known:
    """What is known; in clear, or masked. Whoever calls it audits the look: `of`, `unmask.look`."""
    its = {"case_id": case.id, "carrier": case.carrier, "number": case.msisdn_token}
    there = (await session.execute(_THERE, its)).one()

    async def all_of(name: str) -> Sequence[Any]:
        return (await session.scalars(_EACH[name], its)).all() if getattr(there, name) else []

    others, total = await _others(session, service, case, clear=clear)
    return Known(
        history=await changes.history(session, case.id),
        notices=await _notices(session, case.id) if there.notices else [],
        corrections=await all_of("corrections"), confirmations=await all_of("confirmations"),
        questions=await all_of("questions"), others=others, others_total=total,
        claims=await find.other_claims(session, case),
        mates=await find.contract_mates(session, case, MOST_MATES), earlier=await all_of("earlier"),
    )  # fmt: skip


async def _notices(session: AsyncSession, case_id: uuid.UUID) -> list[Notice]:
    query = (
        sa.select(
            Message.id, Message.kind, Message.channel, Message.language, Message.state, Message.made_at,
            Message.changed_at, Message.failure,
        )
        .where(Message.case_id == case_id).order_by(Message.made_at.desc()).limit(MOST_MESSAGES)
    )  # fmt: skip
    return [Notice(*row) for row in await session.execute(query)]


async def _others(
    session: AsyncSession, service: Service, case: Case, *, clear: bool
) -> tuple[list[Other], int]:
    """The other subscriptions that name the person, those with an open case first; and how many there are."""
    if case.id_token is None:
        return [], 0
    theirs = (
        Subscription.id_token == case.id_token,
        sa.or_(Subscription.msisdn_token != case.msisdn_token, Subscription.carrier != case.carrier),
    )
    query = (
        sa.select(Subscription, Case.id)
        .outerjoin(Case, find.ITS_OPEN_CASE)
        .where(*theirs).order_by(Case.id.is_(None), Subscription.carrier, Subscription.msisdn_token)
        .limit(MOST_OTHERS)
    )  # fmt: skip
    rows = (await session.execute(query)).all()
    total = len(rows)
    if total == MOST_OTHERS:
        total = await session.scalar(sa.select(sa.func.count()).select_from(Subscription).where(*theirs)) or 0
    subscriptions = [each for each, _ in rows]
    numbers = await asyncio.to_thread(records.numbers, service, subscriptions, clear=clear)
    return [
        Other(each.carrier, number, each, case_id)
        for (each, case_id), number in zip(rows, numbers, strict=True)
    ], total
