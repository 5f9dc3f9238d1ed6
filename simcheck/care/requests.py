"""A person's request about their own data, from its beginning to its answer, with the clocks of the law.

Whoever asks has proved to hold a number, or to be a person; or stood before staff, who saw their papers. What
needs nobody (a copy, who looked) is answered by a job; the rest by staff.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.access import limits
from simcheck.access.limits import Limit
from simcheck.care import clocks, words
from simcheck.care.models import (
    PersonRequest,
    RequestFile,
    RequestKind,
    RequestMeans,
    RequestOutcome,
    RequestState,
)
from simcheck.care.subject import theirs
from simcheck.clock import LOCAL
from simcheck.crosscheck.models import Subscription
from simcheck.db.engine import actor_of
from simcheck.enforcement import store
from simcheck.errors import ConflictError, GoneError, InvalidError, NotFoundError, TooManyError
from simcheck.helpdesk import numbers
from simcheck.holders import telling
from simcheck.holders.sessions import Holder
from simcheck.messages.words import Language
from simcheck.privacy import Keyring
from simcheck.queue import enqueue
from simcheck.service import Service

MOST_WORDS, MOST_ANSWER, MOST_WHY = 2_000, 4_000, 200
A_DAY = 5  # requests of one number or person
SHOWN = timedelta(days=30)  # an answer, to whoever has the number then: it may change hands
# Answered by a job, at once.
BY_ITSELF = frozenset({RequestKind.COPY, RequestKind.LOOKED})


@dataclass(frozen=True)
class Asking:
    """What somebody asks for, about a number (`msisdn_token`, its `carrier` where there is one, and the
    `national` number itself) or about a person (`id_token`). `form` makes one request of one form.
    """

    kind: RequestKind
    means: RequestMeans
    language: Language
    form: uuid.UUID
    words: str = field(default="", repr=False)
    carrier: str | None = None
    msisdn_token: bytes | None = None
    id_token: bytes | None = None
    national: int | None = field(default=None, repr=False)

    def by(self, holder: Holder) -> Asking:
        """The same, about what a holder's session is of."""
        return replace(
            self, carrier=holder.carrier, msisdn_token=holder.msisdn_token, id_token=holder.id_token,
            national=holder.number,
        )  # fmt: skip


def shown(number: int) -> str:
    """What people call a request by: Y-000123-Z."""
    return numbers.shown(number, numbers.REQUEST)


async def ask(session: AsyncSession, service: Service, asked: Asking) -> PersonRequest:
    """Take a request in. The same form once more is the same request, and so is one of a kind that is open.

    Raises `InvalidError` for words that are too long, or missing where staff have to know what is wrong,
    `TooManyError` above the limit.
    """
    if len(asked.words) > MOST_WORDS or (asked.kind is RequestKind.CORRECT and not asked.words):
        raise InvalidError(f"words: write what has to be put right, in at most {MOST_WORDS:,} characters.")
    known = await session.scalar(_known(asked))
    if known is not None:
        return known
    of = (asked.msisdn_token or asked.id_token or b"").hex()
    [grant] = await limits.take(session, Limit("person-requests", A_DAY / 86_400, A_DAY), [of])
    if not grant.granted:
        raise TooManyError("Too many requests today. Wait.", grant.wait)
    now, made, worked = clock.now(), uuid.uuid4(), await store.calendar(session)
    table, keyring = clocks.load(), service.keyring
    request = PersonRequest(
        id=made, kind=asked.kind, state=RequestState.RECEIVED, means=asked.means, language=asked.language,
        carrier=asked.carrier, msisdn_token=asked.msisdn_token, id_token=asked.id_token,
        telephone=_sealed(keyring, made, "telephone", str(asked.national) if asked.national else None),
        words=_sealed(keyring, made, "words", asked.words or None), form=asked.form,
        made_by=actor_of(session), made_at=now, acknowledge_by=table["acknowledge"].over(now, worked),
        answer_by=table[asked.kind.value].over(now, worked), late=False,
    )  # fmt: skip
    session.add(request)
    await session.flush()
    _note(session, request, "request.begun", kind=asked.kind.value, means=asked.means.value)
    if asked.kind in BY_ITSELF:
        await enqueue(session, "care.answer", queueing_lock=f"care.answer/{made}", request=str(made))
    return request


async def acknowledge(session: AsyncSession, service: Service, number: str) -> PersonRequest:
    """Say that the request is here, and until when it will be answered. Raises `ConflictError` where that was
    done, `NotFoundError`.
    """
    request = await by_number(session, number, held=True)
    if request.state != RequestState.RECEIVED:
        raise ConflictError("The request was acknowledged already.")
    request.state, request.acknowledged_at = RequestState.ACKNOWLEDGED, clock.now()
    _note(session, request, "request.acknowledged")
    say = words.WORDS[Language(request.language)]
    day = say.day(last_day(request))
    await _tell(session, service, request, "acknowledged", number=shown(request.number), day=day)
    return request


async def extend(session: AsyncSession, service: Service, number: str, why: str) -> None:
    """Take the one extension that the law allows, and tell why. Raises `ConflictError` where it was taken, or
    the time is over, `InvalidError` without a reason, `NotFoundError`.
    """
    if not why or len(why) > MOST_WHY:
        raise InvalidError(f"why: say why it takes longer, in at most {MOST_WHY} characters.")
    request = await by_number(session, number, held=True)
    if request.answered_at is not None or request.extended_at is not None:
        raise ConflictError("It was answered, or extended once already.")
    if request.answer_by <= clock.now():
        raise ConflictError("The time is over: answer it now.")
    request.extended_at, request.extended_why = clock.now(), why
    worked = await store.calendar(session)
    request.answer_by = clocks.load()["extension"].over(request.answer_by - timedelta(seconds=1), worked)
    _note(session, request, "request.extended", why=why)
    day = words.WORDS[Language(request.language)].day(last_day(request))
    await _tell(session, service, request, "extended", number=shown(request.number), day=day, why=why)


async def answer(
    session: AsyncSession, service: Service, request: PersonRequest, outcome: RequestOutcome, text: str,
    files: Mapping[str, bytes] | None = None,
) -> None:  # fmt: skip
    """Answer a request: what became of it, in words, with files by name. The holder is told that the answer
    is there. Raises `ConflictError` where it was answered, `InvalidError` without words.
    """
    if request.answered_at is not None:
        raise ConflictError("The request was answered already.")
    if not text or len(text) > MOST_ANSWER:
        raise InvalidError(f"text: write the answer, in at most {MOST_ANSWER:,} characters.")
    now, keyring = clock.now(), service.keyring
    request.acknowledged_at = request.acknowledged_at or now
    request.state, request.answered_at, request.answered_by = RequestState.ANSWERED, now, actor_of(session)
    request.outcome, request.answer = outcome, _sealed(keyring, request.id, "answer", text)
    await session.flush()
    for name, content in (files or {}).items():
        sealed = keyring.seal(content, _place(request.id, f"file/{name}"))
        session.add(RequestFile(request_id=request.id, name=name, content=sealed, made_at=now))
    _note(session, request, "request.answered", outcome=outcome.value, files=sorted(files or {}))
    await _tell(session, service, request, "answered", number=shown(request.number))


async def of_holder(session: AsyncSession, holder: Holder) -> list[PersonRequest]:
    """The holder's requests, the newest first: open ones, and those that were answered lately."""
    query = sa.select(PersonRequest).where(_of(holder), _still_shown())
    return list(await session.scalars(query.order_by(PersonRequest.number.desc()).limit(50)))


async def one_of_holder(session: AsyncSession, holder: Holder, number: str) -> PersonRequest:
    """One of them. Raises `NotFoundError` for anybody else's, and for one whose answer is shown no more."""
    query = sa.select(PersonRequest).where(
        PersonRequest.number == _number(number), _of(holder), _still_shown()
    )
    found = await session.scalar(query)
    if found is None:
        raise NotFoundError("There is no such request.")
    return found


async def by_number(session: AsyncSession, number: str, *, held: bool = False) -> PersonRequest:
    """The request of a number as people read it; `held`: for a change. Raises `NotFoundError`."""
    query = sa.select(PersonRequest).where(PersonRequest.number == _number(number))
    found = await session.scalar(query.with_for_update() if held else query)
    if found is None:
        raise NotFoundError("There is no such request.")
    return found


async def file(session: AsyncSession, keyring: Keyring, request: PersonRequest, name: str) -> bytes:
    """A file of an answer; that it was given out is audited. Raises `NotFoundError`, `GoneError` once its
    time is over.
    """
    found = await session.get(RequestFile, (request.id, name))
    if found is None:
        if request.answered_at is not None and request.kind in BY_ITSELF:
            raise GoneError("The file is kept no more. Ask for a new one.")
        raise NotFoundError("There is no such file.")
    _note(session, request, "request.file_given", file=name)
    return keyring.open(found.content, _place(request.id, f"file/{name}"))


async def files_of(session: AsyncSession, request: PersonRequest) -> list[str]:
    """The names of an answer's files."""
    query = sa.select(RequestFile.name).where(RequestFile.request_id == request.id)
    return list(await session.scalars(query.order_by(RequestFile.name)))


def written(keyring: Keyring, request: PersonRequest) -> tuple[str, str]:
    """What the person wrote, and the answer; "" where there is none."""
    said, told = (
        "" if sealed is None else keyring.open(sealed, _place(request.id, column)).decode()
        for column, sealed in (("words", request.words), ("answer", request.answer))
    )
    return said, told


def last_day(request: PersonRequest) -> date:
    """The last day on which it may be answered."""
    return (request.answer_by - timedelta(seconds=1)).astimezone(LOCAL).date()


def _known(asked: Asking) -> sa.Select[PersonRequest]:
    same = sa.and_(
        PersonRequest.kind == asked.kind, PersonRequest.answered_at.is_(None),
        PersonRequest.carrier.is_not_distinct_from(asked.carrier),
        theirs(asked.id_token, asked.carrier, asked.msisdn_token),
    )  # fmt: skip
    return sa.select(PersonRequest).where(sa.or_(PersonRequest.form == asked.form, same)).limit(1)


def _of(holder: Holder) -> sa.ColumnElement[bool]:
    return theirs(holder.id_token, holder.carrier, holder.msisdn_token)


def _still_shown() -> sa.ColumnElement[bool]:
    return sa.or_(PersonRequest.answered_at.is_(None), PersonRequest.answered_at > clock.now() - SHOWN)


def _number(text: str) -> int:
    return numbers.read(text, numbers.REQUEST) or 0


def _sealed(keyring: Keyring, request: uuid.UUID, column: str, text: str | None) -> bytes | None:
    return None if text is None else keyring.seal(text.encode(), _place(request, column))


def _place(request: uuid.UUID, column: str) -> str:
    return f"person_request/{column}/{request}"


def _note(session: AsyncSession, request: PersonRequest, act: str, **detail: object) -> None:
    audit.record(session, act, f"request/{request.id}", detail, stream="request")


async def _tell(
    session: AsyncSession, service: Service, request: PersonRequest, what: str, **values: str
) -> None:  # fmt: skip
    """Tell the number's holder by SMS (or email, as notices do); who asked as a person looks at the page."""
    if request.telephone is None or request.msisdn_token is None:
        return
    national = int(service.keyring.open(request.telephone, _place(request.id, "telephone")))
    to = None
    for carrier in await _carriers(session, request):  # one of them is enough: it is one number
        to = to or await telling.reached(session, service, carrier, request.msisdn_token, national)
    if to is None:
        return
    text = words.WORDS[Language(request.language)](f"sms.{what}", **values)
    await telling.reply(
        session, service, to, request.language, text, uuid.uuid5(request.id, what), marks=True
    )  # fmt: skip


async def _carriers(session: AsyncSession, request: PersonRequest) -> Sequence[str]:
    """Those whose record a request about a number is of."""
    if request.carrier is not None:
        return [request.carrier]
    declaring = sa.select(Subscription.carrier).where(Subscription.msisdn_token == request.msisdn_token)
    return (await session.scalars(declaring.order_by(Subscription.carrier))).all()
