"""The queue's pages: a list of cases, how it divides, what is looked for, and the next case of it.

A row shows nothing of a person: no number, no name. What is typed to be looked for stands in no address.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Response
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit
from simcheck.access.models import Carrier
from simcheck.access.roles import Permission
from simcheck.cases.models import Case
from simcheck.desks.frame import pages
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.queue import choices, lately
from simcheck.desks.queue.choices import QUEUE, Wanted
from simcheck.desks.queue.lines import lines
from simcheck.desks.queue.told import Told
from simcheck.errors import InvalidError
from simcheck.messages.words import Language
from simcheck.review import claim, queue, views
from simcheck.review.filters import Filter
from simcheck.review.queue import MOST_TYPED, Sort

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
_CARRIERS = sa.select(Carrier.code).order_by(Carrier.code)  # with every list: put together once
FACETS = f"{QUEUE}/facets"
_MOST_CARRIED = 2000
_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# The cases that somebody passed by lately, so that "next" does not lead back to them.
_PASSED, _MOST_PASSED, _PASSED_SECONDS = "desk_passed", 20, 3600


@router.get(QUEUE)
async def listed(visit: Annotated[Visit, needs(Permission.QUEUE_SEE)]) -> Response:
    """A page of the cases that fit, with the means to choose others."""
    return await the_list(visit, choices.read(visit.request.query_params.multi_items()))


async def the_list(
    visit: Visit, wanted: Wanted, *, faults: dict[str, str] | None = None, typed: str = "", status: int = 200
) -> Response:
    """The page of a list. `faults` and `typed` are of a view that could not be saved."""
    told, who = Told.now(visit.words), visit.person.username
    async with visit.acting() as session:
        page = await queue.page(session, wanted.filter, who, sort=wanted.sort, cursor=wanted.place)
        count = await queue.count(session, wanted.filter, who)
        saved = await views.listed(session, who)
        carriers = await _carriers(session)
        late = await lately.of(session, told)
    tabs, current = choices.tabs(told, wanted)
    return visit.page(
        "queue/list", status, at=wanted.address if status != 200 else None, connects=True,
        told=told, wanted=wanted, filter=choices.spelled(wanted.filter), count=count,
        cases=lines(told, page.cases, wanted.filter),
        before=page.before and choices.address(wanted.filter, wanted.sort, page.before),
        after=page.after and choices.address(wanted.filter, wanted.sort, page.after),
        sorts=[(choices.address(wanted.filter, each), each) for each in Sort], tabs=tabs, current=current,
        chips=choices.chips(told, wanted), views=saved,
        form=_form(visit.words.language, wanted.filter, wanted.sort, tuple(carriers)),
        view_address=lambda view: f"{QUEUE}?{view.query or 'open=yes'}&sort={view.sort}",
        facets=choices.address(wanted.filter, path=FACETS), late=late, typed=typed, faults=faults or {},
        everything=choices.address(Filter()),
    )  # fmt: skip


@lru_cache(256)
def _form(language: Language, filter_: Filter, sort: Sort, carriers: tuple[str, ...]) -> Markup:
    """The form that chooses another list. It says the same to everybody who looks at this one, and it is a
    fifth of the page's work.
    """
    say, wanted = pages.WORDS[language], Wanted(filter_, sort)
    form = choices.choices(Told.now(say), wanted, carriers)
    return Markup(pages.render("queue/form", say, form=form, sort=sort, faults={}))  # noqa: S704 (our own)


@router.get(FACETS)
async def facets(visit: Annotated[Visit, needs(Permission.QUEUE_SEE)]) -> Response:
    """How a list divides; each number leads to its list. All of the list is read, so nobody waits for it who
    did not ask."""
    told = Told.now(visit.words)
    wanted = choices.read(visit.request.query_params.multi_items())
    async with visit.acting() as session:
        found = await queue.facets(session, wanted.filter, visit.person.username)
    groups = [
        (
            name,
            [(choices.address(each.filter), _facet_words(told, name, each), each.cases) for each in values],
        )
        for name, values in found.items()
    ]  # fmt: skip
    return visit.page("queue/facets", groups=groups, back=wanted.address)


@router.post(f"{QUEUE}/search")
async def search(visit: Annotated[Visit, needs(Permission.QUEUE_SEE)]) -> Response:
    """The cases of a code, a phone number or an ID number. A single one is opened at once."""
    told, typed = Told.now(visit.words), visit.form.line("q", MOST_TYPED)
    async with visit.acting() as session:
        found: Sequence[Case] | None = None
        with suppress(InvalidError):
            found = await queue.search(session, visit.service.keyring, typed)
        if found is not None:
            audit.record(session, "case.searched", "queue", {"found": len(found)})
    if found is not None and len(found) == 1:
        return visit.go(choices.case_address(found[0].id, choices.STAFFS))
    # What was typed is not shown again: it names a person.
    return visit.page(
        "queue/found", 422 if found is None else 200, at=QUEUE, told=told,
        cases=lines(told, found or [], choices.STAFFS), unreadable=found is None,
    )  # fmt: skip


@router.post(f"{QUEUE}/next")
async def next_case(visit: Annotated[Visit, needs(Permission.CASE_CLAIM)]) -> Response:
    """Take the next case of a list, and give back the one that is passed by (`leave`)."""
    filter_, who = choices.carried(visit.form.line("queue", _MOST_CARRIED)), visit.person.username
    passed = _passed(visit)
    async with visit.acting() as session:
        leave = _id(visit.form.line("leave"))
        if leave is not None:
            await claim.release(session, leave, who)
            passed = [*(each for each in passed if each != leave), leave][-_MOST_PASSED:]
        case = await claim.next_case(session, visit.service.settings, filter_, who, passed)
    if leave is not None:
        visit.jar.put(_PASSED, ".".join(each.hex for each in passed), _PASSED_SECONDS, "lax")
    if case is None:
        visit.jar.drop(_PASSED)  # so that whoever asks again begins anew
        visit.note("queue.none_left_passed" if passed else "queue.none_left")
        return visit.go(choices.address(filter_))
    return visit.go(choices.case_address(case.id, filter_))


def _passed(visit: Visit) -> list[uuid.UUID]:
    found = (_id(each) for each in (visit.jar.get(_PASSED) or "").split(".")[:_MOST_PASSED])
    return [each for each in found if each is not None]


def _id(text: str) -> uuid.UUID | None:
    return uuid.UUID(text) if _ID.fullmatch(text) else None


async def _carriers(session: AsyncSession) -> Sequence[str]:
    return (await session.scalars(_CARRIERS)).all()


def _facet_words(told: Told, name: str, facet: queue.Facet) -> str:
    value = getattr(facet.filter, name)
    return told.chosen(name, next(iter(value)) if name == "reasons" else value)
