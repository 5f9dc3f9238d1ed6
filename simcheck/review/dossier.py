"""Everything that a case's page shows, in one value. What is of persons is masked unless it is asked for."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit
from simcheck.cases import find
from simcheck.cases.find import Claim, Mate
from simcheck.cases.models import Case, CaseEvent
from simcheck.crosscheck.models import Subscription
from simcheck.helpdesk.models import Question
from simcheck.holders.models import Confirmation, Correction
from simcheck.notices.models import NoticeTrack
from simcheck.reasons import Reason
from simcheck.review import changes, decide, records
from simcheck.review.changes import Change
from simcheck.review.models import DeskDecision
from simcheck.review.records import Wanted
from simcheck.review.words import Text, group
from simcheck.sending.models import Message
from simcheck.service import Service

MOST_OTHERS, MOST_MATES, MOST_MESSAGES = 20, 50, 50


class Explained(NamedTuple):
    """A reason, and what it means, in each language."""

    reason: Reason
    text: Text


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
class Dossier:
    """A case and what belongs to it. `wanted` is for `records.read`, when the transaction is over; it is
    None, and so is `subscription`, when the carrier declares the number no more. `earlier` are the number's
    other cases at the carrier, `others` at most `MOST_OTHERS` of `others_total`.
    """

    case: Case
    subscription: Subscription | None
    wanted: Wanted | None = field(repr=False)
    is_masked: bool
    reasons: Sequence[Explained]
    history: Sequence[tuple[CaseEvent, Change]]
    pending: DeskDecision | None
    earlier: Sequence[Case]
    track: NoticeTrack | None
    notices: Sequence[Notice]
    corrections: Sequence[Correction]
    confirmations: Sequence[Confirmation]
    questions: Sequence[Question]
    others: Sequence[Other] = field(repr=False)
    others_total: int
    claims: Sequence[Claim]
    mates: Sequence[Mate]


async def of(session: AsyncSession, service: Service, case_id: uuid.UUID) -> Dossier:
    """The case, masked. The look is audited. Raises `NotFoundError`."""
    found = await read(session, service, case_id, clear=False)
    audit.record(session, "case.seen", f"case/{case_id}", stream=f"case/{found.case.carrier}")
    return found


async def read(session: AsyncSession, service: Service, case_id: uuid.UUID, *, clear: bool) -> Dossier:
    """The case; in clear, or masked. Whoever calls it audits the look: `of`, `unmask.look`."""
    case = (await find.by_id(session, case_id)).case
    subscription = await session.get(Subscription, (case.msisdn_token, case.carrier))
    both = None
    if subscription is not None:
        both = await records.wanted(session, service, subscription, clear=clear)
    others, total = await _others(session, service, case, clear=clear)
    mine = (Case.carrier == case.carrier) & (Case.msisdn_token == case.msisdn_token)
    either = Case.closed_at.is_(None) | Case.closed_at.is_not(None)  # an index each
    earlier = sa.select(Case).where(mine, either, Case.id != case.id).order_by(Case.opened_at.desc())
    of_number = Question.msisdn_token == case.msisdn_token
    return Dossier(
        case=case, subscription=subscription, wanted=both, is_masked=not clear,
        reasons=explained(case.reasons),
        history=await changes.history(session, case.id), pending=await decide.pending(session, case.id),
        earlier=(await session.scalars(earlier)).all(), track=await session.get(NoticeTrack, case.id),
        notices=await _notices(session, case.id),
        corrections=(await session.scalars(
            sa.select(Correction).where(Correction.case_id == case.id).order_by(Correction.made_at))).all(),
        confirmations=(await session.scalars(
            sa.select(Confirmation).where(
                Confirmation.msisdn_token == case.msisdn_token, Confirmation.carrier == case.carrier
            ).order_by(Confirmation.at))).all(),
        questions=(await session.scalars(
            sa.select(Question).where(of_number).order_by(Question.opened_at))).all(),
        others=others, others_total=total, claims=await find.other_claims(session, case),
        mates=await find.contract_mates(session, case, MOST_MATES),
    )  # fmt: skip


def explained(mask: int) -> list[Explained]:
    """Each reason of a mask with what it means."""
    texts = group("reason")
    return [Explained(reason, texts[reason.name]) for reason in Reason if mask & reason.mask]


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
        .outerjoin(
            Case,
            (Case.carrier == Subscription.carrier) & (Case.msisdn_token == Subscription.msisdn_token)
            & Case.closed_at.is_(None),
        )
        .where(*theirs).order_by(Case.id.is_(None), Subscription.carrier, Subscription.msisdn_token)
        .limit(MOST_OTHERS)
    )  # fmt: skip
    rows = (await session.execute(query)).all()
    total = await session.scalar(sa.select(sa.func.count()).select_from(Subscription).where(*theirs)) or 0
    subscriptions = [each for each, _ in rows]
    numbers = await asyncio.to_thread(records.numbers, service, subscriptions, clear=clear)
    return [
        Other(each.carrier, number, each, case_id)
        for (each, case_id), number in zip(rows, numbers, strict=True)
    ], total
