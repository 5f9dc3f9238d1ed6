"""The door of every page of the desks: who is let in, whose form it is, how it answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Response

from simcheck import clock
from simcheck.access.roles import Permission, Role
from simcheck.desks.frame.door import DeskRoute, Visit, inside, needs
from simcheck.errors import ConflictError, InvalidError, NotFoundError, TooManyError, UnavailableError
from tests import desking
from tests.browsing import token_in
from tests.desking import at_desk
from tests.serving import ISSUER

pytestmark = pytest.mark.anyio
HIDDEN = "0912345678"


@pytest.fixture(autouse=True)
def routes(app):
    """A page that takes a form, one that fails as it is told, one of each side."""
    router = APIRouter(route_class=DeskRoute, include_in_schema=False)
    errors: dict[str, Exception] = {
        "invalid": InvalidError(HIDDEN), "not_found": NotFoundError(HIDDEN),
        "conflict": ConflictError(HIDDEN),
        "too_many_requests": TooManyError(HIDDEN, 150), "unavailable": UnavailableError(HIDDEN),
        "defect": ZeroDivisionError(HIDDEN),
    }  # fmt: skip

    @router.post("/desk/try/form")
    async def form(visit: Annotated[Visit, needs(Permission.CASE_DECIDE)]) -> Response:
        visit.note("signing.ended")
        return Response(visit.form.line("name", 40) + "|" + visit.person.actor)

    @router.get("/desk/try/fails/{how}")
    async def fails(visit: Annotated[Visit, needs(Permission.DESK_ENTER)], how: str) -> Response:
        raise errors[how]

    @router.get("/portal/try")
    async def question(visit: Annotated[Visit, needs(Permission.QUESTION_SEE)]) -> Response:
        async with visit.acting() as session:
            return Response(str(session.info["carrier"]))

    app.include_router(router)


@pytest.fixture
async def reviewer(app):
    async with at_desk(app, Role.REVIEWER) as desk:
        yield desk


async def test_a_page_without_a_permission_cannot_be_made():
    with pytest.raises(ValueError, match="permissions"):
        needs()


async def test_a_form_of_ours_is_taken(reviewer):
    answer = await reviewer.send("/desk/try/form", {"name": "An"})
    assert (answer.status_code, answer.text) == (200, "An|person:reviewer")


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200)])
async def test_a_form_from_another_site(reviewer, site, status):
    answer = await reviewer.send("/desk/try/form", {"name": "An"}, headers={"Sec-Fetch-Site": site})
    assert answer.status_code == status


async def test_a_form_without_its_token_or_with_somebody_elses(app, reviewer):
    async with at_desk(app, Role.SUPERVISOR) as other:
        theirs = await other.form_token()
    async with at_desk(app, Role.REVIEWER) as again:  # another session of the same person
        elsewhere = await again.form_token()
    for token in ("", "x", "ă", theirs, elsewhere):
        answer = await reviewer.http.post("/desk/try/form", data={"name": "An", "form_token": token})
        assert answer.status_code == 403
        assert "Biểu mẫu không còn hiệu lực" in answer.text


async def test_other_bodies_and_large_ones_are_told_by_pages(reviewer):
    for kind, body, status, words in (
        ("application/json", b"{}", 415, "Biểu mẫu không đọc được"),
        ("application/x-www-form-urlencoded", b"name=%FF", 400, "không thực hiện được"),
        ("application/x-www-form-urlencoded", b"name=" + b"a" * 70_000, 413, "quá lớn"),
    ):
        answer = await reviewer.http.post("/desk/try/form", content=body, headers={"Content-Type": kind})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert words in answer.text


@pytest.mark.parametrize(
    ("how", "status", "vi", "en"),
    [
        ("invalid", 400, "không thực hiện được", "cannot be done"),
        ("not_found", 404, "Không có trang này", "no such page"),
        ("conflict", 409, "Dữ liệu đã thay đổi", "changed meanwhile"),
        ("too_many_requests", 429, "khoảng 3 phút", "about 3 minutes"),
        ("unavailable", 503, "Dịch vụ đang bận", "is busy"),
        ("defect", 500, "Có lỗi phía hệ thống", "on our side"),
    ],
)
async def test_errors_are_pages_that_tell_nothing_of_a_person(reviewer, how, status, vi, en):
    for query, words in (("", vi), ("?lang=en", en)):
        answer = await reviewer.get(f"/desk/try/fails/{how}{query}")
        assert answer.status_code == status
        assert words in answer.text
        assert HIDDEN not in answer.text
        assert "Nguyễn Reviewer" in answer.text  # with the person's own menu
    if how == "too_many_requests":
        assert answer.headers["retry-after"] == "150"


async def test_addresses_that_are_none(http, reviewer):
    for client in (http, reviewer.http):
        for path in ("/desk/nowhere", "/portal/nowhere", "/desk/try/fails"):
            answer = await client.get(path)
            assert (answer.status_code, "Không có trang này" in answer.text) == (404, True)
        for method, path in (("PUT", "/desk"), ("GET", "/desk/sign-out"), ("DELETE", "/portal")):
            answer = await client.request(method, path)
            assert (answer.status_code, "không nhận thao tác" in answer.text) == (405, True)
    assert (await http.get("/desks")).headers["content-type"] == "application/problem+json"


async def test_the_language_is_kept_by_the_browser(reviewer):
    assert '<html lang="vi">' in (await reviewer.get("/desk")).text
    english = await reviewer.get("/desk?lang=en&x=1")
    assert '<html lang="en">' in english.text
    assert english.headers["content-language"] == "en"
    assert 'href="/desk?x=1&amp;lang=vi"' in english.text
    assert '<html lang="en">' in (await reviewer.get("/desk/account")).text
    assert '<html lang="en">' in (await reviewer.get("/desk?lang=fr")).text


async def test_what_a_browser_is_told_of_a_page(reviewer):
    answer = await reviewer.get("/desk")
    policy = dict(each.split(" ", 1) for each in answer.headers["content-security-policy"].split("; "))
    assert policy.pop("default-src") == "'none'"
    assert policy.pop("frame-ancestors") == policy.pop("base-uri") == "'none'"
    assert set(policy.values()) == {"'self'"}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_carriers_person_acts_for_their_carrier_and_is_not_let_in_elsewhere(app, reviewer):
    async with at_desk(app, Role.MANAGER, "mobifone") as desk:
        assert (await desk.get("/portal/try")).text == "mobifone"
        refused = await desk.get("/desk/try/fails/invalid")
        assert (refused.status_code, "Bạn không có quyền" in refused.text) == (403, True)
        assert 'href="/portal"' in refused.text
    assert (await reviewer.get("/portal/try")).status_code == 403  # though a reviewer may see questions


async def test_whoever_has_not_signed_in_is_sent_to_it_and_led_back(http):
    for path, led in (
        ("/desk/try/fails/x?a=1&b=%20c", "/desk/sign-in?next=%2Fdesk%2Ftry%2Ffails%2Fx%3Fa%3D1%26b%3D%2520c"),
        ("/portal/try", "/desk/sign-in?next=%2Fportal%2Ftry"),
        ("/desk/try/fails/x?a=<script>", "/desk/sign-in?next="),
    ):
        answer = await http.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(led)
        assert "script>" not in answer.headers["location"]
    answer = await http.post("/desk/try/form", data={})
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/sign-in")


async def test_a_session_that_is_over_is_forgotten(reviewer):
    with clock.fixed(clock.now() + timedelta(minutes=31)):
        answer = await reviewer.get("/desk")
        assert answer.headers["location"].startswith("/desk/sign-in")
        assert 'desk_session=""' in answer.headers["set-cookie"]


async def test_whoever_must_change_their_password_does_nothing_else(app, owner):
    async with at_desk(app, Role.REVIEWER) as desk:
        owner.execute("UPDATE person SET must_change = true")
        for path in ("/desk", "/desk/account", "/desk/try/fails/invalid"):
            assert (await desk.get(path)).headers["location"] == "/desk/account/password"
        assert "do người khác đặt" in (await desk.get("/desk/account/password")).text


async def test_the_cookies_of_holders_open_no_desk_and_those_of_desks_no_record(app, service):
    held = await desking.token(service, Role.REVIEWER)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as http:
        http.cookies.set("session", held)
        assert (await http.get("/desk")).status_code == 303
        http.cookies.clear()
        http.cookies.set("desk_session", held)
        assert (await http.get("/record")).status_code == 401
        token = token_in(await http.get("/desk"))
        assert token != token_in(await http.get("/"))
        assert (await http.post("/leave", data={"form_token": token})).status_code == 403


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("/desk", True), ("/portal/batches/", True),
        ("/desk/queue?carrier=viettel&after=2026-01-01%20x", True),
        ("/desk/case/0f3a.x", True),
        ("https://elsewhere.vn/desk", False),
        ("//elsewhere.vn", False),
        ("/desk//elsewhere.vn", False), ("/", False), ("/desks", False), ("/desk/../v1", False),
        ("/desk\\x", False), ("/desk\r\nSet-Cookie: x", False), ("/record", False),
        ("javascript:alert(1)", False), ("/desk" + "/a" * 600, False), ("", False),
    ],
)  # fmt: skip
async def test_where_somebody_may_be_led(address, ours):
    assert (inside(address) is not None) is ours
