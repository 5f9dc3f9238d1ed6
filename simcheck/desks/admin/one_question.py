"""One question: what was asked and answered, and answering it, handing it on, closing it.

Whoever may answer sees the words, and that they looked is audited; others see what became of it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.access.roles import Permission
from simcheck.cases import codes
from simcheck.cases.models import Case
from simcheck.desks.admin import asked
from simcheck.desks.admin.questions import LIST, Looker
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.errors import InvalidError
from simcheck.helpdesk import lists, numbers, questions
from simcheck.helpdesk.models import Back, Question, QuestionState
from simcheck.helpdesk.questions import MOST_ANSWER

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
Answerer = Annotated[Visit, needs(Permission.QUESTION_ANSWER)]
ONE = LIST + "/{number}"
STAFF = "staff"  # in place of a carrier's code
_MOST = 5_000  # characters of an answer that is written here: a form has to fit into a request


@router.get(ONE)
async def one(visit: Looker, number: str) -> Response:
    """A question."""
    return await _shown(visit, number)


@router.post(ONE + "/answer")
async def answer(visit: Answerer, number: str) -> Response:
    """Send the answer back the way the question came."""
    text, close = visit.form.text("text", 2 * _MOST), visit.form.fields.get("close") == "yes"
    if not 0 < len(text) <= _MOST:
        return await _shown(visit, number, 422, wrong="text", typed=text)
    try:
        async with visit.acting() as session:
            question = await _unchanged(session, visit, number)
            await questions.answer(session, visit.service, question.id, text, close=close)
    except InvalidError:
        return await _shown(visit, number, 422, wrong="text", typed=text)
    return _back(visit, number, "admin.questions.answered")


@router.post(ONE + "/hand")
async def hand(visit: Answerer, number: str) -> Response:
    """Have a carrier answer it, or staff."""
    to = visit.form.line("to")
    async with visit.acting() as session:
        known = to == STAFF or to in await asked.carriers(session)
    if not known:
        return await _shown(visit, number, 422, wrong="to")
    async with visit.acting() as session:
        question = await _unchanged(session, visit, number)
        await questions.give_to(session, question.id, None if to == STAFF else to)
    return _back(visit, number, "admin.questions.handed")


@router.post(ONE + "/close")
async def close(visit: Answerer, number: str) -> Response:
    """Close it without (more) answer."""
    async with visit.acting() as session:
        question = await _unchanged(session, visit, number)
        await questions.close_question(session, question.id)
    return _back(visit, number, "admin.questions.closed")


async def _unchanged(session: AsyncSession, visit: Visit, number: str) -> Question:
    return await lists.unchanged(session, number, visit.form.line("version", 60))


def _back(visit: Visit, number: str, what: str) -> Response:
    visit.note(what, number=number)
    return visit.go(LIST)


async def _shown(
    visit: Visit, number: str, status: int = 200, wrong: str = "", typed: str = ""
) -> Response:  # fmt: skip
    async with visit.acting() as session:
        question = await questions.by_number(session, number)
        may = visit.can(Permission.QUESTION_ANSWER)
        written = await questions.written(session, visit.service.keyring, question) if may else None
        case = await session.get(Case, question.case_id) if question.case_id else None
        carriers = await asked.carriers(session)
    shown = numbers.shown(question.number)
    is_open = question.state != QuestionState.CLOSED
    most = min(_MOST, MOST_ANSWER[Back(question.channel)])
    faults = {wrong: visit.words(f"admin.questions.fault.{wrong}", most=most)} if wrong else {}
    return visit.page(
        "admin/question", status, at=f"{LIST}/{shown}", question=question, number=shown, written=written,
        code=codes.shown(case.code) if case else None, case=case, carriers=carriers, is_open=is_open,
        version=lists.version_of(question), most=most, staff=STAFF, faults=faults, typed=typed,
        late=question.state == QuestionState.OPEN and question.due_at <= clock.now(),
    )  # fmt: skip
