"""Blind double review: the next case to be judged again, and the supervisor's list of judgements that
differ."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Response

from simcheck import clock
from simcheck.access.roles import Permission
from simcheck.desks.bulk import telling
from simcheck.desks.frame.actors import whose
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.errors import ConflictError, InvalidError
from simcheck.messages.words import Language
from simcheck.review import blind, double, records, words
from simcheck.review.double import Judgement
from simcheck.review.models import DoubleReview, RightOne

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

Judge = Annotated[Visit, needs(Permission.DOUBLE_JUDGE)]
Looker = Annotated[Visit, needs(Permission.DOUBLE_JUDGE, Permission.CASE_UNMASK)]
Supervisor = Annotated[Visit, needs(Permission.DOUBLE_SETTLE)]
ROOM = "/desk/double"
MOST_NOTE = 2000


@router.get("/desk/double")
async def start(visit: Judge) -> Response:
    """How many cases wait for the person."""
    async with visit.acting() as session:
        waiting = await double.waiting(session)
    return visit.page("double/start", waiting=waiting)


@router.post("/desk/double/next")
async def following(visit: Judge) -> Response:
    """Take the next one."""
    return await _next(visit)


@router.get("/desk/double/apart")
async def apart(visit: Supervisor) -> Response:
    """Judgements that differ."""
    async with visit.acting() as session:
        found = await double.apart(session)
    language = visit.words.language
    rows = [
        (each, _choice(each.first_decision, each.first_reason, language),
         _choice(each.second_decision, each.second_reason, language),
         visit.person.actor in {each.first_by, each.first_also, each.second_by})
        for each in found
    ]  # fmt: skip
    return visit.page("double/apart", rows=rows, whose=whose, right_ones=list(RightOne))


@router.get("/desk/double/{review_id}")
async def shown(visit: Judge, review_id: uuid.UUID) -> Response:
    """A case as it was, with the form."""
    return await _shown(visit, review_id)


@router.post("/desk/double/{review_id}")
async def judge(visit: Judge, review_id: uuid.UUID) -> Response:
    """Judge it, and go on with the next one."""
    decision, reason = telling.chosen(visit.form.line("choice"))
    note = visit.form.text("note", MOST_NOTE)
    try:
        async with visit.acting() as session:
            await double.judge(session, visit.service, review_id, Judgement(decision, reason, note))
    except InvalidError:
        return await _shown(visit, review_id, {"choice": visit.words("double.fault.choice")}, note)
    visit.note("double.judged")  # and not whether the two agree: the next one is to be judged as freely
    return await _next(visit)


@router.post("/desk/double/{review_id}/clear")
async def clear(visit: Looker, review_id: uuid.UUID) -> Response:
    """The case with its records in clear; the look is audited. Not an address that can be loaded again."""
    return await _shown(visit, review_id, clear=True)


@router.post("/desk/double/{review_id}/settle")
async def settle(visit: Supervisor, review_id: uuid.UUID) -> Response:
    """Say which one is right."""
    typed = visit.form.line("right")
    if typed not in set(RightOne):
        raise InvalidError("right: choose one of the two, or neither.")
    async with visit.acting() as session:
        await double.settle(session, review_id, RightOne(typed))
    visit.note("double.settled")
    return visit.go(f"{ROOM}/apart")


async def _next(visit: Visit) -> Response:
    async with visit.acting() as session:
        taken = await double.take(session, visit.service)
    return visit.go(f"{ROOM}/{taken.id}" if taken else ROOM)


async def _shown(
    visit: Visit, review_id: uuid.UUID, faults: dict[str, str] | None = None, note: str = "",
    *, clear: bool = False,
) -> Response:  # fmt: skip
    async with visit.acting() as session:
        review = await double.one(session, review_id)
        _require_held(visit, review)
        case = await blind.then(session, visit.service, review, clear=clear)
    both = await records.read(visit.service, case.wanted)
    say = visit.words
    return visit.page(
        "double/judge", 422 if faults else 200, at=f"{ROOM}/{review_id}", case=case, both=both, note=note,
        faults=faults or {}, most=MOST_NOTE,
        state=words.group("state")[case.state][say.language], chosen=visit.form.line("choice"),
        groups=telling.groups(double.decisions(), say.language),
        happened=[each.said(say.language) for each in case.history], until=review.claimed_until,
    )  # fmt: skip


def _require_held(visit: Visit, review: DoubleReview) -> None:
    until = review.claimed_until
    if review.claimed_by != visit.person.actor or until is None or until <= clock.now():
        raise ConflictError("You do not have this case (any more). Take the next one.")


def _choice(decision: str | None, reason: str | None, language: Language) -> telling.Choice:
    assert decision is not None  # judged: the table's check
    assert reason is not None
    return telling.choice(decision, reason, language)
