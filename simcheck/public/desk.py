"""The help desk: ask, and see how far a question is. The answer goes by SMS or email, never onto a page."""

from __future__ import annotations

import uuid
from typing import Any

import pyarrow as pa
from fastapi import APIRouter, Response

from simcheck.errors import InvalidError
from simcheck.helpdesk import questions
from simcheck.helpdesk.models import Back
from simcheck.helpdesk.questions import MOST_TEXT, Asking
from simcheck.messages.words import Channel
from simcheck.normalise import phones
from simcheck.privacy import mask_msisdn
from simcheck.public.door import Anybody, PageRoute, Visit
from simcheck.sending.addresses import require_usable

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_MOST = {"number": 40, "email": 254}


@router.get("/help")
async def help_desk(visit: Anybody) -> Response:
    """The form for a question, and for the number of one."""
    return _form(visit)


@router.post("/help")
async def ask(visit: Anybody) -> Response:
    """Take a question in."""
    text = visit.form.text("text", 4 * MOST_TEXT)
    number, email = visit.form.line("number", _MOST["number"]), visit.form.line("email", _MOST["email"])
    back = Back.EMAIL if visit.form.line("back") == Back.EMAIL else Back.SMS
    national, faults = _national(visit, number), {}
    if not text or len(text) > MOST_TEXT:
        faults["text"] = visit.words("fault.text", most=MOST_TEXT)
    if (number or back is Back.SMS) and not national:
        faults["number"] = visit.words("fault.number")
    if back is Back.EMAIL and not _is_email(email):
        faults["email"] = visit.words("fault.email")
    if faults:
        return _form(visit, 422, text=text, number=number, email=email, back=back, faults=faults)
    holds = visit.session is not None and visit.session.number == national
    asking = Asking(
        text, back, email if back is Back.EMAIL else f"+84{national}", visit.words.language.value,
        _form_id(visit), national, holds, visit.client,
    )  # fmt: skip
    async with visit.opened() as session:
        seen = await questions.open_question(session, visit.service, asking)
    return visit.go(f"/help/{seen.number}?asked=1")


@router.post("/help/look")
async def look(visit: Anybody) -> Response:
    """Find a question by its number."""
    typed = visit.form.line("question", 40)
    async with visit.opened() as session:
        seen = await questions.look(session, typed)
    if seen is None:
        return _form(visit, 422, question=typed, faults={"question": visit.words("fault.question")})
    return visit.go(f"/help/{seen.number}")


@router.get("/help/{number}")
async def question(visit: Anybody, number: str, asked: bool = False) -> Response:
    """How far a question is: no word of it, since whoever knows its number may not be who asked."""
    async with visit.opened() as session:
        seen = await questions.look(session, number)
    if seen is None:
        return _form(visit, 404, question="", faults={"question": visit.words("fault.question")})
    return visit.page("question", seen=seen, asked=asked)


def _form(visit: Visit, status: int = 200, **values: Any) -> Response:
    own = visit.session.number if visit.session else None
    return visit.page(
        "help", status, at="/help",
        **{"text": "", "number": "", "email": "", "back": Back.SMS, "question": "", "most": MOST_TEXT,
           "form_id": uuid.uuid4(), "own": mask_msisdn(f"+84{own}") if own else None, **values},
    )  # fmt: skip


def _national(visit: Visit, number: str) -> int:
    """The number that was typed, as a national significant number; a holder's own where none was. 0: none."""
    if not number and visit.session is not None and visit.session.number is not None:
        return visit.session.number
    return int(phones.normalise(pa.array([number])).national[0])


def _is_email(text: str) -> bool:
    try:
        require_usable(Channel.EMAIL, text)
    except InvalidError:
        return False
    return True


def _form_id(visit: Visit) -> uuid.UUID:
    try:
        return uuid.UUID(visit.form.line("form_id", 36))
    except ValueError:
        raise InvalidError("The form cannot be read.") from None
