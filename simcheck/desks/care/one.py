"""One request: what was asked, its clocks, and answering it. What people wrote is for those who answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.access.roles import Permission
from simcheck.care import answering, clocks, requests
from simcheck.care.models import RequestKind, RequestOutcome
from simcheck.care.requests import MOST_ANSWER, MOST_WHY
from simcheck.desks.care.asked import LIST, Answerer, Looker, tabs
from simcheck.desks.frame.door import DeskRoute, Visit
from simcheck.errors import InvalidError
from simcheck.web.saved import media_type, saved

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
ONE = LIST + "/{request_number}"
_Act = Callable[[AsyncSession], Awaitable[object]]


@router.get(ONE)
async def one(visit: Looker, request_number: str) -> Response:
    """A request."""
    return await _shown(visit, request_number)


@router.post(ONE + "/acknowledge")
async def acknowledge(visit: Answerer, request_number: str) -> Response:
    """Tell the person that it is here, and until when it is answered."""
    return await _done(
        visit,
        request_number,
        lambda session: requests.acknowledge(session, visit.service, request_number),
        "acknowledged",
    )


@router.post(ONE + "/extend")
async def extend(visit: Answerer, request_number: str) -> Response:
    """Take the one extension, and tell why."""
    why = visit.form.line("why", 4 * MOST_WHY)
    return await _done(
        visit,
        request_number,
        lambda session: requests.extend(session, visit.service, request_number, why),
        "extended",
        "why",
    )


@router.post(ONE + "/answer")
async def answer(visit: Answerer, request_number: str) -> Response:
    """Answer it."""
    text, outcome = visit.form.text("text", 4 * MOST_ANSWER), visit.form.line("outcome", 20)
    if outcome not in set(RequestOutcome):
        return await _shown(visit, request_number, 422, wrong="outcome", typed=text)

    async def act(session: AsyncSession) -> None:
        request = await requests.by_number(session, request_number, held=True)
        await requests.answer(session, visit.service, request, RequestOutcome(outcome), text)

    return await _done(visit, request_number, act, "answered", "text", typed=text)


@router.post(ONE + "/erase")
async def erase(visit: Answerer, request_number: str) -> Response:
    """Erase what may go, and answer with what went and what stays."""
    return await _done(
        visit,
        request_number,
        lambda session: answering.erased(session, visit.service, request_number),
        "erased",
    )


@router.get(ONE + "/{file_name}")
async def file(visit: Answerer, request_number: str, file_name: str) -> Response:
    """A file of the answer, for somebody who stands before the desk."""
    kind = media_type(file_name)
    async with visit.acting() as session:
        request = await requests.by_number(session, request_number)
        content = await requests.file(session, visit.service.keyring, request, file_name)
    response = saved(file_name, kind, content)
    visit.jar.onto(response)
    return response


async def _done(
    visit: Visit, number: str, act: _Act, told: str, field: str = "", typed: str = ""
) -> Response:  # fmt: skip
    """Do it and say so; or show what is wrong with a field."""
    try:
        async with visit.acting() as session:
            await act(session)
    except InvalidError:
        return await _shown(visit, number, 422, wrong=field, typed=typed)
    visit.note(f"care.{told}", number=number)
    return visit.go(f"{LIST}/{number}")


async def _shown(
    visit: Visit, number: str, status: int = 200, wrong: str = "", typed: str = ""
) -> Response:  # fmt: skip
    may = visit.can(Permission.CARE_ANSWER)
    async with visit.acting() as session:
        request = await requests.by_number(session, number)
        files = await requests.files_of(session, request)
        named = await tabs(visit, session)
        if may and (request.words or request.answer):
            audit.record(session, "request.read", f"request/{request.id}", stream="request")
    said, told = requests.written(visit.service.keyring, request) if may else ("", "")
    shown, most = requests.shown(request.number), MOST_WHY if wrong == "why" else MOST_ANSWER
    values: dict[str, Any] = {
        "request": request, "number": shown, "files": files if may else [], "said": said, "told": told,
        "may": may, "tabs": named, "last_day": requests.last_day(request),
        "clock": clocks.load()[request.kind],
        "late": request.answered_at is None and request.answer_by <= clock.now(),
        "outcomes": list(RequestOutcome), "typed": typed, "most": MOST_ANSWER, "most_why": MOST_WHY,
        "by_itself": request.kind in requests.BY_ITSELF, "erasing": request.kind == RequestKind.ERASE,
    }  # fmt: skip
    faults = {wrong: visit.words(f"care.fault.{wrong}", most=most)} if wrong else {}
    return visit.page("care/one", status, at=f"{LIST}/{shown}", faults=faults, **values)
