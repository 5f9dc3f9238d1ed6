"""All rooms of the desks together, and what a browser is told of an address under /desk or /portal that is
none.

A room is added by its routers in `ROUTERS`, and by what leads to it in `MENU`.
"""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from simcheck.access.roles import Permission
from simcheck.desks.admin import doors as admin
from simcheck.desks.bulk import pages as bulk
from simcheck.desks.care import doors as protection
from simcheck.desks.case import care, deciding
from simcheck.desks.case import pages as case
from simcheck.desks.country import adding_up, lists, months
from simcheck.desks.country import pages as country
from simcheck.desks.double import agreement
from simcheck.desks.double import pages as double
from simcheck.desks.frame import menu, pages
from simcheck.desks.frame.door import DeskRoute, known, visit_of
from simcheck.desks.frame.menu import Entry
from simcheck.desks.holds import pages as holds
from simcheck.desks.orders import pages as orders
from simcheck.desks.policy import pages as policy
from simcheck.desks.policy import simulation
from simcheck.desks.portal import doors as portal
from simcheck.desks.queue import kept
from simcheck.desks.queue import pages as queue
from simcheck.desks.queue.choices import QUEUE
from simcheck.desks.signing import account, elsewhere, steps
from simcheck.desks.start import pages as start
from simcheck.errors import NotFoundError, SimcheckError

ROUTERS: tuple[APIRouter, ...] = (
    start.router, account.router, elsewhere.router, steps.router,
    queue.router, kept.router, case.router, deciding.router, care.router,
    bulk.router, orders.router, holds.router, double.router, agreement.router,
    country.router, lists.router, months.router, adding_up.router, simulation.router, policy.router,
    *protection.ROUTERS, *admin.ROUTERS, *portal.ROUTERS,
)  # fmt: skip
# In the order in which they stand in the menu. Nobody sees what they may not open.
MENU: tuple[Entry, ...] = (
    Entry(QUEUE, "queue", Permission.QUEUE_SEE),
    Entry("/desk/bulk", "bulk", Permission.BULK_PROPOSE),
    Entry("/desk/orders", "orders", Permission.ORDERS_SEE),
    Entry(holds.ROOM, "holds", Permission.HOLDS_SEE),
    Entry("/desk/double", "double", Permission.DOUBLE_JUDGE),
    Entry("/desk/agreement", "double.figures", Permission.DOUBLE_SEE),
    Entry("/desk/country", "country", Permission.COUNTRY_SEE),
    Entry(policy.ROOM, "policy", Permission.POLICY_SEE),
    *protection.MENU,
    *admin.MENU,
    *portal.MENU,
)

# Pages that whoever has not signed in may open, to do so or to undo it. Each has a door without a permission.
OPEN = {
    "/desk/sign-in", "/desk/sign-in/code", "/desk/sign-in/enrol", "/desk/sign-in/elsewhere",
    "/desk/sign-in/return", "/desk/sign-out",
}  # fmt: skip
# What is no page: anybody may have it, and nothing of the request is looked at.
FILES = "/desk/assets/{name}"

_files = APIRouter(route_class=DeskRoute, include_in_schema=False)


@_files.get(FILES)
async def asset(name: str) -> Response:
    """A style sheet, a script, a picture."""
    found = pages.ASSETS.answer(name)
    if found is None:
        raise NotFoundError("There is no such file.")
    return found


class MethodError(SimcheckError):
    """A page is asked for what it does not do."""

    code = "method_not_allowed"
    http_status = 405


def install(app: FastAPI) -> None:
    """Add the desks to the application. What fails under their addresses is told by a page, always."""
    app.state.menu = MENU
    for router in (*ROUTERS, _files):
        app.router.routes.extend(router.routes)
    inner = app.exception_handlers[HTTPException]

    async def nowhere(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if menu.side_of(request.url.path) is None:
            response: Response = await inner(request, error)  # type: ignore[misc]
            return response
        told = {404: NotFoundError("There is no such page."), 405: MethodError("Not so.")}
        visit = await known(visit_of(request))
        answer = visit.trouble(told.get(error.status_code, SimcheckError("The request cannot be used.")))
        answer.headers.update(error.headers or {})
        return answer

    def before(request: Request, error: SimcheckError) -> Response | None:
        """What is refused before any route is asked, such as a body that says itself too large."""
        return visit_of(request).trouble(error) if menu.side_of(request.url.path) else None

    app.add_exception_handler(HTTPException, nowhere)
    app.state.tell = before
