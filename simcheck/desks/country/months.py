"""Monthly reports: the list of months, a report as a page, as PDF and as workbook."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Response

from simcheck import audit
from simcheck.access.roles import Permission
from simcheck.desks.country import files
from simcheck.desks.country.pages import shown, words_of
from simcheck.desks.country.reader import Reader
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.errors import InvalidError, NotFoundError
from simcheck.reports import history, monthly, render, sheets
from simcheck.reports.document import Document
from simcheck.reports.monthly import Month

router = APIRouter(route_class=DeskRoute, include_in_schema=False)


@router.get("/desk/country/months")
async def months(visit: Annotated[Visit, needs(Permission.COUNTRY_SEE)]) -> Response:
    """The months of which there are figures."""
    words = words_of(visit)
    async with visit.acting() as session:
        found = await history.months(session)
        seen = await history.seen(session)
    told = [(f"{first:%Y-%m}", words.month(first)) for first in found]
    return visit.page("country/months", months=told, seen=seen, **shown(Reader.of(visit), words))


@router.get("/desk/country/months/{month}")
async def report(visit: Annotated[Visit, needs(Permission.COUNTRY_SEE)], month: str) -> Response:
    """The report of a month as a page."""
    document = await _made(visit, month)
    return visit.page(
        "country/month", document=document, month=month, is_number=render.is_number,
        **shown(Reader.of(visit), words_of(visit)),
    )  # fmt: skip


@router.get("/desk/country/months/{month}/file")
async def file(
    visit: Annotated[Visit, needs(Permission.COUNTRY_SEE, Permission.EXPORT)], month: str
) -> Response:
    """The same report as PDF or workbook, made when it is asked for: it takes a tenth of a second."""
    kind = files.kind_of(visit.request.query_params, files.Kind.PDF, files.Kind.XLSX)
    document = await _made(visit, month, kind)
    if kind is files.Kind.PDF:
        content = await asyncio.to_thread(render.pdf, document)
    else:
        grids = [grid for section in document.sections for grid in section.grids]
        content = await asyncio.to_thread(sheets.workbook, grids, words_of(visit))
    return files.answer(visit, content, f"simcheck-{month}", kind)


async def _made(visit: Visit, written: str, kind: files.Kind | None = None) -> Document:
    """The document as this reader may see it. Raises `NotFoundError` for what is no month."""
    try:
        month = Month.read(written)
    except InvalidError as error:
        raise NotFoundError(str(error)) from None
    if written != f"{month.first:%Y-%m}":
        raise NotFoundError("There is no such month.")
    async with visit.acting() as session:
        document = await monthly.make(session, month, words_of(visit), least=Reader.of(visit).least)
        if kind is not None:
            audit.record(session, "report.exported", f"report/{written}", {"format": kind.value})
    return document
