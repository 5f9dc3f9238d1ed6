"""Every number under one person's ID, for whom an identity provider vouches."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.crosscheck.models import Subscription
from simcheck.errors import InvalidError, NotFoundError
from simcheck.holders import registered
from simcheck.holders.models import Confirmation
from simcheck.holders.registered import Registered
from simcheck.holders.sessions import Holder
from simcheck.privacy import Keyring
from simcheck.service import Service

MOST = 100


@dataclass(frozen=True)
class Own:
    """One number of the person. `handle` names it in this session's forms; in no other is it worth anything.
    `confirmed`: the person said of the record as it is now that it is right.
    """

    handle: str
    confirmed: bool
    record: Registered


@dataclass(frozen=True)
class Numbers:
    """The person's numbers, at most `MOST` of `total`."""

    numbers: list[Own]
    total: int


async def of(session: AsyncSession, service: Service, holder: Holder) -> Numbers:
    """Every subscription, at all carriers, whose record names the person. Each look is audited.

    Raises `SealError` where the lake lacks a record, `InvalidError` for a session of a number.
    """
    found = list(await session.scalars(_under(holder).limit(MOST)))
    total = await session.scalar(sa.select(sa.func.count()).select_from(_under(holder).subquery()))
    said = sa.select(Confirmation.carrier, Confirmation.msisdn_token, Confirmation.facts).where(
        Confirmation.msisdn_token.in_([each.msisdn_token for each in found])
    )
    confirmed = {tuple(row) for row in await session.execute(said)}
    numbers = [
        Own(
            _handle(service.keyring, holder, each),
            (each.carrier, each.msisdn_token, each.facts) in confirmed,
            await registered.of(session, service, each),
        )
        for each in found
    ]
    return Numbers(numbers, total or 0)


async def one(session: AsyncSession, service: Service, holder: Holder, handle: str) -> Subscription:
    """The subscription that a form of this session names. Raises `NotFoundError` for any other handle."""
    for each in await session.scalars(_under(holder).limit(MOST)):
        if hmac.compare_digest(_handle(service.keyring, holder, each).encode(), handle.encode()):
            return each
    raise NotFoundError("There is no such number among yours. Open the page again.")


def _under(holder: Holder) -> sa.Select[Subscription]:
    if holder.id_token is None:
        raise InvalidError("This session is of one number. Sign in to see all of yours.")
    query = sa.select(Subscription).where(Subscription.id_token == holder.id_token)
    return query.order_by(Subscription.carrier, Subscription.msisdn_token)


def _handle(keyring: Keyring, holder: Holder, subscription: Subscription) -> str:
    named = f"{holder.session_id} {subscription.carrier} {subscription.msisdn_token.hex()}"
    return keyring.token("own_number", named).hex()[:32]
