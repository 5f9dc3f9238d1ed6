"""Appeals: whoever holds a number, its carrier or staff object to what is ordered, or about to be.

While one is open no order is made about the subscription. It is answered within a time, by somebody who
neither made it nor proposed, approved or decided what it is about. If it is upheld, what was ordered is
undone the same minute (`orders.restore`), and the clock begins anew; if it is rejected, the holder hears why.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.clock import LOCAL
from simcheck.crosscheck.models import Subscription
from simcheck.db.engine import actor_of
from simcheck.enforcement import calendar, moves, store
from simcheck.enforcement.models import Clock
from simcheck.enforcement.moves import Done
from simcheck.enforcement.stops import words
from simcheck.enforcement.stops.models import Appeal, AppealMeans, AppealState
from simcheck.enforcement.words import Act, Step
from simcheck.errors import ConflictError, InvalidError, NotFoundError, SamePersonError
from simcheck.holders import telling
from simcheck.holders.telling import To
from simcheck.messages.alphabets import clean
from simcheck.messages.words import Language
from simcheck.normalise import phones
from simcheck.notices.addresses import Place
from simcheck.privacy import Keyring, mask_msisdn
from simcheck.service import Service

MOST_WORDS = 2000
PAGE = 50
# Whether somebody has a part in what an appeal is about: proposed or approved an order of it, or decided it.
PART = sa.text("""
SELECT EXISTS (
    SELECT FROM order_line JOIN order_batch ON order_batch.id = order_line.order_id
    WHERE order_line.carrier = :carrier AND order_line.msisdn_token = :token AND order_line.act <> 'restore'
      AND order_line.state <> 'dropped'
      AND current_setting('app.actor') IN (order_batch.proposed_by, order_batch.approved_by)
) OR EXISTS (
    SELECT FROM "case" WHERE id = :case AND decided_by = current_setting('app.actor')
)
""").bindparams(sa.bindparam("case", type_=sa.Uuid()))
# Appeals whose time is up and of which nobody was told.
LATE = sa.text("""
UPDATE appeal SET escalated_at = :at WHERE state = 'open' AND escalated_at IS NULL AND answer_by <= :at
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
# What was written, and the number, go when nobody needs them any more.
FORGET = sa.text("""
UPDATE appeal SET words = NULL, telephone = NULL
WHERE settled_at <= :before AND telephone IS NOT NULL AND NOT preserved(msisdn_token)
""").bindparams(sa.bindparam("before", type_=sa.TIMESTAMP(timezone=True)))


@dataclass(frozen=True)
class Objecting:
    """Who objects to what: a carrier's number (`national`, the significant one), by which door, in which
    words (may be none).
    """

    carrier: str
    national: int = field(repr=False)
    means: AppealMeans
    language: Language
    words: str = field(default="", repr=False)


@dataclass(frozen=True)
class Asked:
    """Whom an answer goes to: the national number, and where its record is."""

    place: Place
    national: int = field(repr=False)


def shown(number: int) -> str:
    """What people call an appeal by: K-000123."""
    return f"K-{number:06}"


def national_of(typed: str) -> int:
    """The national significant number that somebody typed. Raises `InvalidError`."""
    national = int(phones.normalise(pa.array([typed], pa.string())).national[0])
    if not national:
        raise InvalidError("msisdn: write a Vietnamese mobile number.")
    return national


async def appeal(session: AsyncSession, service: Service, objecting: Objecting) -> Appeal:
    """Take an appeal in. While one is open, another one is that one.

    Raises `InvalidError` for too many words, `NotFoundError` where the carrier does not declare the number,
    `ConflictError` where nothing is ordered or on its way, or that very thing was appealed and answered.
    """
    text, keyring = clean(objecting.words, lines=True), service.keyring
    if len(text) > MOST_WORDS:
        raise InvalidError(f"words: write at most {MOST_WORDS:,} characters.")
    token = keyring.token("msisdn", objecting.national)
    # As everybody locks: an order that is being sent comes before this, or sees it.
    if (
        await session.get(Subscription, (token, objecting.carrier), with_for_update={"key_share": True})
        is None
    ):
        raise NotFoundError("The carrier declares no such number.")
    last = await newest(session, objecting.carrier, token)
    if last is not None and last.state == AppealState.OPEN:
        return last
    found = await session.get(Clock, (objecting.carrier, token), populate_existing=True)
    await _require_new(session, found)
    assert found is not None
    made = uuid.uuid4()
    values = Appeal(
        id=made, carrier=objecting.carrier, msisdn_token=token, case_id=found.case_id,
        state=AppealState.OPEN.value, means=objecting.means.value, language=objecting.language.value,
        step=found.step, made_by=actor_of(session), made_at=clock.now(),
        answer_by=await _answer_by(session, service),
        telephone=keyring.seal(str(objecting.national).encode(), _bound_to(made, "telephone")),
        words=keyring.seal(text.encode(), _bound_to(made, "words")) if text else None,
    )  # fmt: skip
    session.add(values)
    await session.flush()
    _record(session, "appeal.made", values, means=values.means, step=values.step)
    return values


async def to_tell(session: AsyncSession, service: Service, appeal_id: uuid.UUID) -> Asked | None:
    """What `reach` needs to find out how the answer reaches the holder; None where the carrier declares the
    number no more, or the appeal was decided long ago. Raises `NotFoundError`, `SealError`.
    """
    found = await one(session, appeal_id)
    place = await telling.place_of(session, found.carrier, found.msisdn_token)
    if place is None or found.telephone is None:
        return None
    national = int(service.keyring.open(found.telephone, _bound_to(found.id, "telephone")))
    return Asked(place, national)


async def reach(service: Service, asked: Asked | None) -> To | None:
    """How the answer reaches the holder: by their number; by email while that cannot receive anything.
    Called with no transaction open.
    """
    if asked is None:
        return None
    return await asyncio.to_thread(telling.way, service, asked.place, asked.national)


async def decide(
    session: AsyncSession, service: Service, appeal_id: uuid.UUID, to: To | None, reason: str | None = None
) -> Appeal:
    """Uphold an appeal, or reject it for a `reason` of the words; the holder is told the way `reach` found
    before. The session needs the ministry's scope.

    Raises `InvalidError`, `NotFoundError`, `ConflictError` where it was decided, `SamePersonError` for who
    made it or has a part in what it is about.
    """
    if reason is not None:
        words.require("reason", reason)
    found = await session.get(Appeal, appeal_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError("There is no such appeal.")
    if found.state != AppealState.OPEN:
        raise ConflictError("The appeal was decided already.")
    if await has_part(session, found):
        raise SamePersonError("You made this appeal, or what it is about. Somebody else has to decide it.")
    now = clock.now()
    found.state = AppealState.REJECTED if reason else AppealState.UPHELD
    found.reason, found.settled_by, found.settled_at = reason, actor_of(session), now
    await session.flush()
    if reason is None:
        await moves.upheld(session, Done(found.carrier, found.msisdn_token, now))
    _record(session, f"appeal.{found.state}", found, reason=reason or "")
    await _tell(session, service, found, to)
    return found


async def has_part(session: AsyncSession, of: Appeal) -> bool:
    """Whether who acts made this appeal, or proposed, approved or decided what it is about."""
    given = {"carrier": of.carrier, "token": of.msisdn_token, "case": of.case_id}
    return of.made_by == actor_of(session) or bool(await session.scalar(PART, given))


async def page(
    session: AsyncSession, *, decided: bool = False, carrier: str | None = None
) -> Sequence[Appeal]:
    """Open appeals, the one to be answered first before others; or those that are `decided`, newest first."""
    query = sa.select(Appeal).limit(PAGE)
    if carrier is not None:
        query = query.where(Appeal.carrier == carrier)
    if decided:
        query = query.where(Appeal.settled_at.is_not(None)).order_by(Appeal.settled_at.desc())
    else:
        query = query.where(Appeal.state == AppealState.OPEN).order_by(Appeal.answer_by, Appeal.number)
    return (await session.scalars(query)).all()


async def stopped(session: AsyncSession, found: Sequence[Appeal]) -> Mapping[uuid.UUID, Act]:
    """What would be ordered next, by appeal, of those that something would follow for."""
    here = sa.and_(Clock.carrier == Appeal.carrier, Clock.msisdn_token == Appeal.msisdn_token)
    query = (
        sa.select(Appeal.id, Clock.next_step).join(Clock, here)
        .where(Appeal.id.in_([each.id for each in found]), Clock.next_step.is_not(None))
    )  # fmt: skip
    steps = [(appeal_id, step) for appeal_id, step in await session.execute(query) if step]
    return {appeal_id: act for appeal_id, step in steps if (act := Step(step).act)}


def masked(keyring: Keyring, of: Appeal) -> str | None:
    """The number that an appeal is about, masked; None where it was forgotten. Raises `SealError`."""
    if of.telephone is None:
        return None
    return mask_msisdn(f"+84{keyring.open(of.telephone, _bound_to(of.id, 'telephone')).decode()}")


async def one(session: AsyncSession, appeal_id: uuid.UUID) -> Appeal:
    """An appeal that the session may see. Raises `NotFoundError`."""
    found = await session.get(Appeal, appeal_id, populate_existing=True)
    if found is None:
        raise NotFoundError("There is no such appeal.")
    return found


async def newest(session: AsyncSession, carrier: str, msisdn_token: bytes) -> Appeal | None:
    """The last appeal about a subscription."""
    query = sa.select(Appeal).where(Appeal.carrier == carrier, Appeal.msisdn_token == msisdn_token)
    found: Appeal | None = await session.scalar(query.order_by(Appeal.number.desc()).limit(1))
    return found


async def may_appeal(session: AsyncSession, carrier: str, msisdn_token: bytes) -> bool:
    """Whether an appeal about a subscription would be taken now, or is there."""
    last = await newest(session, carrier, msisdn_token)
    if last is not None and last.state == AppealState.OPEN:
        return True
    try:
        await _require_new(session, await session.get(Clock, (carrier, msisdn_token), populate_existing=True))
    except ConflictError:
        return False
    return True


def written(session: AsyncSession, keyring: Keyring, of: Appeal) -> str:
    """What was written. The look is audited. Raises `SealError`."""
    _record(session, "appeal.read", of)
    return said(keyring, of)


def said(keyring: Keyring, of: Appeal) -> str:
    """What was written, to whoever wrote it. Raises `SealError`."""
    return keyring.open(of.words, _bound_to(of.id, "words")).decode() if of.words else ""


async def escalate(session: AsyncSession) -> int:
    """Note appeals that were not answered in time; how many. The session needs the ministry's scope."""
    late = await session.execute(LATE, {"at": clock.now()})
    count: int = late.rowcount  # type: ignore[attr-defined]
    if count:
        audit.record(session, "appeal.late", "appeal", {"appeals": count}, stream="appeal")
    return count


async def forget(session: AsyncSession, after: timedelta) -> int:
    """Forget what was written in appeals that were decided so long ago; of how many."""
    gone = await session.execute(FORGET, {"before": clock.now() - after})
    count: int = gone.rowcount  # type: ignore[attr-defined]
    if count:
        audit.record(session, "appeal.forgotten", "appeal", {"appeals": count}, stream="appeal")
    return count


async def _require_new(session: AsyncSession, found: Clock | None) -> None:
    """Something is ordered, or will be; and it was not appealed yet since its clock began or came further."""
    if found is None or (found.ended_at is not None and not found.step):
        raise ConflictError("Nothing is ordered about this number, nor about to be.")
    since = found.step_at or found.started_at
    answered = sa.select(sa.func.max(Appeal.settled_at)).where(
        Appeal.carrier == found.carrier, Appeal.msisdn_token == found.msisdn_token,
        Appeal.state == AppealState.REJECTED,
    )  # fmt: skip
    last: datetime | None = await session.scalar(answered)
    if last is not None and last >= since:
        raise ConflictError("This was appealed and answered. Put the record right, or ask a question.")


async def _answer_by(session: AsyncSession, service: Service) -> datetime:
    """When the working days are over that an answer may take."""
    days = await store.calendar(session)
    today = np.array([calendar.day_number(clock.now().astimezone(LOCAL).date())])
    due = days.due_after_working(today, service.settings.appeal_working_days, first=False)
    return calendar.datetime_of(calendar.at_hour(due, time())[0])


async def _tell(session: AsyncSession, service: Service, of: Appeal, to: To | None) -> None:
    """Tell the holder what was decided."""
    if to is None:
        _record(session, "appeal.not_told", of)
        return
    language = Language(of.language)
    reason = words.say("reason", of.reason, language) if of.reason else ""
    text = words.say("told", of.state, language).format(number=shown(of.number), reason=reason)
    await telling.word(session, service, to, of.language, text, f"appeal/{of.id}")


def _record(session: AsyncSession, act: str, of: Appeal, **said: str | int) -> None:
    audit.record(session, act, f"appeal/{of.id}", dict(said), stream=f"appeal/{of.carrier}")


def _bound_to(appeal_id: uuid.UUID, column: str) -> str:
    return f"appeal/{column}/{appeal_id}"
