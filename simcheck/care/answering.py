"""Answers that need nobody, and those that staff give by one press; late requests."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.care import copy, erase, looked, requests, subject
from simcheck.care.copy import Copy, Section
from simcheck.care.erase import Erased
from simcheck.care.models import PersonRequest, RequestKind, RequestOutcome
from simcheck.care.words import WORDS
from simcheck.errors import ConflictError
from simcheck.messages.words import Language
from simcheck.queue import enqueue_many
from simcheck.service import Service

# Requests whose answer is a job's: it was lost, or failed.
WAITING = sa.text("""
SELECT id FROM person_request
WHERE answered_at IS NULL AND kind IN ('copy', 'looked') AND made_at < :before ORDER BY number LIMIT 1000
""").bindparams(sa.bindparam("before", type_=sa.TIMESTAMP(timezone=True)))
# Requests of which a clock has run out: told once.
LATE = sa.text("""
UPDATE person_request SET late = true
WHERE answered_at IS NULL AND NOT late
  AND (answer_by <= :now OR state = 'received' AND acknowledge_by <= :now)
RETURNING id
""").bindparams(sa.bindparam("now", type_=sa.TIMESTAMP(timezone=True)))


async def by_itself(session: AsyncSession, service: Service, request_id: uuid.UUID) -> bool:
    """Answer a request for a copy, or for who looked, unless that was done; whether it was done now. The
    session needs the ministry's scope.
    """
    query = sa.select(PersonRequest).where(PersonRequest.id == request_id)
    request = await session.scalar(query.with_for_update())
    if request is None or request.answered_at is not None or request.kind not in requests.BY_ITSELF:
        return False
    if request.kind == RequestKind.COPY:
        await _copy(session, service, request)
    else:
        await _looked(session, service, request)
    return True


async def erased(session: AsyncSession, service: Service, number: str) -> Erased:
    """Erase what may go at a request, and answer it with what went and what stays. Raises `ConflictError`
    where it is no request for that, or answered, `NotFoundError`.
    """
    request = await requests.by_number(session, number, held=True)
    if request.kind != RequestKind.ERASE or request.answered_at is not None:
        raise ConflictError("This is no open request to erase.")
    done = await erase.erase(session, request)
    outcome = RequestOutcome.REFUSED if done.preserved else RequestOutcome.IN_PART
    await requests.answer(session, service, request, outcome, done.told(Language(request.language)))
    return done


async def wake_waiting(session: AsyncSession, before: datetime) -> int:
    """Wake answers whose job was lost; how many."""
    found = (await session.scalars(WAITING, {"before": before})).all()
    jobs = [{"args": {"request": str(each)}, "queueing_lock": f"care.answer/{each}"} for each in found]
    if jobs:
        await enqueue_many(session, "care.answer", jobs)
    return len(jobs)


async def take_late(session: AsyncSession) -> int:
    """Mark requests of which a clock has run out, each in the chain; how many."""
    found = (await session.scalars(LATE, {"now": clock.now()})).all()
    for each in found:
        audit.record(session, "request.late", f"request/{each}", stream="request")
    return len(found)


async def _copy(session: AsyncSession, service: Service, request: PersonRequest) -> None:
    made, language = await copy.make(session, service, request), Language(request.language)
    held = any(section.rows for section in made.sections if section.id in {"subscriptions", "cases"})
    files = {"copy.html": copy.as_html(made, language), "copy.json": copy.as_json(made)}
    text = WORDS[language]("copy.done" if held else "copy.nothing")
    await requests.answer(session, service, request, RequestOutcome.DONE, text, files)


async def _looked(session: AsyncSession, service: Service, request: PersonRequest) -> None:
    of = await subject.of(session, request)
    found, say = await looked.of(session, of), WORDS[Language(request.language)]
    if not found:
        await requests.answer(session, service, request, RequestOutcome.DONE, say("looked.none"))
        return
    made = Copy(clock.now(), of.person, [Section("looks", [copy.look(each) for each in found])])
    files = {
        "looked.html": copy.as_html(made, Language(request.language)), "looked.json": copy.as_json(made)
    }  # fmt: skip
    text = say("looked.done", count=say.number(len(found)))
    await requests.answer(session, service, request, RequestOutcome.DONE, text, files)
