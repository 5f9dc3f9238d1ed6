"""Whom a request is about: the subscriptions and cases that are theirs, and what finds them in the chain.

Of a person it is everything whose record names them. Of a number in hand it is that number at its carrier and
its newest case alone: it may have been another person's before.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.care.models import PersonRequest
from simcheck.cases.models import Case
from simcheck.crosscheck.models import Subscription
from simcheck.helpdesk.models import Question
from simcheck.holders.models import Confirmation, Correction
from simcheck.holders.registered import newest_case
from simcheck.review.models import DoubleReview

MOST = 100  # subscriptions of one person


@dataclass(frozen=True)
class Subject:
    """The subscriptions and cases of whoever asks. `person`: who asks is a person, not a number in hand."""

    person: bool
    subscriptions: Sequence[Subscription] = field(repr=False)
    cases: Sequence[Case] = field(repr=False)

    @property
    def tokens(self) -> list[bytes]:
        """The numbers."""
        numbers = {each.msisdn_token for each in self.subscriptions}
        return sorted(numbers | {each.msisdn_token for each in self.cases})

    @property
    def case_ids(self) -> list[uuid.UUID]:
        """The cases."""
        return [each.id for each in self.cases]


async def of(session: AsyncSession, request: PersonRequest) -> Subject:
    """Whom a request is about, as things stand now. The session needs the ministry's scope."""
    if request.id_token is not None:
        return await of_person(session, request.id_token)
    assert request.msisdn_token is not None
    query = sa.select(Subscription).where(Subscription.msisdn_token == request.msisdn_token)
    if request.carrier is not None:
        query = query.where(Subscription.carrier == request.carrier)
    found = list(await session.scalars(query.order_by(Subscription.carrier)))
    codes = [request.carrier] if request.carrier else [each.carrier for each in found]
    cases = [await newest_case(session, code, request.msisdn_token) for code in codes]
    return Subject(False, found, [each for each in cases if each is not None])


async def of_person(session: AsyncSession, id_token: bytes) -> Subject:
    """Everything whose record names a person. Cases of numbers that they had before are found while the
    number is still under their name.
    """
    query = sa.select(Subscription).where(Subscription.id_token == id_token)
    ordered = query.order_by(Subscription.carrier, Subscription.msisdn_token).limit(MOST)
    found = list(await session.scalars(ordered))
    numbers = sa.tuple_(Case.carrier, Case.msisdn_token).in_(
        [(each.carrier, each.msisdn_token) for each in found]
    )
    named = sa.select(Case).where(numbers, Case.id_token == id_token).order_by(Case.opened_at)
    return Subject(True, found, list(await session.scalars(named)) if found else [])


async def names_in_the_chain(session: AsyncSession, subject: Subject) -> list[str]:
    """What audit rows about them are found by."""
    cases = subject.case_ids
    own = [f"msisdn/{each.hex()}" for each in subject.tokens] + [f"case/{each}" for each in cases]
    for thing, query in (
        ("correction", sa.select(Correction.id).where(Correction.case_id.in_(cases))),
        ("confirmation", sa.select(Confirmation.id).where(Confirmation.case_id.in_(cases))),
        ("double", sa.select(DoubleReview.id).where(DoubleReview.case_id.in_(cases))),
    ):
        own += [f"{thing}/{each}" for each in await session.scalars(query)]
    asked = sa.select(Question.id).where(Question.case_id.in_(cases), Question.proved)
    return own + [f"question/{each}" for each in await session.scalars(asked)]
