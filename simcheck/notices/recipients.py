"""Whom a notice goes to: the number itself while it can receive, else the contact number, else email; and
every other number of the same contract.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.cases.models import Acts
from simcheck.messages.words import Channel, Group, Kind
from simcheck.normalise.phones import COUNTRY_CODE
from simcheck.normalise.statuses import Status
from simcheck.notices.addresses import Place, Reach
from simcheck.notices.policy import Policy

# Of each contract one case speaks, the oldest. A number that has a case of its own hears of that.
MATES = sa.text("""
WITH speaking AS (
    SELECT DISTINCT ON (carrier, contract_token) id, carrier, contract_token, msisdn_token
    FROM "case"
    WHERE id = ANY(:cases) AND contract_token IS NOT NULL
    ORDER BY carrier, contract_token, opened_at, id
)
SELECT speaking.id, mate.carrier, mate.msisdn_token, mate.status, mate.batch_id, mate.bucket, mate.row
FROM speaking CROSS JOIN LATERAL (
    SELECT subscription.* FROM subscription
    WHERE subscription.carrier = speaking.carrier AND subscription.contract_token = speaking.contract_token
      AND subscription.msisdn_token <> speaking.msisdn_token
      AND NOT EXISTS (
          SELECT FROM "case" AS own
          WHERE own.msisdn_token = subscription.msisdn_token AND own.carrier = subscription.carrier
            AND own.closed_at IS NULL AND own.acts = :holder
      )
    ORDER BY subscription.msisdn_token LIMIT :most
) AS mate
""").bindparams(sa.bindparam("cases", type_=pg.ARRAY(sa.Uuid())))


class Route(StrEnum):
    """A way to somebody, in the order in which they are tried."""

    OWN = "own"
    CONTACT = "contact"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Told:
    """Something that somebody is told: `key` names the occasion, without the way that it takes.

    `place` is the record of whoever is told, `status` its subscription's state in the ledger. A mate is told
    of another number of the contract. Of a SIM in another handset there is no case.
    """

    key: str
    case_id: uuid.UUID | None
    code: str
    kind: Kind
    group: Group | None
    deadline: date | None
    place: Place
    status: str | None
    mate: bool = False

    def for_mate(self, place: Place, status: str | None, key: str) -> Told:
        """The same, told to another number of the contract."""
        return replace(self, place=place, status=status, key=key, mate=True)


@dataclass(frozen=True, slots=True)
class Way:
    """A route with the address at its end: `+84…`, or an email address."""

    route: Route
    channel: Channel
    address: str
    number: int  # national, 0 for an email address


def way(told: Told, reach: Reach, after: Route | None = None) -> Way | None:
    """The first way there is, or the first after one that failed; None: there is none."""
    over = told.status == Status.OVER.name.lower()
    ways = [
        Way(route, Channel.SMS, f"+{COUNTRY_CODE}{number}", number)
        for route, number in (
            (Route.OWN, reach.number if reach.receives and not over else 0), (Route.CONTACT, reach.contact),
        )
        if number
    ]  # fmt: skip
    if reach.email is not None:
        ways.append(Way(Route.EMAIL, Channel.EMAIL, reach.email, 0))
    tried = list(Route).index(after) if after is not None else -1
    return next((each for each in ways if list(Route).index(each.route) > tried), None)


async def mates(
    session: AsyncSession, policy: Policy, told: Sequence[Told], day: date
) -> list[tuple[Told, Told]]:
    """Who else of the same contracts is told today, each with the notice that they hear of.

    A number is told once a day, however many cases its contract has.
    """
    spoken = {each.case_id: each for each in told if each.case_id and each.kind in policy.mates}
    if not spoken:
        return []
    words = {"cases": list(spoken), "holder": Acts.HOLDER.value, "most": policy.most_mates}
    return [
        (spoken[case_id], spoken[case_id].for_mate(Place(carrier, token, *place), status, key))
        for case_id, carrier, token, status, *place in await session.execute(MATES, words)
        for key in [f"mate/{carrier}/{token.hex()}/{day:%Y%m%d}"]
    ]
