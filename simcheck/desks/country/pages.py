"""The dashboard's pages: the country, its patterns, and their tables as files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Response
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit
from simcheck.access.roles import Permission
from simcheck.desks.country import asked as asking
from simcheck.desks.country import files, flows, inspection, overview
from simcheck.desks.country.asked import Asked
from simcheck.desks.country.flows import Flows
from simcheck.desks.country.overview import Overview
from simcheck.desks.country.reader import Reader
from simcheck.desks.country.told import Part
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.errors import InvalidError
from simcheck.normalise import provinces
from simcheck.reports import patterns, sheets
from simcheck.reports.document import Share
from simcheck.reports.words import WORDS, Words

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

CARRIERS = sa.text("SELECT code FROM carrier ORDER BY code")


@router.get("/desk/country")
async def country(visit: Annotated[Visit, needs(Permission.COUNTRY_SEE)]) -> Response:
    """How much of the country is real, and how the work goes."""
    reader, words = Reader.of(visit), words_of(visit)
    async with visit.acting() as session:
        carriers = list(await session.scalars(CARRIERS))
        asked = asking.read(visit.request.query_params, carriers, parts=reader.sees_all)
        now, work = await _read(session, asked, reader, words)
    return visit.page(
        "country/country", now=now, work=work, asked=asked, days=asking.DAYS,
        carriers=[(each, words.carrier(each)) for each in carriers],
        provinces=[*provinces.names().items(), (asking.UNKNOWN, words.province(""))],
        target=visit.service.settings.target_share, flow_days=flows.DAYS, **shown(reader, words),
    )  # fmt: skip


@router.get("/desk/country/patterns")
async def striking(
    visit: Annotated[Visit, needs(Permission.COUNTRY_SEE, Permission.PATTERN_SEE)],
) -> Response:
    """People and points of sale that stand out."""
    reader, words = Reader.of(visit), words_of(visit)
    async with visit.acting() as session:
        found = await inspection.read(session, reader, words)
    return visit.page(
        "country/patterns", found=found, thresholds=patterns.thresholds(), most=inspection.MOST,
        **shown(reader, words),
    )  # fmt: skip


@router.get("/desk/country/tables")
async def tables(
    visit: Annotated[Visit, needs(Permission.COUNTRY_SEE, Permission.EXPORT)],
) -> Response:
    """All tables of a page as a workbook, or one of them as CSV: as this reader sees them."""
    reader, words = Reader.of(visit), words_of(visit)
    query = visit.request.query_params
    kind, name = files.kind_of(query), query.get("table")
    async with visit.acting() as session:
        if query.get("page") == "patterns":
            parts = await _striking(session, reader, words)
        else:
            carriers = list(await session.scalars(CARRIERS))
            asked = asking.read(query, carriers, parts=reader.sees_all)
            now, work = await _read(session, asked, reader, words)
            parts = [*(now.parts if now else ()), *(work.parts if work else ())]
        found = [each for part in parts for each in part.sheets if name in {None, each.name}]
        if not found or (kind is files.Kind.CSV and name is None):
            raise InvalidError("There is no such table. Open it from its page.")
        detail = {"tables": [each.name for each in found], "format": kind.value}
        audit.record(session, "country.exported", "country", detail)
    grids = [each.grid for each in found]
    content = sheets.workbook(grids, words) if kind is files.Kind.XLSX else sheets.grid_csv(grids[0])
    return files.answer(visit, content, name or "simcheck", kind)


async def _read(
    session: AsyncSession, asked: Asked, reader: Reader, words: Words
) -> tuple[Overview | None, Flows | None]:
    now = await overview.read(session, asked, reader, words)
    return now, await flows.read(session, asked, reader, words)


async def _striking(session: AsyncSession, reader: Reader, words: Words) -> Sequence[Part]:
    found = await inspection.read(session, reader, words) if reader.patterns else None
    return found.parts if found else ()


def words_of(visit: Visit) -> Words:
    """The words of figures, in the visit's language."""
    return WORDS[visit.words.language]


def shown(reader: Reader, words: Words) -> dict[str, Any]:
    """What every page of the room needs."""
    return {"reader": reader, "words": words, "svg": Markup, "share": Share}
