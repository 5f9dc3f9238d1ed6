"""How long everything is kept, what the last purges removed, and orders to preserve."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Response

from simcheck.access.roles import Permission
from simcheck.care import preserve, purge, retention
from simcheck.desks.care.asked import KEEPING, Looker, tabs
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.errors import ConflictError, InvalidError

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
Keeper = Annotated[Visit, needs(Permission.CARE_PRESERVE)]


@router.get(KEEPING)
async def keeping(visit: Looker) -> Response:
    """The retention table beside the newest purge, older purges, orders that stand."""
    return await _shown(visit)


@router.post(KEEPING + "/preserve")
async def place(visit: Keeper) -> Response:
    """Preserve everything of a number or a person."""
    of, basis = visit.form.line("of", 40), visit.form.line("basis", 4 * preserve.MOST_BASIS)
    try:
        async with visit.acting() as session:
            await preserve.place(session, visit.service.keyring, of, basis)
    except InvalidError as error:
        return await _shown(visit, wrong="basis" if str(error).startswith("basis") else "of", basis=basis)
    except ConflictError:
        return await _shown(visit, wrong="twice", basis=basis)
    visit.note("care.preserved")
    return visit.go(KEEPING)


@router.post(KEEPING + "/preserve/{order}/lift")
async def lift(visit: Keeper, order: uuid.UUID) -> Response:
    """End an order."""
    async with visit.acting() as session:
        await preserve.lift(session, order)
    visit.note("care.lifted")
    return visit.go(KEEPING)


async def _shown(visit: Visit, wrong: str = "", basis: str = "") -> Response:
    table, settings = retention.load(), visit.service.settings
    async with visit.acting() as session:
        purges = await purge.newest(session)
        ended = [each for each in purges if each.ended_at is not None]
        newest = await purge.counts(session, ended[0].id) if ended else []
        orders = await preserve.standing(session)
        named = await tabs(visit, session)
    counts = {each.kind: each for each in newest}
    rows: list[tuple[Any, float | None, Any]] = [
        (rule, rule.kept_days(settings), counts.get(rule.id)) for rule in table.rules
    ]
    most = preserve.MOST_BASIS
    faults = (
        {"of" if wrong == "twice" else wrong: visit.words(f"care.fault.{wrong}", most=most)} if wrong else {}
    )
    return visit.page(
        "care/keeping", 422 if wrong else 200, at=KEEPING, tabs=named, current=KEEPING, version=table.version,
        rows=rows, purges=purges, orders=orders, basis=basis, faults=faults,
        may=visit.can(Permission.CARE_PRESERVE),
    )  # fmt: skip
