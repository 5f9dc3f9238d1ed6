"""Whose case it is for longer than a look: handed over, assigned, put off, given to the supervisors."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.access.roles import Permission
from simcheck.clock import LOCAL
from simcheck.desks.case import page
from simcheck.desks.case.deciding import refused
from simcheck.desks.case.forms import DAYS, Typed
from simcheck.desks.case.pages import CASE
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.queue import choices
from simcheck.errors import ConflictError, InvalidError
from simcheck.review import assign, claim, words

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
_Act = Callable[[AsyncSession], Awaitable[object]]


@router.get(f"{CASE}/give")
async def giving(visit: Annotated[Visit, needs(Permission.CASE_CLAIM)], case_id: uuid.UUID) -> Response:
    """The forms by which a case is given to a colleague."""
    return await page.answer_give(visit, case_id)


@router.post(f"{CASE}/hand-over")
async def hand_over(visit: Annotated[Visit, needs(Permission.CASE_CLAIM)], case_id: uuid.UUID) -> Response:
    """Give one's case to a colleague, with what they have to know."""
    to = visit.form.line("to")
    typed = Typed.of(visit, "hand_over", to)
    if not to or not typed.note:
        return await _faulty(visit, case_id, typed, "hand_over_needed")

    async def act(session: AsyncSession) -> None:
        await _require_colleague(session, visit, to)
        await claim.renew(session, visit.service.settings, case_id, visit.person.username)
        await assign.hand_over(session, visit.service, case_id, visit.person.username, to, typed.note)

    return await _done(visit, case_id, typed, act, "handed_over", to_list=True)


@router.post(f"{CASE}/assign")
async def give(visit: Annotated[Visit, needs(Permission.CASE_ASSIGN)], case_id: uuid.UUID) -> Response:
    """Give a case to somebody, or to nobody."""
    to = visit.form.line("to")

    async def act(session: AsyncSession) -> None:
        if to:
            await _require_colleague(session, visit, to)
        await assign.assign(session, case_id, to or None)

    return await _done(visit, case_id, Typed("assign", "", "", to), act, "assigned")


@router.post(f"{CASE}/snooze")
async def snooze(visit: Annotated[Visit, needs(Permission.CASE_CLAIM)], case_id: uuid.UUID) -> Response:
    """Put one's case off for some days, until the morning."""
    days = visit.form.line("days")
    typed = Typed.of(visit, "snooze", days)
    if typed.reason not in words.group("snooze") or days not in DAYS:
        return await _faulty(visit, case_id, typed, "snooze_needed")
    until = _morning(clock.now() + timedelta(days=int(days)))

    async def act(session: AsyncSession) -> None:
        await claim.renew(session, visit.service.settings, case_id, visit.person.username)
        await assign.snooze(session, case_id, visit.person.username, until, typed.reason)

    return await _done(visit, case_id, typed, act, "snoozed", to_list=True)


@router.post(f"{CASE}/wake")
async def wake(visit: Annotated[Visit, needs(Permission.CASE_CLAIM)], case_id: uuid.UUID) -> Response:
    """End a snooze."""
    return await _done(visit, case_id, Typed(), lambda session: assign.wake(session, case_id), "woken")


@router.post(f"{CASE}/escalate")
async def escalate(visit: Annotated[Visit, needs(Permission.CASE_CLAIM)], case_id: uuid.UUID) -> Response:
    """Give one's case to the supervisors."""
    typed = Typed.of(visit, "escalate")
    if typed.reason not in words.group("escalate"):
        return await _faulty(visit, case_id, typed, "escalate_needed")

    async def act(session: AsyncSession) -> None:
        who = visit.person.username
        await claim.renew(session, visit.service.settings, case_id, who)
        await assign.escalate(session, visit.service, case_id, who, typed.reason, typed.note or None)

    return await _done(visit, case_id, typed, act, "escalated", to_list=True)


@router.post(f"{CASE}/calm")
async def calm(visit: Annotated[Visit, needs(Permission.CASE_ASSIGN)], case_id: uuid.UUID) -> Response:
    """Take a case back from the supervisors."""
    return await _done(visit, case_id, Typed(), lambda session: assign.calm(session, case_id), "calmed")


async def _done(
    visit: Visit, case_id: uuid.UUID, typed: Typed, act: _Act, told: str, *, to_list: bool = False
) -> Response:  # fmt: skip
    """Do it, and say so: on the case's page, or (where the case is one's own no more) on the list."""
    filter_ = page.carried(visit)
    try:
        async with visit.acting() as session:
            await act(session)
    except ConflictError as error:
        return await refused(visit, case_id, error, typed)
    visit.note(f"case.{told}")
    return visit.go(choices.address(filter_) if to_list else choices.case_address(case_id, filter_))


async def _faulty(visit: Visit, case_id: uuid.UUID, typed: Typed, what: str) -> Response:
    fault = {typed.act: visit.words(f"case.{what}")}
    return await page.answer(visit, case_id, typed=typed, faults=fault, status=422)


async def _require_colleague(session: AsyncSession, visit: Visit, to: str) -> None:
    """Raise `InvalidError` unless it is somebody who decides cases."""
    if to not in {username for username, _ in await page.assignees(session, visit)}:
        raise InvalidError("to: choose one of the colleagues that the page offers.")


def _morning(at: datetime) -> datetime:
    """Eight o'clock of that day in Viet Nam."""
    return at.astimezone(LOCAL).replace(hour=8, minute=0, second=0, microsecond=0)
