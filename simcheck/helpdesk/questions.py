"""A question's life: opened and routed, answered by SMS or email, closed; taken over by staff when it is
late."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.access import limits
from simcheck.access.limits import Limit
from simcheck.access.models import Carrier
from simcheck.cases.models import Acts, Case
from simcheck.crosscheck.models import Subscription
from simcheck.db.engine import actor_of
from simcheck.errors import ConflictError, InvalidError, NotFoundError, TooManyError
from simcheck.helpdesk import numbers
from simcheck.helpdesk.models import Back, Question, QuestionMessage, QuestionState, Queue
from simcheck.holders import telling
from simcheck.holders.telling import To
from simcheck.messages.alphabets import clean
from simcheck.messages.words import Channel
from simcheck.privacy import Keyring
from simcheck.sending.addresses import require_usable, token_of
from simcheck.service import Service

MOST_TEXT = 2000  # characters of a question
MOST_ANSWER = {Back.SMS: 600, Back.EMAIL: 10_000}
CLIENT = Limit("questions-client", 20 / 3_600, 20)
# The case tells that its holder asked, unless they said more than that.
NOTE_ASKED = sa.text("""UPDATE "case" SET answer = 'asked' WHERE id = :case AND answer IS NULL""").bindparams(
    sa.bindparam("case", type_=sa.Uuid())
)
# Questions that nobody answered in time: they are staff's from then on, and carriers see them no more.
LATE = sa.text("""
WITH late AS (
    SELECT id FROM question WHERE state = 'open' AND NOT overdue AND due_at <= :at
    ORDER BY due_at LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
), taken AS (
    UPDATE question SET overdue = true, queue = 'staff', carrier = NULL, changed_at = :at
    FROM late WHERE question.id = late.id
    RETURNING question.id, about
), theirs AS (
    UPDATE question_message SET carrier = NULL FROM taken WHERE question_id = taken.id
)
SELECT coalesce(about, 'staff') AS whose, count(*) FROM taken GROUP BY 1 ORDER BY 1
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)))
# Answered ones that nothing more was heard of.
SETTLE = sa.text("""
UPDATE question SET state = 'closed', closed_at = :at, changed_at = :at
WHERE state = 'answered' AND changed_at <= :before
""").bindparams(sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True)),
                sa.bindparam("before", type_=sa.TIMESTAMP(timezone=True)))  # fmt: skip

# What was written, and where to, goes when nobody needs it any more; that it was asked stays.
FORGET = sa.text("""
WITH old AS (
    UPDATE question SET address = NULL
    WHERE address IS NOT NULL AND closed_at <= :before AND preserved(msisdn_token) IS NOT TRUE
    RETURNING id
), gone AS (
    DELETE FROM question_message USING old WHERE question_id = old.id
)
SELECT count(*) FROM old
""").bindparams(sa.bindparam("before", type_=sa.TIMESTAMP(timezone=True)))


@dataclass(frozen=True)
class Asking:
    """What somebody asks. The answer goes back to `address` (+84… or an email) by `channel`.

    `national` is the number that it is about (0: none), `proved` that they hold it; `form` is drawn once with
    each form; `client` is of `possession.client_key`, None for a message by SMS.
    """

    text: str = field(repr=False)
    channel: Back
    address: str = field(repr=False)
    language: str
    form: uuid.UUID
    national: int = field(default=0, repr=False)
    proved: bool = False
    client: str | None = None


@dataclass(frozen=True)
class Seen:
    """What anybody may know of a question who knows its number: no word of it."""

    number: str
    state: QuestionState
    opened_at: datetime
    due_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True)
class Written:
    """One thing that was written."""

    at: datetime
    is_answer: bool
    text: str


async def open_question(session: AsyncSession, service: Service, asked: Asking) -> Seen:
    """Take a question in; the same form once more is the same question. The transaction needs the ministry's
    scope. Raises `InvalidError` for text or address that cannot be used, `TooManyError` above the limits.
    """
    text, keyring = clean(asked.text, lines=True), service.keyring
    if not text or len(text) > MOST_TEXT:
        raise InvalidError(f"text: write 1 to {MOST_TEXT:,} characters.")
    channel = Channel(asked.channel.value)
    address = require_usable(channel, asked.address)
    known = await session.scalar(sa.select(Question).where(Question.form == asked.form))
    if known is not None:
        return seen(known)
    await _take(session, service, asked, token_of(keyring, channel, address).hex())
    token = keyring.token("msisdn", asked.national) if asked.national else None
    about, case = await _about(session, token)
    queue = Queue.CARRIER if about and (case is None or case.acts in _CARRIERS) else Queue.STAFF
    now = clock.now()
    question = Question(
        id=uuid.uuid4(), carrier=about if queue is Queue.CARRIER else None, about=about, queue=queue,
        state=QuestionState.OPEN, channel=asked.channel, language=asked.language,
        case_id=case.id if case else None, msisdn_token=token, proved=asked.proved, form=asked.form,
        opened_at=now, due_at=now + timedelta(hours=service.settings.question_hours), changed_at=now,
        overdue=False,
    )  # fmt: skip
    question.address = keyring.seal(address.encode(), _bound_to(question.id, "address"))
    session.add(question)
    await session.flush()
    await _write(session, keyring, question, text, is_answer=False)
    if case is not None and asked.proved:
        await session.execute(NOTE_ASKED, {"case": case.id})
    _record(session, "question.opened", question, {"queue": queue.value, "proved": asked.proved})
    return seen(question)


async def look(session: AsyncSession, typed: str) -> Seen | None:
    """A question by its number as somebody typed it; None where there is none. Needs the ministry's scope."""
    number = numbers.read(typed)
    if number is None:
        return None
    found = await session.scalar(sa.select(Question).where(Question.number == number))
    return None if found is None else seen(found)


async def by_number(session: AsyncSession, typed: str) -> Question:
    """A question by its number. Raises `InvalidError` for what is none, `NotFoundError`."""
    number = numbers.read(typed)
    if number is None:
        raise InvalidError(f"{typed}: that is no question's number. Write it as H-000123-Z.")
    found = await session.scalar(sa.select(Question).where(Question.number == number))
    if found is None:
        raise NotFoundError(f"{typed}: there is no such question.")
    return found


async def page(
    session: AsyncSession, queue: Queue, *, state: QuestionState | None = QuestionState.OPEN,
    carrier: str | None = None, after: int = 0, limit: int = 100,
) -> list[Question]:  # fmt: skip
    """A queue's questions, the oldest first: those with a number above `after`, at most `limit`.

    A carrier sees its own alone; in the ministry's scope `carrier` chooses one.
    """
    query = sa.select(Question).where(Question.queue == queue, Question.number > after)
    if state is not None:
        query = query.where(Question.state == state)
    if carrier is not None:
        query = query.where(Question.carrier == carrier)
    return list(await session.scalars(query.order_by(Question.number).limit(limit)))


async def by_due(
    session: AsyncSession, carrier: str, state: QuestionState,
    after: tuple[datetime, uuid.UUID] | None = None, limit: int = 50,
) -> list[Question]:  # fmt: skip
    """A carrier's questions in this state, those due first: after the place (due_at, id), at most `limit`."""
    query = sa.select(Question).where(Question.carrier == carrier, Question.state == state)
    if after is not None:
        query = query.where(sa.tuple_(Question.due_at, Question.id) > sa.tuple_(*map(sa.literal, after)))
    return list(await session.scalars(query.order_by(Question.due_at, Question.id).limit(limit)))


async def by_id(session: AsyncSession, question_id: uuid.UUID) -> Question:
    """A question that the session may see. Raises `NotFoundError`."""
    found = await session.get(Question, question_id)
    if found is None:
        raise NotFoundError("There is no such question.")
    return found


async def written(session: AsyncSession, keyring: Keyring, question: Question) -> list[Written]:
    """What was written of a question, in its order. The look is audited. Raises `SealError`."""
    query = sa.select(QuestionMessage).where(QuestionMessage.question_id == question.id)
    rows = await session.scalars(query.order_by(QuestionMessage.id))
    found = [
        Written(each.at, each.is_answer, keyring.open(each.text, _bound_to(question.id, "text")).decode())
        for each in rows
    ]
    _record(session, "question.read", question, {"pieces": len(found)})
    return found


async def answer(
    session: AsyncSession, service: Service, question_id: uuid.UUID, text: str, *, close: bool = False
) -> Question:
    """Send an answer back the way the question came, and `close` the question if that is all.

    Raises `NotFoundError` (also for what another is to answer), `ConflictError` for a closed question,
    `InvalidError` for a text that is empty or too long for its way.
    """
    question = await _held(session, question_id)
    said, back = clean(text, lines=True), Back(question.channel)
    if not said or len(said) > MOST_ANSWER[back]:
        raise InvalidError(f"text: write 1 to {MOST_ANSWER[back]:,} characters; the answer goes by {back}.")
    assert question.address is not None  # it is not closed
    message = await _write(session, service.keyring, question, said, is_answer=True)
    address = service.keyring.open(question.address, _bound_to(question.id, "address")).decode()
    to = To(
        Channel(back.value), f"+{address}" if back is Back.SMS else address, question.carrier,
        None, question.msisdn_token,
    )  # fmt: skip
    shown = numbers.shown(question.number)
    await telling.answer(session, service, to, question.language, shown, said, message)
    now = clock.now()
    question.state, question.changed_at = QuestionState.ANSWERED, now
    question.answered_at = question.answered_at or now
    _record(session, "question.answered", question)
    if close:
        _close(session, question)
    await session.flush()
    return question


async def close_question(session: AsyncSession, question_id: uuid.UUID) -> Question:
    """Close a question that needs no (more) answer. Raises as `answer`."""
    question = await _held(session, question_id)
    _close(session, question)
    await session.flush()
    return question


async def give_to(session: AsyncSession, question_id: uuid.UUID, carrier: str | None) -> Question:
    """Have a carrier answer a question, or (None) staff. Needs the ministry's scope. Raises as `answer`."""
    question = await _held(session, question_id)
    if carrier is not None and await session.get(Carrier, carrier) is None:
        raise NotFoundError(f"{carrier}: there is no such carrier.")
    question.queue, question.carrier = (Queue.CARRIER, carrier) if carrier else (Queue.STAFF, None)
    question.about, question.changed_at = carrier or question.about, clock.now()
    await session.flush()
    mine = QuestionMessage.question_id == question.id
    await session.execute(sa.update(QuestionMessage).where(mine).values(carrier=carrier))
    _record(session, "question.routed", question, {"queue": question.queue})
    return question


async def hand_to_staff(session: AsyncSession, question_id: uuid.UUID, carrier: str) -> Question:
    """Have staff answer a question of this carrier's. Needs the ministry's scope: it is the carrier's no more
    then. Raises as `answer`.
    """
    question = await _held(session, question_id)
    if question.carrier != carrier:
        raise NotFoundError("There is no such question.")
    return await give_to(session, question_id, None)


async def take_late(session: AsyncSession, most: int = 10_000) -> int:
    """Give questions whose time is up to staff; how many there were. Needs the ministry's scope."""
    rows = (await session.execute(LATE, {"at": clock.now(), "most": most})).all()
    for whose, count in rows:
        audit.record(session, "question.overdue", f"carrier/{whose}", {"questions": count}, stream="question")
    return sum(count for _, count in rows)


async def settle(session: AsyncSession, after: timedelta) -> int:
    """Close questions that were answered so long ago; how many there were. Needs the ministry's scope."""
    now = clock.now()
    done = await session.execute(SETTLE, {"at": now, "before": now - after})
    count: int = done.rowcount  # type: ignore[attr-defined]
    if count:
        audit.record(session, "question.settled", "question", {"questions": count}, stream="question")
    return count


async def forget(session: AsyncSession, after: timedelta) -> int:
    """Forget what was written of questions that were closed so long ago; of how many. Needs the ministry's
    scope."""
    count: int = await session.scalar(FORGET, {"before": clock.now() - after}) or 0
    if count:
        audit.record(session, "question.forgotten", "question", {"questions": count}, stream="question")
    return count


def seen(question: Question) -> Seen:
    """What anybody may know of it."""
    return Seen(
        numbers.shown(question.number), QuestionState(question.state), question.opened_at, question.due_at,
        question.answered_at,
    )  # fmt: skip


_CARRIERS = {Acts.CARRIER, Acts.HOLDER}


async def _about(session: AsyncSession, msisdn_token: bytes | None) -> tuple[str | None, Case | None]:
    """The carrier that a number is at (the one of its open case before others), and that case."""
    if msisdn_token is None:
        return None, None
    query = (
        sa.select(Subscription.carrier, Case)
        .outerjoin(
            Case,
            (Case.carrier == Subscription.carrier)
            & (Case.msisdn_token == Subscription.msisdn_token)
            & Case.closed_at.is_(None),
        )
        .where(Subscription.msisdn_token == msisdn_token)
        .order_by(Case.id.is_(None), Subscription.status, Subscription.carrier)
        .limit(1)
    )
    found = (await session.execute(query)).one_or_none()
    return (None, None) if found is None else (found[0], found[1])


async def _take(session: AsyncSession, service: Service, asked: Asking, address: str) -> None:
    a_day = service.settings.questions_a_day
    taken = [(Limit("questions-address", a_day / 86_400, a_day), address)]
    if asked.client is not None:
        taken.append((CLIENT, asked.client))
    for limit, subject in taken:
        [grant] = await limits.take(session, limit, [subject])
        if not grant.granted:
            raise TooManyError("Too many questions were asked. Wait for the answers.", grant.wait)


async def _held(session: AsyncSession, question_id: uuid.UUID) -> Question:
    found = await session.get(Question, question_id, with_for_update={"key_share": True})
    if found is None:
        raise NotFoundError("There is no such question.")
    if found.state == QuestionState.CLOSED:
        raise ConflictError("The question is closed.")
    return found


async def _write(
    session: AsyncSession, keyring: Keyring, question: Question, text: str, *, is_answer: bool
) -> int:
    message = QuestionMessage(
        question_id=question.id, carrier=question.carrier, at=clock.now(), actor=actor_of(session),
        is_answer=is_answer, text=keyring.seal(text.encode(), _bound_to(question.id, "text")),
    )  # fmt: skip
    session.add(message)
    await session.flush()
    return message.id


def _close(session: AsyncSession, question: Question) -> None:
    now = clock.now()
    question.state, question.closed_at, question.changed_at = QuestionState.CLOSED, now, now
    _record(session, "question.closed", question)


def _record(
    session: AsyncSession, act: str, question: Question, detail: dict[str, object] | None = None
) -> None:
    stream = f"question/{question.about}" if question.about else "question"
    audit.record(session, act, f"question/{question.id}", detail or {}, stream=stream)


def _bound_to(question_id: uuid.UUID, column: str) -> str:
    return f"question/{column}/{question_id}"
