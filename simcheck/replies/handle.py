"""A text message of a holder: done for the number that it came from, and answered.

The network vouches for the sending number, so it needs no other proof; what is shown is masked all the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.access import limits
from simcheck.access.limits import Limit
from simcheck.cases.models import Acts
from simcheck.cases.states import ACTS
from simcheck.clock import LOCAL
from simcheck.crosscheck.models import Subscription
from simcheck.db.direct import Within
from simcheck.errors import InvalidError, TooManyError
from simcheck.gate.guesses import Bucket, Purse
from simcheck.gate.match import TRUE, Record
from simcheck.helpdesk import questions
from simcheck.helpdesk.models import Back
from simcheck.helpdesk.questions import Asking
from simcheck.holders import confirm, disown, records, registered, telling
from simcheck.holders.models import Means
from simcheck.holders.registered import Registered
from simcheck.holders.telling import To
from simcheck.messages import templates
from simcheck.messages.words import Channel, Language
from simcheck.normalise import citizen_ids, dates, phones
from simcheck.notices.plan import group_told
from simcheck.privacy import mask_msisdn
from simcheck.replies import commands
from simcheck.replies.commands import Asked, Command
from simcheck.replies.texts import say
from simcheck.sending import inbound
from simcheck.sending.models import Inbound, InboundState
from simcheck.service import Service

HELP = Limit("reply-help", 1 / 3_600, 1)
TOO_LATE = timedelta(days=1)  # after which nobody waits for the answer any more
_MOST = 5  # carriers that declare one number
NEW = sa.text("""
SELECT received_at, id FROM inbound WHERE state = 'new' AND (received_at, id) > (:at, :id)
ORDER BY received_at, id LIMIT :most
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)), sa.bindparam("id", type_=sa.Uuid()))


@dataclass(frozen=True)
class _Sender:
    """Whose message it is, and what is known of the number."""

    session: AsyncSession
    service: Service
    inbound: uuid.UUID
    national: int
    token: bytes
    subscriptions: Sequence[Subscription]
    language: Language

    @property
    def masked(self) -> str:
        return mask_msisdn(f"+84{self.national}")

    def say(self, text: str, /, **values: str) -> str:
        return say(self.language, text, **values)


class Waiting(NamedTuple):
    """A message that nobody has looked at."""

    received_at: datetime
    id: uuid.UUID


FIRST = Waiting(datetime.min.replace(tzinfo=UTC), uuid.UUID(int=0))  # before all of them


async def waiting(session: AsyncSession, after: Waiting = FIRST, most: int = 100) -> list[Waiting]:
    """Messages that nobody has looked at, the oldest first: those after this one. Needs the ministry's
    scope."""
    rows = await session.execute(NEW, {"at": after.received_at, "id": after.id, "most": most})
    return [Waiting(*row) for row in rows]


async def answer(session: AsyncSession, service: Service, inbound_id: uuid.UUID) -> Command | None:
    """Do what a message asks, and store the answer; None where it was done, or is ignored.

    Ignored are senders that are no mobile number (nobody reads there), what is a day old, and numbers above
    their limit. The transaction needs the ministry's scope. Raises `SealError`.
    """
    row = await session.get(Inbound, inbound_id, with_for_update={"skip_locked": True})
    if row is None or row.state != InboundState.NEW:
        return None
    row.state = InboundState.DONE
    sender = inbound.sender_of(service.keyring, row.id, row.sender)
    national = int(phones.normalise(pa.array([sender])).national[0])
    if not national or clock.now() - row.received_at > TOO_LATE:
        return None
    token, a_day = service.keyring.token("msisdn", national), service.settings.replies_a_day
    [grant] = await limits.take(session, Limit("replies", a_day / 86_400, a_day), [token.hex()])
    if not grant.granted:
        return None
    text = inbound.text_of(service.keyring, row.id, row.text)
    asked = commands.read(text)
    whose = await _sender(session, service, row.id, national, asked)
    said = await _DO[asked.command](whose, asked)
    if said is not None:
        carrier = whose.subscriptions[0].carrier if whose.subscriptions else None
        to = To(Channel.SMS, f"+84{national}", carrier, None, token)
        await telling.reply(
            session, service, to, whose.language, said, row.id, marks=not text.isascii()
        )  # fmt: skip
    subject, detail = f"inbound/{row.id}", {"command": asked.command.value, "answered": said is not None}
    audit.record(session, "reply.handled", subject, detail, stream="reply")
    return asked.command


async def _sender(
    session: AsyncSession, service: Service, inbound_id: uuid.UUID, national: int, asked: Asked
) -> _Sender:
    token = service.keyring.token("msisdn", national)
    query = sa.select(Subscription).where(Subscription.msisdn_token == token)
    found = (
        await session.scalars(query.order_by(Subscription.status, Subscription.carrier).limit(_MOST))
    ).all()
    language = asked.language
    if found and language is Language.VI:
        cells = await records.declared(service, found[0])
        language = Language.EN if (cells.get("id_type") or "").strip().lower() == "passport" else language
    return _Sender(session, service, inbound_id, national, token, found, language)


async def _tell(whose: _Sender, _: Asked) -> str:
    if not whose.subscriptions:
        return whose.say("unknown")
    told = []
    for each in whose.subscriptions:
        seen = await registered.of(whose.session, whose.service, each)
        told.append(
            whose.say(
                "record", number=whose.masked, carrier=each.carrier, name=seen.name,
                id_number=seen.id_number, born=seen.born, state=_state(whose, seen),
            )
        )  # fmt: skip
    return " ".join(told)


async def _check(whose: _Sender, asked: Asked) -> str:
    """Whether the number is registered under an ID. A wrong one costs a guess of this number."""
    if not whose.subscriptions:
        return whose.say("unknown")
    today = clock.now().date()
    no_date = dates.normalise(pa.nulls(1, pa.string()), today)
    key = int(citizen_ids.normalise(pa.array([asked.text]), None, no_date, None).key[0])
    if not key or len(asked.text) not in {citizen_ids.CMND_DIGITS, citizen_ids.PERSONAL_DIGITS}:
        return whose.say("unreadable")
    a_day, connection = whose.service.settings.number_guesses, Within(whose.session)
    limit = Limit("reply-guesses", a_day / 86_400, a_day)
    bucket = Bucket(limit, limits.key_of(limit, whose.token.hex()))
    purse = await Purse.read(connection, [bucket])
    if purse.wait([bucket], clock.now()):
        return whose.say("wait")
    person = whose.service.keyring.token("id", key)
    for each in whose.subscriptions:
        record = Record(await records.declared(whose.service, each), today)
        if each.id_token == person or record.id_document(asked.text)[0] == TRUE:
            return whose.say("same", number=whose.masked)
    purse.spend([bucket])
    await purse.write(connection, clock.now())
    return whose.say("other", number=whose.masked)


async def _confirm(whose: _Sender, _: Asked) -> str:
    if not whose.subscriptions:
        return whose.say("unknown")
    states = []
    for each in whose.subscriptions:
        await confirm.confirm(whose.session, whose.service, each, Means.SMS)
        states.append(_state(whose, await registered.of(whose.session, whose.service, each)))
    return whose.say("confirmed", number=whose.masked, state=" ".join(dict.fromkeys(states)))


async def _disown(whose: _Sender, _: Asked) -> str:
    if not whose.subscriptions:
        return whose.say("unknown")
    for each in whose.subscriptions:
        await disown.disown(whose.session, whose.service, each, Means.SMS)
    return whose.say("disowned", number=whose.masked)


async def _ask(whose: _Sender, asked: Asked) -> str:
    asking = Asking(
        asked.text, Back.SMS, f"+84{whose.national}", whose.language, whose.inbound, whose.national,
        proved=True,
    )  # fmt: skip
    try:
        opened = await questions.open_question(whose.session, whose.service, asking)
    except TooManyError:
        return whose.say("enough")
    except InvalidError:  # longer than a question may be
        return whose.say("help")
    due = opened.due_at.astimezone(LOCAL).strftime("%d/%m/%Y")
    return whose.say("asked", question=opened.number, due=due)


async def _help(whose: _Sender, _: Asked) -> str | None:
    [grant] = await limits.take(whose.session, HELP, [whose.token.hex()])
    return whose.say("help") if grant.granted else None


def _state(whose: _Sender, seen: Registered) -> str:
    """What stands open about a record, in a sentence."""
    if seen.case is None or seen.case.closed is not None:
        return whose.say("agrees") if seen.agrees else ""
    if ACTS[seen.case.state] is not Acts.HOLDER or not seen.reasons:
        return whose.say("handled", code=seen.case.code)
    wrong = templates.load(whose.language).wrong[group_told(seen.reasons)]
    return whose.say("wrong", wrong=wrong, code=seen.case.code)


_DO: dict[Command, Callable[[_Sender, Asked], Awaitable[str | None]]] = {
    Command.RECORD: _tell, Command.CHECK: _check, Command.CONFIRM: _confirm, Command.DISOWN: _disown,
    Command.ASK: _ask, Command.HELP: _help,
}  # fmt: skip
