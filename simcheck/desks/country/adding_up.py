"""Whether everything adds up: each equality with both its sums, and the lines of one that does not."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Response

from simcheck import audit
from simcheck.access.roles import Permission
from simcheck.desks.country import files
from simcheck.desks.country.pages import shown, words_of
from simcheck.desks.country.reader import Reader
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.errors import InvalidError, NotFoundError
from simcheck.reports import invariants, sheets
from simcheck.reports.document import Grid
from simcheck.reports.invariants import INVARIANTS, Invariant, Key, Line
from simcheck.reports.words import Words

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

PATH = "/desk/country/reconciliation"
ROWS = 50
_MOST_DIGITS = 6  # of how many lines are passed over
# Lines name single things, so they are for those who may see small groups.
SEEN = (Permission.COUNTRY_SEE, Permission.COUNTRY_SMALL)


@router.get(PATH)
async def equalities(visit: Annotated[Visit, needs(*SEEN)]) -> Response:
    """Every equality as it was checked last."""
    words = words_of(visit)
    async with visit.acting() as session:
        checks = await invariants.newest(session)
    return visit.page(
        "country/adding_up", checks=checks, off=sum(each.off > 0 for each in checks), path=PATH,
        unchecked=len(INVARIANTS) - len(checks), **shown(Reader.of(visit), words),
    )  # fmt: skip


@router.get(PATH + "/{name}")
async def lines(visit: Annotated[Visit, needs(*SEEN)], name: str) -> Response:
    """What does not add up now."""
    invariant, words = _known(name), words_of(visit)
    past = visit.request.query_params.get("past", "0")
    if not past.isascii() or not past.isdigit() or len(past) > _MOST_DIGITS:
        raise InvalidError("The place in the list is not known. Begin at its first page.")
    async with visit.acting() as session:
        found = await invariants.off(session, invariant, int(past), ROWS + 1)
    rows = [(line, _key(line, invariant), _href(visit, line, invariant)) for line in found[:ROWS]]
    following = int(past) + ROWS if len(found) > ROWS else None
    return visit.page(
        "country/adding_up_lines", invariant=invariant, rows=rows, past=int(past), following=following,
        path=PATH, **shown(Reader.of(visit), words),
    )  # fmt: skip


@router.get(PATH + "/{name}/file")
async def file(visit: Annotated[Visit, needs(*SEEN, Permission.EXPORT)], name: str) -> Response:
    """The same lines as a file, all of them."""
    invariant, words = _known(name), words_of(visit)
    kind = files.kind_of(visit.request.query_params)
    async with visit.acting() as session:
        found = await invariants.off(session, invariant, most=invariants.MOST_LINES)
        detail = {"equality": name, "format": kind.value, "rows": len(found)}
        audit.record(session, "country.lines_exported", f"country/reconciliation/{name}", detail)
    grid = _grid(found, invariant, words)
    content = sheets.workbook([grid], words) if kind is files.Kind.XLSX else sheets.grid_csv(grid)
    return files.answer(visit, content, f"simcheck-{name.replace('_', '-')}", kind)


def _known(name: str) -> Invariant:
    if name not in INVARIANTS:
        raise NotFoundError("There is no such equality.")
    return INVARIANTS[name]


def _grid(found: list[Line], invariant: Invariant, words: Words) -> Grid:
    head = [
        words("head.carrier"),
        words(f"line.{invariant.key}"),
        words("head.counted"),
        words("head.accounted"),
    ]
    rows = [(words.carrier(line.carrier), line.key, line.counted, line.accounted) for line in found]
    return Grid(words(f"invariant.{invariant.name}"), head, rows)


def _key(line: Line, invariant: Invariant) -> str:
    """What a line is about, as it is read: a token is cut short."""
    return line.key[:12] if invariant.key is Key.SUBSCRIPTION else line.key


def _href(visit: Visit, line: Line, invariant: Invariant) -> str | None:
    """The page of what a line is about, for those who may open it."""
    if invariant.key is Key.CASE and visit.can(Permission.CASE_SEE):
        return f"/desk/cases/{uuid.UUID(line.key)}"
    if invariant.key is Key.ORDER and visit.can(Permission.ORDERS_SEE):
        return f"/desk/orders/{uuid.UUID(line.key)}"
    return None
