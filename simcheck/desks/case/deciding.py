"""Decisions: taken in, the next case at once; refused on a stale or lost case with what was typed kept;
undone.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Response

from simcheck.access.roles import Permission
from simcheck.cases.decide import Side, Wanted
from simcheck.cases.decide import decide as make_move
from simcheck.cases.states import State, Who
from simcheck.desks.case import page
from simcheck.desks.case.forms import MOST_NOTE, Typed
from simcheck.desks.case.page import Banner
from simcheck.desks.case.pages import CASE
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.queue import choices
from simcheck.errors import ConflictError, InvalidError
from simcheck.review import claim, decide, words
from simcheck.review.changes import StaleError
from simcheck.review.claim import LeaseLostError
from simcheck.review.decide import Choice

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
_MOST_VERSION = 9  # digits


@router.post(f"{CASE}/decide")
async def decide_case(
    visit: Annotated[Visit, needs(Permission.CASE_DECIDE, Permission.CASE_CLAIM)], case_id: uuid.UUID
) -> Response:
    """Take a decision in, and go to the next case of the list. A reason has to be chosen; a note may be
    written."""
    code, filter_ = visit.form.line("decision"), page.carried(visit)
    known = words.decisions().get(code)
    if known is None:
        raise InvalidError("decision: choose one of those that the page offers.")
    typed = Typed.of(visit, code)
    if typed.reason not in known.reasons:
        fault = {"reason": visit.words("case.reason_needed")}
        return await page.answer(visit, case_id, typed=typed, faults=fault, status=422)
    choice = Choice(code, typed.reason, _version(visit), typed.note or None)
    try:
        async with visit.acting() as session:
            made = await decide.decide(
                session, visit.service, case_id, visit.person.username, choice, then=filter_
            )
    except ConflictError as error:
        return await refused(visit, case_id, error, typed)
    if made.next is None:
        visit.note("queue.none_left")
        return visit.go(choices.address(filter_))
    return visit.go(choices.case_address(made.next.id, filter_))


async def refused(visit: Visit, case_id: uuid.UUID, error: ConflictError, typed: Typed) -> Response:
    """The case as it is now, with what changed or who has it, and what was typed."""
    if isinstance(error, StaleError):
        banner = Banner("stale", error.changes)
    elif isinstance(error, LeaseLostError):
        until = None if error.ended_at is None else visit.words.moment(error.ended_at)
        banner = Banner("lost", who=error.taken_by, until=until)
    else:
        banner = Banner("refused")
    return await page.answer(visit, case_id, banner=banner, typed=typed, status=409)


@router.post("/desk/decisions/{decision_id}/undo")
async def undo(visit: Annotated[Visit, needs(Permission.CASE_DECIDE)], decision_id: uuid.UUID) -> Response:
    """Take one's own decision back, and go back to its case."""
    filter_ = page.carried(visit)
    try:
        async with visit.acting() as session:
            case = await decide.undo(session, decision_id)
    except ConflictError:
        return visit.page("case/too_late", 409, at=choices.address(filter_), back=choices.address(filter_))
    visit.note("case.undone")
    return visit.go(choices.case_address(case.id, filter_))


@router.post(f"{CASE}/evidence")
async def evidence(
    visit: Annotated[Visit, needs(Permission.CASE_DECIDE, Permission.CASE_CLAIM)], case_id: uuid.UUID
) -> Response:
    """Add what one of two claimants showed: a dispute can be decided when both were heard."""
    side, note = visit.form.line("side"), visit.form.text("note", MOST_NOTE)
    typed = Typed("evidence", "", note, side)
    if side not in set(Side) or not note:
        fault = {"evidence": visit.words("case.evidence_needed")}
        return await page.answer(visit, case_id, typed=typed, faults=fault, status=422)
    wanted = Wanted("evidence", Who.STAFF, "heard_by_staff", note=note.encode(), side=Side(side))
    try:
        async with visit.acting() as session:
            await claim.renew(session, visit.service.settings, case_id, visit.person.username)
            case = await make_move(
                session,
                visit.service.keyring,
                case_id,
                wanted,
                referral=timedelta(days=visit.service.settings.referral_days),
            )
            if case.state != State.DISPUTED:
                raise ConflictError("Only a dispute needs evidence of two sides.")
    except ConflictError as error:
        return await refused(visit, case_id, error, typed)
    visit.note("case.evidence_kept")
    return visit.go(choices.case_address(case_id, page.carried(visit)))


def _version(visit: Visit) -> int:
    """The version of the case that stood on the page. Raises `InvalidError`."""
    text = visit.form.line("version")
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_VERSION):
        raise InvalidError("version: the page's own number.")
    return int(text)
