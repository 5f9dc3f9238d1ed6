"""Holders' questions that a carrier is to answer: read, answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field

from simcheck.api.bodies import Strict
from simcheck.api.guard import Acting, acts, service_of
from simcheck.helpdesk import numbers, questions
from simcheck.helpdesk.models import Back, Question, QuestionState, Queue
from simcheck.service import Service

router = APIRouter(tags=["questions"])


class WrittenView(Strict):
    """One thing that was written."""

    at: datetime
    by: str = Field(description="holder, or answer")
    text: str


class QuestionView(Strict):
    """A question. `number` is what its holder calls it by; `channel` the way by which the answer goes back.

    `proved`: whoever asks showed that they hold the number. Else tell nothing that only its holder may know.
    """

    id: UUID
    number: str
    state: QuestionState
    channel: Back
    language: str
    case: UUID | None
    proved: bool
    opened_at: datetime
    due_at: datetime
    answered_at: datetime | None
    written: list[WrittenView]


class QuestionPage(Strict):
    """Questions, the oldest first. `next`: what to send as `after` for the ones that follow."""

    questions: list[QuestionView]
    next: int | None


class Answer(Strict):
    """An answer: plain text, by SMS at most 600 characters. With `close` the question is done."""

    text: str = Field(min_length=1, max_length=10_000)
    close: bool = False


@router.get("/v1/questions")
async def of_carrier(
    request: Request,
    acting: Annotated[Acting, acts("questions")],
    state: QuestionState | None = QuestionState.OPEN,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> QuestionPage:
    """Questions about one's own numbers that one is to answer, the oldest first, a page at a time.

    What is not answered in time goes to staff, and is here no more.
    """
    service = service_of(request)
    found = await questions.page(acting.session, Queue.CARRIER, state=state, after=after, limit=limit)
    views = [await _view(acting, service, each) for each in found]
    return QuestionPage(questions=views, next=found[-1].number if len(found) == limit else None)


@router.post("/v1/questions/{question}/answers")
async def answer(
    question: UUID, said: Answer, request: Request, acting: Annotated[Acting, acts("questions")]
) -> QuestionView:
    """Answer a question: the answer goes to its holder as the question came."""
    service = service_of(request)
    held = await questions.answer(acting.session, service, question, said.text, close=said.close)
    return await _view(acting, service, held)


async def _view(acting: Acting, service: Service, question: Question) -> QuestionView:
    written = await questions.written(acting.session, service.keyring, question)
    return QuestionView(
        id=question.id, number=numbers.shown(question.number), state=QuestionState(question.state),
        channel=Back(question.channel), language=question.language, case=question.case_id,
        proved=question.proved, opened_at=question.opened_at, due_at=question.due_at,
        answered_at=question.answered_at,
        written=[
            WrittenView(at=each.at, by="answer" if each.is_answer else "holder", text=each.text)
            for each in written
        ],
    )  # fmt: skip
