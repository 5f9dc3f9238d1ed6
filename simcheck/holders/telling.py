"""What is sent to holders who act for themselves: composed, and stored with what made it be sent."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.crosscheck.models import Subscription
from simcheck.messages import compose
from simcheck.messages.words import Channel, Kind, Language, Values
from simcheck.notices import policy
from simcheck.notices.addresses import Place, reaches
from simcheck.sending import intents
from simcheck.sending.intents import Intent
from simcheck.service import Service

REPLY_IS_GOOD, ANSWER_IS_GOOD = timedelta(hours=1), timedelta(days=2)


@dataclass(frozen=True)
class To:
    """Where a message goes: an E.164 number or an email address; and what it is about."""

    channel: Channel
    address: str
    carrier: str | None = None
    case_id: uuid.UUID | None = None
    msisdn_token: bytes | None = None


async def reached(
    session: AsyncSession, service: Service, carrier: str, msisdn_token: bytes, national: int
) -> To | None:
    """How a number's holder is reached: by SMS, or by the record's email while the number cannot receive any;
    None where that is not known, and where the carrier declares the number no more.

    Never by another number of the record: whoever has that has not this one in hand.
    """
    place = await place_of(session, carrier, msisdn_token)
    return None if place is None else await asyncio.to_thread(way, service, place, national)


async def place_of(session: AsyncSession, carrier: str, msisdn_token: bytes) -> Place | None:
    """Where in the lake the record of a number is; None where the carrier declares it no more."""
    found = await session.get(Subscription, (msisdn_token, carrier), populate_existing=True)
    if found is None:
        return None
    return Place(carrier, msisdn_token, found.batch_id, found.bucket, found.row)


def way(service: Service, place: Place, national: int) -> To | None:
    """As `reached`, by the record at a place of the lake."""
    [reach] = reaches(service.store, service.keyring, policy.of(service.settings), [place])
    if reach.receives:
        return To(Channel.SMS, f"+84{national}", place.carrier, None, place.msisdn_token)
    return To(Channel.EMAIL, reach.email, place.carrier, None, place.msisdn_token) if reach.email else None


async def code(
    session: AsyncSession, service: Service, to: To, language: str, digits: str, challenge: uuid.UUID,
    until: datetime,
) -> None:  # fmt: skip
    """Send a one-time code; it is worth nothing after `until`, and is not sent then."""
    minutes = str(round((until - clock.now()).total_seconds() / 60))
    values = Values(extra={"digits": digits, "minutes": minutes})
    await _store(session, service, Kind.CODE, to, language, values, f"code/{challenge}", until)


async def reply(
    session: AsyncSession, service: Service, to: To, language: str, text: str, inbound: uuid.UUID,
    *, marks: bool,
) -> None:  # fmt: skip
    """Answer a message that came in; each is answered once."""
    until = clock.now() + REPLY_IS_GOOD
    values = Values(extra={"text": text})
    await _store(session, service, Kind.REPLY, to, language, values, f"reply/{inbound}", until, marks=marks)


async def word(session: AsyncSession, service: Service, to: To, language: str, text: str, key: str) -> None:
    """Tell a holder something that was decided; each `key` once."""
    until = clock.now() + ANSWER_IS_GOOD
    await _store(session, service, Kind.REPLY, to, language, Values(extra={"text": text}), key, until)


async def answer(
    session: AsyncSession, service: Service, to: To, language: str, question: str, text: str, message: int
) -> None:
    """Send the answer to a question; `message` is the id of the answer."""
    until = clock.now() + ANSWER_IS_GOOD
    values = Values(extra={"question": question, "text": text})
    await _store(session, service, Kind.ANSWER, to, language, values, f"answer/{message}", until)


async def _store(
    session: AsyncSession, service: Service, kind: Kind, to: To, language: str, values: Values, key: str,
    until: datetime, *, marks: bool = True,
) -> None:  # fmt: skip
    spoken, subject, html = Language(language), None, None
    if to.channel is Channel.SMS:
        sms = compose.sms(kind, None, spoken, marks, values)
        text, template = sms.text, sms.template
    else:
        email = compose.email(kind, None, spoken, values)
        text, template, subject, html = email.text, email.template, email.subject, email.html
    intent = Intent(
        key=key, kind=kind.value, channel=to.channel, carrier=to.carrier, case_id=to.case_id,
        msisdn_token=to.msisdn_token, address=to.address, subject=subject, text=text, html=html,
        template=template, language=spoken.value, due_at=clock.now(), expires_at=until, urgent=True,
    )  # fmt: skip
    await intents.store(session, service.keyring, [intent])
