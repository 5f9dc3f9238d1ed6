"""Holders' questions at the ministry's desk: lists by what is due first, and figures."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Response

from simcheck import clock
from simcheck.access.roles import Permission
from simcheck.desks.admin import asked
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.errors import NotFoundError
from simcheck.helpdesk import figures, lists, numbers
from simcheck.helpdesk.lists import After, Which

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
Looker = Annotated[Visit, needs(Permission.QUESTION_SEE)]
LIST, FIGURES = "/desk/questions", "/desk/questions/figures"
_SPANS = ("7", "30", "90")
_AFTER = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})~(\d{1,18})")


@router.get(LIST)
async def listed(visit: Looker) -> Response:
    """A list of questions; or the one whose number is typed."""
    typed = asked.text(visit, "number", 40)
    if typed and numbers.read(typed) is not None:
        return visit.go(f"{LIST}/{numbers.shown(numbers.read(typed) or 0)}")
    which = asked.word(visit, "which", Which) or Which.STAFF
    async with visit.acting() as session:
        codes = await asked.carriers(session)
        about = asked.one_of(visit, "about", codes)
        page = await lists.page(session, which, about, _after(asked.text(visit, "after")))
        counts = await lists.counts(session)
    faults = {"number": visit.words("admin.questions.fault.number")} if typed else {}
    return visit.page(
        "admin/questions", 422 if faults else 200, tabs=tabs(visit, counts), which=which, page=page,
        carriers=codes, about=about or "", typed=typed, faults=faults, now=clock.now(),
        number_of=numbers.shown, current=_tab(which),
        after=page.after and visit.address(after=_said(page.after)),
    )  # fmt: skip


@router.get(FIGURES)
async def told(visit: Looker) -> Response:
    """How well questions are answered, by the carrier that they are about."""
    span = asked.one_of(visit, "days", _SPANS) or "30"
    until = clock.now()
    async with visit.acting() as session:
        found = await figures.figures(session, until - timedelta(days=int(span)), until)
        counts = await lists.counts(session)
    rows = sorted(found.items(), key=lambda each: each[0] or "")
    whole = [sum(column) for column in zip(*(each[:6] for _, each in rows), strict=True)] or [0] * 6
    return visit.page(
        "admin/questions_figures", tabs=tabs(visit, counts), current=FIGURES, rows=rows, whole=whole,
        span=span, spans=_SPANS,
    )  # fmt: skip


def tabs(visit: Visit, counts: dict[Which, int]) -> list[tuple[str, str, Any]]:
    """The lists and the figures."""
    said = [(_tab(each), visit.words(f"admin.questions.tab.{each}"), counts.get(each)) for each in Which]
    return [*said, (FIGURES, visit.words("admin.questions.tab.figures"), None)]


def _tab(which: Which) -> str:
    return LIST if which is Which.STAFF else f"{LIST}?which={which}"


def _after(text: str) -> After | None:
    """A place in a list out of an address; None where there is none. Raises `NotFoundError`."""
    if not text:
        return None
    found = _AFTER.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        return After(datetime.fromisoformat(found[1]).replace(tzinfo=UTC), int(found[2]))
    except ValueError:
        raise NotFoundError("There is no such page of this list.") from None


def _said(after: After) -> str:
    at = after.at.astimezone(UTC).replace(tzinfo=None)
    return f"{at.isoformat(timespec='microseconds')}~{after.number}"
