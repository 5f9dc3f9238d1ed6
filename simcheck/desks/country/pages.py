"""The dashboard's pages: the country, its patterns, and their tables as files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Response
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.access.roles import Permission
from simcheck.desks.country import asked as asking
from simcheck.desks.country import delivery, files, flows, goal, inspection, lives, overview
from simcheck.desks.country.asked import Asked
from simcheck.desks.country.flows import Flows
from simcheck.desks.country.overview import Overview
from simcheck.desks.country.reader import Reader
from simcheck.desks.country.told import Part, Room
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.errors import InvalidError
from simcheck.normalise import provinces
from simcheck.reports import patterns, render, sheets
from simcheck.reports.document import Document, Section, Share
from simcheck.reports.kinds import today
from simcheck.reports.words import WORDS, Words

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

# Pages of tables alone, by the last part of their address.
GOAL, CASES, NOTICES = "goal", "cases", "notices"
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


@router.get("/desk/country/goal")
@router.get("/desk/country/cases")
@router.get("/desk/country/notices")
async def room(visit: Annotated[Visit, needs(Permission.COUNTRY_SEE)]) -> Response:
    """The way to all SIMs being real; every case; what became of every notice."""
    reader, words = Reader.of(visit), words_of(visit)
    name = visit.request.url.path.rpartition("/")[2]
    async with visit.acting() as session:
        carriers = list(await session.scalars(CARRIERS))
        asked = asking.read(visit.request.query_params, carriers, parts=reader.sees_all)
        found = await _room(name, session, asked, visit, words)
    return visit.page(
        "country/room", room=name, found=found, asked=asked, days=asking.DAYS if name == GOAL else (),
        by_province=name != NOTICES, carriers=[(each, words.carrier(each)) for each in carriers],
        provinces=[*provinces.names().items(), (asking.UNKNOWN, words.province(""))], flow_days=flows.DAYS,
        **shown(reader, words),
    )  # fmt: skip


@router.get("/desk/country/tables")
async def tables(
    visit: Annotated[Visit, needs(Permission.COUNTRY_SEE, Permission.EXPORT)],
) -> Response:
    """All tables of a page as a workbook or PDF, or one of them as CSV: as this reader sees them."""
    words = words_of(visit)
    query = visit.request.query_params
    kind, name = files.kind_of(query, *files.Kind), query.get("table")
    async with visit.acting() as session:
        parts = await _parts(session, visit, words)
        found = [each for part in parts for each in part.sheets if name in {None, each.name}]
        if not found or (kind is files.Kind.CSV and name is None):
            raise InvalidError("There is no such table. Open it from its page.")
        detail = {"tables": [each.name for each in found], "format": kind.value}
        audit.record(session, "country.exported", "country", detail)
    grids = [each.grid for each in found]
    if kind is files.Kind.PDF:
        content = await asyncio.to_thread(render.pdf, _document(parts, words))
    else:
        content = sheets.workbook(grids, words) if kind is files.Kind.XLSX else sheets.grid_csv(grids[0])
    return files.answer(visit, content, name or "simcheck", kind)


async def _parts(session: AsyncSession, visit: Visit, words: Words) -> Sequence[Part]:
    """The parts of the page that an export is of."""
    reader, query = Reader.of(visit), visit.request.query_params
    page = query.get("page")
    if page == "patterns":
        return await _striking(session, reader, words)
    asked = asking.read(query, list(await session.scalars(CARRIERS)), parts=reader.sees_all)
    if page in {GOAL, CASES, NOTICES}:
        found = await _room(page, session, asked, visit, words)
        return found.parts if found else ()
    now, work = await _read(session, asked, reader, words)
    return [*(now.parts if now else ()), *(work.parts if work else ())]


def _document(parts: Sequence[Part], words: Words) -> Document:
    """Parts of a page as they are printed: all of them, whichever table was asked for."""
    day = today(clock.now())
    sections = [
        Section(part.heading, (), part.pictures, [each.grid for each in part.sheets if each.rows])
        for part in parts
    ]
    return Document(
        words("tables"), words.language.value, day, [words("printed", day=words.day(day))], sections
    )


async def _room(
    name: str, session: AsyncSession, asked: Asked, visit: Visit, words: Words
) -> Room | None:  # fmt: skip
    reader = Reader.of(visit)
    if name == GOAL:
        return await goal.read(session, asked, reader, words, visit.service.settings)
    read = lives.read if name == CASES else delivery.read
    return await read(session, asked, reader, words)


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
