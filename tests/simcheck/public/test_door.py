"""The door of every page: whose form it is, what it may hold, how it answers."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter, Response

from simcheck.errors import InvalidError, NotFoundError, TooManyError, UnavailableError
from simcheck.public.door import Anybody, PageRoute
from tests.browsing import token_in

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def routes(app):
    """A page that takes a form, and one that fails as it is told."""
    router = APIRouter(route_class=PageRoute)
    errors: dict[str, Exception] = {
        "invalid": InvalidError("0912345678"), "not_found": NotFoundError("0912345678"),
        "too_many_requests": TooManyError("0912345678", 150), "unavailable": UnavailableError("0912345678"),
        "defect": ZeroDivisionError("0912345678"),
    }  # fmt: skip

    @router.post("/try/form")
    async def form(visit: Anybody) -> Response:
        return Response(visit.form.line("name", 40) + "|" + visit.form.text("more", 40))

    @router.get("/try/fails/{how}")
    async def fails(visit: Anybody, how: str) -> Response:
        raise errors[how]

    app.include_router(router)
    app.include_router(router, prefix="/en")


async def send(http, fields: dict[str, str], **more: Any):
    token = token_in(await http.get("/"))
    return await http.post("/try/form", data={"form_token": token, **fields}, **more)


async def test_a_form_of_ours_is_taken(http):
    answer = await send(http, {"name": "An"})
    assert (answer.status_code, answer.text) == (200, "An|")


async def test_a_form_without_its_token(http):
    assert (await http.post("/try/form", data={"name": "An"})).status_code == 403
    await http.get("/")
    for token in ("", "x", "ă"):
        answer = await http.post("/try/form", data={"name": "An", "form_token": token})
        assert answer.status_code == 403
        assert "Trang đã mở quá lâu" in answer.text


async def test_the_token_of_another_browser(http, app):
    theirs = token_in(await http.get("/"))
    http.cookies.clear()
    mine = token_in(await http.get("/"))
    assert theirs != mine
    assert (await http.post("/try/form", data={"form_token": theirs})).status_code == 403
    assert (await http.post("/try/form", data={"form_token": mine})).status_code == 200


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200)])
async def test_a_form_from_another_site(http, site, status):
    answer = await send(http, {"name": "An"}, headers={"Sec-Fetch-Site": site})
    assert answer.status_code == status


async def test_a_cookie_that_is_not_one_of_ours(http):
    http.cookies.set("visit", "x")
    page = await http.get("/")
    assert page.headers["set-cookie"].startswith("visit=")


async def test_other_bodies(http):
    for kind, body in {
        "application/json": b"{}",
        "multipart/form-data; boundary=x": b"--x--",
        "text/plain": b"name=An",
    }.items():
        answer = await http.post("/try/form", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 415, kind
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"name=\xff", b"name=%FF", b"name=a&name=b", b"&".join(b"a%d=" % n for n in range(30))):
        answer = await http.post("/try/form", content=body, headers=form)
        assert answer.status_code == 400, body
    answer = await http.post("/try/form", content=b"name=" + b"a" * 70_000, headers=form)
    assert answer.status_code == 413


async def test_what_cannot_be_seen_is_not_there(http):
    hidden = "\u202eA\u200bn\u2066 \u00a0\tB\x00i\u0300\ufeffnh\r\nSet-Cookie: x"
    answer = await send(http, {"name": hidden, "more": "a\u202e\r\n\r\n b\x07"})
    assert answer.text == "An Bình Set-Cookie: x|a\n\n b"


async def test_a_field_that_is_too_long(http):
    assert (await send(http, {"name": "a" * 41})).status_code == 400


@pytest.mark.parametrize(
    ("how", "status", "vi", "en"),
    [
        ("invalid", 400, "không thực hiện được", "cannot be done"),
        ("not_found", 404, "Không có trang này", "no such page"),
        ("too_many_requests", 429, "khoảng 3 phút", "about 3 minutes"),
        ("unavailable", 503, "Dịch vụ đang bận", "is busy"),
        ("defect", 500, "Có lỗi phía chúng tôi", "on our side"),
    ],
)
async def test_errors_are_pages_that_tell_nothing_of_a_person(http, how, status, vi, en):
    for prefix, words in (("", vi), ("/en", en)):
        answer = await http.get(f"{prefix}/try/fails/{how}")
        assert answer.status_code == status
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert words in " ".join(answer.text.split())
        assert "0912345678" not in answer.text
    if how == "too_many_requests":
        assert answer.headers["retry-after"] == "150"
