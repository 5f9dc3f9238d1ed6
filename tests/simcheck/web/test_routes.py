"""What a route raises is told by its door's page, whatever it is."""

from __future__ import annotations

import uuid

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from simcheck.errors import ConflictError, SimcheckError, UnavailableError
from simcheck.web.routes import PagesRoute

pytestmark = pytest.mark.anyio


class Told(PagesRoute):
    @staticmethod
    def trouble(request: Request, error: SimcheckError) -> Response:
        return Response(error.code, error.http_status)


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (ConflictError("x"), (409, "conflict")), (UnavailableError("x"), (503, "unavailable")),
        (ZeroDivisionError("x"), (500, "defect")), (HTTPException(418, "x"), (418, '{"detail":"x"}')),
    ],
)  # fmt: skip
async def test_what_is_raised(raised, told):
    router, app = APIRouter(route_class=Told), FastAPI()

    @router.get("/it/{number}")
    async def fails(number: uuid.UUID) -> Response:
        raise raised

    app.include_router(router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        answer = await http.get(f"/it/{uuid.uuid4()}")
        assert (answer.status_code, answer.text) == told
        assert (await http.get("/it/none")).status_code == 400
