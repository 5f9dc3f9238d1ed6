"""Holders' questions about the carrier's numbers: those due first, answered or handed to staff."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from simcheck import clock
from simcheck.access.roles import Permission
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.portal import telling
from simcheck.errors import ConflictError, InvalidError
from simcheck.helpdesk import numbers, questions
from simcheck.helpdesk.models import Back, QuestionState
from simcheck.helpdesk.questions import MOST_ANSWER
from simcheck.web import places

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

PAGE = 50
Reading = Annotated[Visit, needs(Permission.QUESTION_SEE)]
Answering = Annotated[Visit, needs(Permission.QUESTION_SEE, Permission.QUESTION_ANSWER)]


@router.get("/portal/questions")
async def listed(
    visit: Reading,
    state: Annotated[str, Query()] = QuestionState.OPEN,
    after: Annotated[str | None, Query(max_length=120)] = None,
) -> Response:
    """The carrier's questions, those due first; no word of them."""
    chosen = QuestionState(state) if state in set(QuestionState) else QuestionState.OPEN
    async with visit.acting() as session:
        found = await questions.by_due(
            session, telling.carrier_of(visit), chosen, places.read(after), PAGE + 1
        )
    last = found[PAGE - 1] if len(found) > PAGE else None
    return visit.page(
        "portal/questions", questions=found[:PAGE], state=chosen, states=list(QuestionState),
        number=numbers.shown, now=clock.now(), first=visit.address(after=None) if after else None,
        after=visit.address(after=places.write(last.due_at, last.id)) if last else None,
    )  # fmt: skip


@router.get("/portal/questions/{question}")
async def one(visit: Reading, question: uuid.UUID) -> Response:
    """A question and what was written. The look is audited."""
    return await _shown(visit, question)


@router.post("/portal/questions/{question}/answers")
async def answer(visit: Answering, question: uuid.UUID) -> Response:
    """Send an answer back the way the question came."""
    text = visit.form.text("text", max(MOST_ANSWER.values()))
    close = bool(visit.form.line("close"))
    try:
        async with visit.acting() as session:
            await questions.answer(session, visit.service, question, text, close=close)
    except InvalidError:
        return await _shown(visit, question, 422, wrong="portal.questions.wrong_length", text=text)
    except ConflictError:
        return await _shown(visit, question, 409, wrong="portal.questions.is_closed", text=text)
    visit.note("portal.questions.sent")
    return visit.go("/portal/questions")


@router.post("/portal/questions/{question}/close")
async def close(visit: Answering, question: uuid.UUID) -> Response:
    """End a question that needs no (more) answer."""
    async with visit.acting() as session:
        await questions.close_question(session, question)
    visit.note("portal.questions.ended")
    return visit.go("/portal/questions")


@router.post("/portal/questions/{question}/staff")
async def hand_over(visit: Answering, question: uuid.UUID) -> Response:
    """Have the ministry's staff answer a question that the carrier cannot answer."""
    person, carrier = visit.person, telling.carrier_of(visit)
    # The question is the carrier's no more then, so that its own scope could not write that.
    async with visit.service.database.transaction(person.actor, carrier, ministry=True) as session:
        await questions.hand_to_staff(session, question, carrier)
    visit.note("portal.questions.handed")
    return visit.go("/portal/questions")


async def _shown(
    visit: Visit, question: uuid.UUID, status: int = 200, *, wrong: str | None = None, text: str = ""
) -> Response:
    async with visit.acting() as session:
        found = await questions.by_id(session, question)
        written = await questions.written(session, visit.service.keyring, found)
    most = MOST_ANSWER[Back(found.channel)]
    faults: dict[str, Any] = {"text": visit.words(wrong, most=most)} if wrong else {}
    return visit.page(
        "portal/question", status, at=f"/portal/questions/{question}", question=found,
        number=numbers.shown(found.number), written=written, most=most, now=clock.now(), text=text,
        ended=found.state == QuestionState.CLOSED, faults=faults,
    )  # fmt: skip
