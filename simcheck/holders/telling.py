"""What is sent to holders who act for themselves: composed, and stored with what made it be sent."""

from __future__ import annotations

import re
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.crosscheck.models import Subscription
from simcheck.holders import records
from simcheck.messages import compose
from simcheck.messages.words import Channel, Kind, Language, Values
from simcheck.normalise.statuses import Status, status_of
from simcheck.sending import intents
from simcheck.sending.intents import Intent
from simcheck.service import Service

REPLY_IS_GOOD, ANSWER_IS_GOOD = timedelta(hours=1), timedelta(days=2)
# Words of carriers for a number that is locked both ways: it receives nothing.
_BOTH_WAYS = re.compile(r"\b(2|hai) chi[ềeê]u\b|two.?way|both ways|\b2c\b")
_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f]{1,190}")


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
    None where that is not known. Raises `SealError`.
    """
    found = await session.get(Subscription, (msisdn_token, carrier))
    cells = await records.declared(service, found) if found is not None else {}
    if can_receive(cells.get("status")):
        return To(Channel.SMS, f"+84{national}", carrier, None, msisdn_token)
    email = (cells.get("email") or "").strip()
    return To(Channel.EMAIL, email, carrier, None, msisdn_token) if _EMAIL.fullmatch(email) else None


def can_receive(status: str | None) -> bool:
    """Whether a carrier's word for a number's state lets it receive an SMS. Of a word that is not known: yes."""
    word = unicodedata.normalize("NFC", status or "").strip().lower()
    known = status_of(word)
    return known is Status.ACTIVE or (known is Status.LIMITED and not _BOTH_WAYS.search(word))


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
