"""Saved views: a list under a name, one's own or everybody's."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Response

from simcheck.access.roles import Permission
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.desks.queue import choices
from simcheck.desks.queue.choices import QUEUE, Wanted
from simcheck.desks.queue.pages import the_list
from simcheck.errors import ConflictError, InvalidError
from simcheck.review import views
from simcheck.review.queue import Sort

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
_MOST_CARRIED = 2000


@router.post(f"{QUEUE}/views")
async def save(visit: Annotated[Visit, needs(Permission.QUEUE_SEE)]) -> Response:
    """Keep the list that was shown under a name. Only whoever works in the queue shares a view."""
    wanted = _wanted(visit)
    name, shared = visit.form.line("name"), visit.form.line("shared") == "yes"
    shared = shared and visit.can(Permission.CASE_CLAIM)
    try:
        async with visit.acting() as session:
            await views.save(
                session, visit.person.username, name, wanted.filter, wanted.sort, shared=shared
            )  # fmt: skip
    except (InvalidError, ConflictError) as error:
        key = "name_needed" if isinstance(error, InvalidError) else "name_taken"
        fault = {"name": visit.words(f"queue.views.{key}", most=views.MOST_NAME, views=views.MOST_VIEWS)}
        return await the_list(visit, wanted, faults=fault, typed=name, status=422)
    visit.note("queue.views.saved")
    return visit.go(wanted.address)


@router.post(f"{QUEUE}/views/{{view_id}}/remove")
async def remove(visit: Annotated[Visit, needs(Permission.QUEUE_SEE)], view_id: uuid.UUID) -> Response:
    """Remove a view of one's own."""
    wanted = _wanted(visit)
    async with visit.acting() as session:
        await views.remove(session, visit.person.username, view_id)
    visit.note("queue.views.removed")
    return visit.go(wanted.address)


def _wanted(visit: Visit) -> Wanted:
    """The list that the form stood on."""
    try:
        sort = Sort(visit.form.line("sort") or Sort.DEADLINE)
    except ValueError:
        raise InvalidError(f"sort: one of {', '.join(Sort)}.") from None
    return Wanted(choices.carried(visit.form.line("queue", _MOST_CARRIED)), sort)
