"""Who looked at a person's data, and who did something with it: out of the audit chain, in plain words.

Staff and carriers' people are told by what they are, not by their names; systems by whose they are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.access.models import Account, Client
from simcheck.audit.models import Entry
from simcheck.audit.search import LOOKS
from simcheck.care.subject import Subject, names_in_the_chain
from simcheck.gate.models import OtpQuestion

MOST = 1_000
# Questions before one-time codes are found by their day alone, so not further back.
ASKED_SINCE = timedelta(days=90)


class Look(NamedTuple):
    """One act: when, by whom (`who` a word of `who.*`, `whose` a carrier's or service's name or ""), what (a
    word of `act.*`), for which purpose (a word of review's `purpose`, or ""), and whether it was only a look.
    """

    at: datetime
    who: str
    whose: str
    act: str
    purpose: str
    look: bool


async def of(session: AsyncSession, subject: Subject) -> list[Look]:
    """Everything that was done with their data, the newest first, at most `MOST`. The session needs the
    ministry's scope.
    """
    names = await names_in_the_chain(session, subject)
    wanted = sa.select(Entry).where(Entry.subject.in_(names)).order_by(Entry.at.desc()).limit(MOST)
    entries = [each for each in await session.scalars(wanted) if each.at >= names[each.subject]]
    asked = sa.select(OtpQuestion).where(
        OtpQuestion.at > clock.now() - ASKED_SINCE, OtpQuestion.msisdn_token.in_(subject.tokens)
    )
    questions = [
        each
        for each in await session.scalars(asked.order_by(OtpQuestion.id.desc()).limit(MOST))
        if each.at >= names[f"msisdn/{each.msisdn_token.hex()}"]
    ]
    actors = {each.actor for each in entries} | {f"client:{each.client}" for each in questions}
    whose = await _whose(session, actors)
    looks = [
        Look(
            each.at, _who(each.actor, whose), whose.get(each.actor, ""), each.act,
            str(each.detail.get("purpose", "")), each.act in LOOKS,
        )
        for each in entries
    ]  # fmt: skip
    looks += [
        Look(each.at, "system", whose.get(f"client:{each.client}", ""), "otp.asked", "", True)
        for each in questions
    ]
    return sorted(looks, key=lambda each: each.at, reverse=True)[:MOST]


def _who(actor: str, whose: dict[str, str]) -> str:
    kind = actor.partition(":")[0]
    if kind == "person":
        return "carrier" if whose.get(actor) else "staff"
    return {"client": "system", "holder": "holder", "public": "holder"}.get(kind, "service")


async def _whose(session: AsyncSession, actors: Collection[str]) -> dict[str, str]:
    """The carrier that a person works for; the carrier or the name that a system has; by actor."""

    def named(kind: str) -> Sequence[str]:
        return [each.partition(":")[2] for each in actors if each.startswith(f"{kind}:")]

    people = sa.select(Account.username, Account.carrier).where(Account.username.in_(named("person")))
    clients = sa.select(Client.id, sa.func.coalesce(Client.carrier, Client.name)).where(
        Client.id.in_(named("client"))
    )
    found = {f"person:{name}": carrier or "" for name, carrier in await session.execute(people)}
    return found | {f"client:{name}": told for name, told in await session.execute(clients)}
