"""All pages together, in each language, and what a browser is told of an address that is none."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from simcheck.errors import NotFoundError
from simcheck.public import appeal, correct, data, desk, my, open_data, pages, record, start
from simcheck.public.door import PageRoute, visit_of
from simcheck.public.words import PREFIX

# Paths of this package that are no pages: anybody may have them, and nothing of the request is looked at.
OPEN = {"/assets/{name}", "/robots.txt"}

PAGES = (
    start.router, record.router, correct.router, appeal.router, desk.router, my.router, data.router,
    open_data.router,
)  # fmt: skip

_others = APIRouter(route_class=PageRoute, include_in_schema=False)


@_others.get("/assets/{name}")
async def asset(name: str) -> Response:
    """The style sheet, the script, the icon."""
    found = pages.ASSETS.answer(name)
    if found is None:
        raise NotFoundError("There is no such file.")
    return found


@_others.get("/robots.txt")
async def robots() -> Response:
    """The start pages and open data may be found, nothing else."""
    found = ("/$", "/en/$", open_data.PATH, f"/en{open_data.PATH}")
    allowed = "".join(f"Allow: {path}\n" for path in found)
    return Response(f"User-agent: *\n{allowed}Disallow: /\n", media_type="text/plain")


# Every page in every language: made once, however many applications there are.
_WHOLE = APIRouter()
for _router in PAGES:
    for _prefix in PREFIX.values():
        _WHOLE.include_router(_router, prefix=_prefix)


def install(app: FastAPI) -> None:
    """Add the pages to the application, in all languages; where there is none, a browser gets a page too."""
    app.router.routes.extend((*_WHOLE.routes, *_others.routes))
    inner = app.exception_handlers[HTTPException]

    async def nowhere(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404 and "text/html" in request.headers.get("accept", ""):
            return visit_of(request).trouble(NotFoundError("There is no such page."))
        response: Response = await inner(request, error)  # type: ignore[misc]
        return response

    app.add_exception_handler(HTTPException, nowhere)
