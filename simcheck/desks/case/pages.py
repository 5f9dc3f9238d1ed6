"""Opening a case and what is known of it, taking it, having it longer, giving it back; and the look at what
is masked.
"""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Response
from starlette.responses import JSONResponse

from simcheck import clock
from simcheck.access.roles import Permission
from simcheck.desks.case import beside, page
from simcheck.desks.case.forms import Typed
from simcheck.desks.case.page import Banner
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.queue import choices
from simcheck.errors import ConflictError, NotAllowedError
from simcheck.review import claim, words

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
CASE = "/desk/cases/{case_id}"


@router.get(CASE)
async def look(visit: Annotated[Visit, needs(Permission.CASE_SEE)], case_id: uuid.UUID) -> Response:
    """The case, masked. Looking takes nothing: that is asked for."""
    return await page.answer(visit, case_id)


@router.get(f"{CASE}/known")
async def known(visit: Annotated[Visit, needs(Permission.CASE_SEE)], case_id: uuid.UUID) -> Response:
    """What is known beside the case's records, masked."""
    return await beside.answer(visit, case_id, page.carried(visit))


@router.post(f"{CASE}/show")
async def show(visit: Annotated[Visit, needs(Permission.CASE_UNMASK)], case_id: uuid.UUID) -> Response:
    """The case in clear, in this answer only, for a purpose that the audit chain names."""
    purpose = visit.form.line("purpose")
    if purpose not in words.group("purpose"):
        fault = {"purpose": visit.words("case.purpose_needed")}
        return await page.answer(visit, case_id, faults=fault, status=422)
    return await page.answer(visit, case_id, purpose=purpose)


@router.post(f"{CASE}/claim")
async def take(visit: Annotated[Visit, needs(Permission.CASE_CLAIM)], case_id: uuid.UUID) -> Response:
    """Take the case; supervisors also out of somebody else's hands (`over`). What was typed into a decision
    that was not taken is kept.
    """
    over = visit.form.line("over") == "yes"
    if over and not visit.can(Permission.CASE_ASSIGN):
        raise NotAllowedError("Only supervisors take a case out of somebody's hands.")
    try:
        async with visit.acting() as session:
            await claim.claim(session, visit.service.settings, case_id, visit.person.username, over=over)
    except ConflictError:
        return await page.answer(visit, case_id, banner=Banner("not_taken"), status=409)
    act = visit.form.line("act")
    if act in words.decisions():
        return await page.answer(visit, case_id, typed=Typed.of(visit, act))
    return visit.go(choices.case_address(case_id, page.carried(visit)))


@router.post(f"{CASE}/renew")
async def renew(visit: Annotated[Visit, needs(Permission.CASE_CLAIM)], case_id: uuid.UUID) -> Response:
    """Have the case longer: the page's script asks while somebody works on it. Until when, as JSON."""
    async with visit.acting() as session:
        until = await claim.renew(session, visit.service.settings, case_id, visit.person.username)
    seconds = (until - clock.now()).total_seconds()
    response = JSONResponse({"seconds": round(seconds), "until": visit.words.moment(until)})
    visit.jar.onto(response)
    return response


@router.post(f"{CASE}/release")
async def give_back(visit: Annotated[Visit, needs(Permission.CASE_CLAIM)], case_id: uuid.UUID) -> Response:
    """Give the case back, and go to the list."""
    async with visit.acting() as session:
        await claim.release(session, case_id, visit.person.username)
    visit.note("case.given_back")
    return visit.go(choices.address(page.carried(visit)))
