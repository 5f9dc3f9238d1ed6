"""Whom a request is about: the subscriptions and cases that are theirs, and what finds them in the chain.

Of a person it is everything whose record names them. Of a number in hand it is that number at its carrier,
and its newest case if that is about the person whom the record names. A number may have been another
person's before: of each, all is left out that was before the record named this one.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.care.models import PersonRequest
from simcheck.cases.models import Case
from simcheck.crosscheck.models import Subscription
from simcheck.enforcement.stops.models import Appeal, BarKind, OrderBar
from simcheck.helpdesk.models import Question
from simcheck.holders.models import Confirmation, Correction
from simcheck.holders.registered import newest_case
from simcheck.review.models import DoubleReview

MOST = 100  # subscriptions of one person


@dataclass(frozen=True)
class Subject:
    """The subscriptions and cases of whoever asks. `person`: who asks is a person, not a number in hand.

    A case is of one of the subscriptions. `requests` are theirs about their data, with when they were made.
    """

    person: bool
    subscriptions: Sequence[Subscription] = field(repr=False)
    cases: Sequence[Case] = field(repr=False)
    requests: Mapping[uuid.UUID, datetime] = field(default_factory=dict)

    @property
    def tokens(self) -> list[bytes]:
        """The numbers."""
        return sorted({each.msisdn_token for each in self.subscriptions})

    @cached_property
    def since(self) -> Mapping[tuple[str, bytes], datetime]:
        """From when on a subscription (its carrier and number) is theirs."""
        return {(each.carrier, each.msisdn_token): each.named_since for each in self.subscriptions}

    @cached_property
    def cases_since(self) -> Mapping[uuid.UUID, datetime]:
        """From when on a case is theirs."""
        return {each.id: self.since[each.carrier, each.msisdn_token] for each in self.cases}

    @property
    def case_ids(self) -> list[uuid.UUID]:
        """The cases."""
        return [each.id for each in self.cases]


async def of(session: AsyncSession, request: PersonRequest) -> Subject:
    """Whom a request is about, as things stand now. The session needs the ministry's scope."""
    mine = theirs(request.id_token, request.carrier, request.msisdn_token)
    made = sa.select(PersonRequest.id, PersonRequest.made_at).where(mine)
    asked = {row.id: row.made_at for row in await session.execute(made)}
    if request.id_token is not None:
        return await _of_person(session, request.id_token, asked)
    assert request.msisdn_token is not None
    query = sa.select(Subscription).where(Subscription.msisdn_token == request.msisdn_token)
    if request.carrier is not None:
        query = query.where(Subscription.carrier == request.carrier)
    found = list(await session.scalars(query.order_by(Subscription.carrier)))
    newest = [(each, await newest_case(session, each.carrier, each.msisdn_token)) for each in found]
    own = [case for each, case in newest if case is not None and case.id_token == each.id_token]
    return Subject(False, found, own, asked)


def theirs(
    id_token: bytes | None, carrier: str | None, msisdn_token: bytes | None
) -> sa.ColumnElement[bool]:  # fmt: skip
    """The requests of a person; else of a number at its carrier (None: at all of them), since its record
    names whom it names now. A request of a number that several carriers declare is about each of its records.
    """
    if id_token is not None:
        return PersonRequest.id_token == id_token
    named = sa.exists().where(
        Subscription.msisdn_token == msisdn_token, Subscription.named_since <= PersonRequest.made_at,
        sa.or_(PersonRequest.carrier.is_(None), PersonRequest.carrier == Subscription.carrier),
        *([] if carrier is None else [Subscription.carrier == carrier]),
    )  # fmt: skip
    return sa.and_(PersonRequest.msisdn_token == msisdn_token, named)


async def _of_person(
    session: AsyncSession, id_token: bytes, asked: Mapping[uuid.UUID, datetime]
) -> Subject:  # fmt: skip
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
    return Subject(True, found, list(await session.scalars(named)) if found else [], asked)


async def names_in_the_chain(session: AsyncSession, subject: Subject) -> Mapping[str, datetime]:
    """What audit rows about them are found by, and from when on they are theirs."""
    by_case = subject.cases_since
    found: dict[str, datetime] = {}
    for (_, token), since in subject.since.items():  # two carriers' rows of a number have one name
        name = f"msisdn/{token.hex()}"
        found[name] = max(since, found.get(name, since))
    found |= {f"case/{case}": since for case, since in by_case.items()}
    cases = subject.case_ids
    for thing, query in (
        ("correction", sa.select(Correction.id, Correction.case_id).where(Correction.case_id.in_(cases))),
        ("confirmation",
         sa.select(Confirmation.id, Confirmation.case_id).where(Confirmation.case_id.in_(cases))),
        ("double", sa.select(DoubleReview.id, DoubleReview.case_id).where(DoubleReview.case_id.in_(cases))),
        ("question",
         sa.select(Question.id, Question.case_id).where(Question.case_id.in_(cases), Question.proved)),
    ):  # fmt: skip
        rows = (await session.execute(query)).all()
        found |= {f"{thing}/{each}": by_case[case] for each, case in rows if case is not None}
    found |= await _stops(session, subject)
    return found | {f"request/{each}": at for each, at in subject.requests.items()}


async def _stops(session: AsyncSession, subject: Subject) -> dict[str, datetime]:
    """Appeals about their subscriptions, and protected lines. Legal holds are nobody's to know."""
    query = sa.select(Appeal.id, Appeal.carrier, Appeal.msisdn_token)
    made = await session.execute(query.where(Appeal.msisdn_token.in_(subject.tokens)))
    since = subject.since
    found = {
        f"appeal/{row.id}": since[row.carrier, row.msisdn_token]
        for row in made
        if (row.carrier, row.msisdn_token) in since
    }
    bars = sa.select(OrderBar.id, OrderBar.msisdn_token).where(
        OrderBar.msisdn_token.in_(subject.tokens), OrderBar.kind != BarKind.LEGAL_HOLD
    )
    for row in await session.execute(bars):
        found[f"bar/{row.id}"] = max(at for (_, token), at in since.items() if token == row.msisdn_token)
    return found
