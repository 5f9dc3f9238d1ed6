"""Open data: how many SIMs are real, by carrier and by province, as a page, CSV and JSON, for everybody.

What is given is made once a day (`reports.open_data`), with small groups hidden; here it is only handed out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response

from simcheck.errors import NotFoundError
from simcheck.messages.words import Language
from simcheck.public.door import Anybody, PageRoute
from simcheck.reports import open_data, sheets
from simcheck.reports.document import Cell, Share
from simcheck.reports.figures import By
from simcheck.reports.open_data import COLUMNS, COUNTRY, TOLD, Given, Line, Point
from simcheck.reports.words import WORDS, Words
from simcheck.web.pages import HEADERS

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PATH = "/open-data"
SHOWN_DAYS = 30  # of the way of the whole country on the page
# Anybody's program and page may ask; once a quarter of an hour is enough for what changes once a day.
_FILE = {
    **HEADERS,
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "public, max-age=900",
}
_HEAD = (*COLUMNS[:2], "name_vi", "name_en", *COLUMNS[2:])


@router.get(PATH)
async def page(visit: Anybody) -> Response:
    """The newest figures in tables."""
    telling = WORDS[visit.words.language]
    async with visit.opened() as session:
        found = await open_data.given(session)
        points = await open_data.trend(session, SHOWN_DAYS)
    tables = [(name, _rows(found.of(name), telling)) for name in By] if found else []
    days = [(telling.day(point.day), *_cells(point.line, telling)) for point in points]
    country = _rows(found.of(COUNTRY), telling) if found else []
    return visit.page(
        "open_data", found=found, verdicts=TOLD, tables=tables, days=days, path_of=PATH, country=country,
        telling=telling,
    )  # fmt: skip


@router.get(PATH + "/real-sims.csv")
async def table(visit: Anybody) -> Response:
    """The newest figures as CSV: a line for the country, each carrier and each province."""
    found = await _given(visit)
    rows = [(found.day.isoformat(), *row) for row in _lines(found.lines)]
    return _csv(("day", *_HEAD), rows, f"real-sims-{found.day}")


@router.get(PATH + "/real-sims.json")
async def data(visit: Anybody) -> Response:
    """The same as JSON, with what it rests on. `null`: hidden."""
    found = await _given(visit)
    told = {
        "day": found.day.isoformat(),
        "counted_on": found.counted_on.isoformat(),
        "made_at": found.made_at.isoformat(),
        "hidden_below": found.least,
        "rounded_to": found.least,
        "rows": [dict(zip(_HEAD, row, strict=True)) for row in _lines(found.lines)],
    }
    content = json.dumps(told, ensure_ascii=False).encode()
    return Response(content, media_type="application/json", headers=_FILE)


@router.get(PATH + "/trend.csv")
async def trend(visit: Anybody) -> Response:
    """The whole country on each day that was given."""
    async with visit.opened() as session:
        points: list[Point] = await open_data.trend(session)
    rows = [
        (point.day.isoformat(), *row[2:])
        for point, row in zip(points, open_data.as_rows(point.line for point in points), strict=True)
    ]
    return _csv(("day", *COLUMNS[2:]), rows, "real-sims-trend")


async def _given(visit: Anybody) -> Given:
    """The newest figures. Raises `NotFoundError` before the first."""
    async with visit.opened() as session:
        found = await open_data.given(session)
    if found is None:
        raise NotFoundError("Nothing was given yet.")
    return found


def _lines(lines: Sequence[Line]) -> list[list[Any]]:
    """Lines as rows of `_HEAD`: with the names beside the codes."""
    return [
        [row[0], row[1], *(_name(line, WORDS[language]) for language in Language), *row[2:]]
        for line, row in zip(lines, open_data.as_rows(lines), strict=True)
    ]


def _name(line: Line, telling: Words) -> str:
    if line.by == COUNTRY:
        return telling("all")
    return telling.carrier(line.key) if line.by == By.CARRIER else telling.province(line.key)


def _rows(lines: Sequence[Line], telling: Words) -> list[tuple[str, ...]]:
    """Lines as the page writes them: the name, SIMs, each verdict, the share."""
    return [(_name(line, telling), *_cells(line, telling)) for line in lines]


def _cells(line: Line, telling: Words) -> list[str]:
    share = None if line.share is None else Share(line.share)
    cells: list[Cell] = [line.all, *(line.verdicts[verdict] for verdict in TOLD), share]
    return [telling.cell(cell) for cell in cells]


def _csv(head: Sequence[str], rows: Sequence[Sequence[Any]], name: str) -> Response:
    content = sheets.BOM.encode() + sheets.csv_lines([head, *rows])
    headers = {**_FILE, "Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)
