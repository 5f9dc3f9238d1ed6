"""Finding cases: by page, code or phone number, and what belongs together with one."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.cases import codes
from simcheck.cases.models import Acts, Case
from simcheck.cases.states import State
from simcheck.crosscheck.models import Subscription
from simcheck.errors import NotFoundError
from simcheck.privacy import Keyring


class Place(NamedTuple):
    """Where the declared record of a subscription is: batch, bucket in the lake, row in the file."""

    batch_id: uuid.UUID
    bucket: int
    row: int


class Found(NamedTuple):
    """A case, and where its declared record is (None: the carrier declares it no more)."""

    case: Case
    place: Place | None


class Mate(NamedTuple):
    """A subscription under the same contract, and its open case if it has one."""

    msisdn_token: bytes
    place: Place
    case_id: uuid.UUID | None


class Claim(NamedTuple):
    """A carrier that declares the number too, and its open case if there is one."""

    carrier: str
    id_token: bytes | None
    place: Place
    case_id: uuid.UUID | None


_PLACE = (Subscription.batch_id, Subscription.bucket, Subscription.row)
ITS_SUBSCRIPTION = (Subscription.carrier == Case.carrier) & (Subscription.msisdn_token == Case.msisdn_token)
_FOUND = sa.select(Case, *_PLACE).outerjoin(Subscription, ITS_SUBSCRIPTION)
ITS_OPEN_CASE = ITS_SUBSCRIPTION & Case.closed_at.is_(None)


async def page(
    session: AsyncSession, carrier: str, *, state: State | None = None, acts: Acts | None = None,
    is_open: bool | None = True, after: tuple[datetime, uuid.UUID] | None = None, limit: int = 100,
) -> list[Found]:  # fmt: skip
    """A carrier's cases, the oldest first: those after the place (opened_at, id), at most `limit`."""
    query = _FOUND.where(Case.carrier == carrier)
    if state is not None:
        query = query.where(Case.state == state)
    if acts is not None:
        query = query.where(Case.acts == acts)
    if is_open is not None:
        query = query.where(Case.closed_at.is_(None) if is_open else Case.closed_at.is_not(None))
    if after is not None:
        query = query.where(sa.tuple_(Case.opened_at, Case.id) > sa.tuple_(*map(sa.literal, after)))
    return await _found(session, query.order_by(Case.opened_at, Case.id).limit(limit))


async def by_id(session: AsyncSession, case_id: uuid.UUID) -> Found:
    """A case. Raises `NotFoundError`, also for another carrier's."""
    found = await _found(session, _FOUND.where(Case.id == case_id))
    if not found:
        raise NotFoundError("There is no such case.")
    return found[0]


async def by_code(session: AsyncSession, typed: str) -> Found | None:
    """The case of a code as somebody typed it; None where there is none."""
    code = codes.read(typed)
    found = await _found(session, _FOUND.where(Case.code == code)) if code else []
    return found[0] if found else None


async def of_number(session: AsyncSession, keyring: Keyring, national: int) -> list[Found]:
    """The cases of a phone number (its national significant number), the newest first."""
    token = keyring.token("msisdn", national)
    either = Case.closed_at.is_(None) | Case.closed_at.is_not(None)  # an index each
    query = _FOUND.where(Case.msisdn_token == token, either).order_by(Case.opened_at.desc())
    return await _found(session, query)


async def contract_mates(session: AsyncSession, case: Case, limit: int = 1000) -> list[Mate]:
    """Every subscription under the case's contract at its carrier, its own among them: all of them are told
    together (Decree 174/2026 Art. 34). Without a contract, its own alone. At most `limit`, those with an
    open case first.
    """
    query = (
        sa.select(Subscription.msisdn_token, *_PLACE, Case.id)
        .outerjoin(Case, ITS_OPEN_CASE)
        .where(Subscription.carrier == case.carrier)
        .order_by(Case.id.is_(None), Subscription.msisdn_token)
        .limit(limit)
    )
    if case.contract_token is None:
        query = query.where(Subscription.msisdn_token == case.msisdn_token)
    else:
        query = query.where(Subscription.contract_token == case.contract_token)
    rows = (await session.execute(query)).all()
    return [Mate(token, Place(batch, bucket, row), case) for token, batch, bucket, row, case in rows]


async def other_claims(session: AsyncSession, case: Case) -> list[Claim]:
    """The other carriers that declare the case's number; only the ministry's scope sees them."""
    query = (
        sa.select(Subscription.carrier, Subscription.id_token, *_PLACE, Case.id)
        .outerjoin(Case, ITS_OPEN_CASE)
        .where(Subscription.msisdn_token == case.msisdn_token, Subscription.carrier != case.carrier)
        .order_by(Subscription.carrier)
    )
    rows = (await session.execute(query)).all()
    return [
        Claim(carrier, person, Place(batch, bucket, row), its)
        for carrier, person, batch, bucket, row, its in rows
    ]


async def _found(session: AsyncSession, query: sa.Select[Case, uuid.UUID, int, int]) -> list[Found]:
    rows = (await session.execute(query)).all()
    return [Found(case, Place(batch, bucket, row) if batch else None) for case, batch, bucket, row in rows]
