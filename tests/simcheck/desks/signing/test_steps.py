"""Signing in through the pages, and every way of not getting in."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import httpx
import pyotp
import pytest

from simcheck import clock
from simcheck.access import people, totp
from simcheck.access.people import New
from simcheck.access.roles import Role
from tests import desking
from tests.browsing import token_in
from tests.desking import HOST, PASSWORD, account
from tests.holding import acts

pytestmark = pytest.mark.anyio
WRONG, CODE_WRONG = "Tên đăng nhập hoặc mật khẩu chưa đúng.", "Mã này không đúng hoặc đã dùng."


async def send(http: httpx.AsyncClient, seen: str, fields: dict[str, str]) -> httpx.Response:
    page = await http.get(seen)
    return await http.post(seen.partition("?")[0], data={"form_token": token_in(page), **fields})


async def password(
    http: httpx.AsyncClient, username: str, typed: str = PASSWORD, seen: str = "/desk/sign-in"
):
    page = await http.get(seen)
    wanted = re.search(r'name="next" value="([^"]*)"', page.text)
    assert wanted
    fields = {"username": username, "password": typed, "next": html.unescape(wanted[1])}
    return await http.post("/desk/sign-in", data={"form_token": token_in(page), **fields})


async def enrol(http: httpx.AsyncClient) -> str:
    """From the page with the QR code to the recovery codes; the secret."""
    page = await http.get("/desk/sign-in/enrol")
    found = re.search(r'<code id="secret">([A-Z2-7 ]+)</code>', page.text)
    assert found
    assert "<svg" in page.text
    secret = found[1].replace(" ", "")
    answer = await send(http, "/desk/sign-in/enrol", {"code": pyotp.TOTP(secret).at(clock.now())})
    assert answer.status_code == 200, answer.text
    assert len(re.findall(r"<li>[a-z2-9]{5}-[a-z2-9]{5}</li>", answer.text)) == totp.RECOVERY_CODES
    return secret


@pytest.fixture
async def reviewer(service):
    return await account(service, Role.REVIEWER)


@pytest.fixture
async def secret(http, reviewer):
    """The second step of the reviewer, who has signed out again."""
    await password(http, reviewer)
    made = await enrol(http)
    page = await http.get("/desk/account")
    assert (await http.post("/desk/sign-out", data={"form_token": token_in(page)})).status_code == 303
    return made


async def test_the_first_sign_in_enrols_the_second_step(http, reviewer, owner):
    answer = await password(http, reviewer)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/sign-in/enrol")
    assert (await http.get("/desk")).headers["location"] == "/desk/sign-in?next=%2Fdesk"
    await enrol(http)
    assert "Xin chào, Nguyễn Reviewer" in (await http.get("/desk")).text
    assert [each for each in acts(owner) if each.startswith(("person.e", "sign_in"))] == [
        "person.enrolled", "sign_in.done",
    ]  # fmt: skip


async def test_then_the_code_is_asked_for_and_leads_where_somebody_was_going(http, reviewer, secret):
    assert (await http.get("/desk")).status_code == 303
    answer = await password(http, " Reviewer ", seen="/desk/sign-in?next=/desk/account?x=1")
    assert answer.headers["location"] == "/desk/sign-in/code"
    with clock.fixed(clock.now() + timedelta(seconds=30)):
        code = pyotp.TOTP(secret).at(clock.now())
        answer = await send(http, "/desk/sign-in/code", {"code": f"{code[:3]} {code[3:]}"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/account?x=1")
    assert (await http.get("/desk/sign-in")).headers["location"] == "/desk"


async def test_what_is_wrong_is_never_told_apart(http, reviewer, secret, owner):
    said = []
    for username, typed in ((reviewer, "wrong"), ("nobody", PASSWORD), ("not a name", PASSWORD)):
        answer = await password(http, username, typed)
        assert answer.status_code == 422
        assert WRONG in answer.text
        assert typed not in answer.text
        said.append(answer.text.replace(username, "").replace(token_in(answer), ""))
    owner.execute("UPDATE person SET disabled_at = now()")
    answer = await password(http, reviewer)
    said.append(answer.text.replace(reviewer, "").replace(token_in(answer), ""))
    assert len(set(said)) == 1
    assert (await http.get("/desk/sign-in/code")).headers["location"] == "/desk/sign-in"


async def test_empty_fields_are_said_by_field_and_count_no_try(http, owner):
    answer = await password(http, "", "")
    assert {name for name in ("username", "password") if f'id="{name}-fault"' in answer.text} == {
        "username",
        "password",
    }
    assert owner.execute("SELECT count(*) FROM rate_bucket").fetchone() == (0,)


async def test_a_code_that_is_wrong_or_was_used(http, reviewer, secret):
    await password(http, reviewer)
    used = pyotp.TOTP(secret).at(clock.now())
    for code in ("000000", "", used):
        answer = await send(http, "/desk/sign-in/code", {"code": code})
        assert (answer.status_code, CODE_WRONG in answer.text) == (422, True)
    assert (await http.get("/desk")).status_code == 303


async def test_too_many_tries(http, reviewer):
    for _ in range(10):
        assert (await password(http, reviewer, "wrong")).status_code == 422
    answer = await password(http, reviewer)
    assert answer.status_code == 429
    assert "Đã thử quá nhiều lần" in answer.text


async def test_nothing_from_before_the_sign_in_is_good_after_it(http, reviewer):
    """A planted browser id, an old form, the half sign-in of another browser."""
    page = await http.get("/desk/sign-in")
    before, planted = token_in(page), http.cookies["desk_visit"]
    await password(http, reviewer)
    half = http.cookies["desk_half"]
    await enrol(http)
    assert http.cookies["desk_visit"] != planted
    answer = await http.post("/desk/sign-out", data={"form_token": before})
    assert answer.status_code == 403
    assert "desk_half" not in http.cookies
    held = http.cookies["desk_session"]
    http.cookies.clear()
    await http.get("/desk/sign-in")
    http.cookies.set("desk_half", half, domain=HOST)
    assert (await http.get("/desk/sign-in/enrol")).headers["location"] == "/desk/sign-in"
    http.cookies.set("desk_session", "x" * 43, domain=HOST)  # a session that somebody made up
    await password(http, reviewer)
    assert http.cookies.get("desk_session") in {None, "", "x" * 43}
    http.cookies.set("desk_session", held, domain=HOST)
    assert (await http.get("/desk")).status_code == 200


async def test_a_session_begins_with_a_token_of_its_own(http, reviewer):
    http.cookies.set("desk_session", "planted" * 6, domain=HOST)
    await password(http, reviewer)
    await enrol(http)
    assert http.cookies["desk_session"] != "planted" * 6


async def test_the_cookies_are_kept_from_scripts_and_other_hosts(app, service):
    safe = service.settings.model_copy(update={"public_url": "https://sim.example.vn"})
    object.__setattr__(service, "settings", safe)
    name = await account(service, Role.REVIEWER)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="https://sim.example.vn"
    ) as http:
        await password(http, name)
        page = await http.get("/desk/sign-in/enrol")
        secret = re.search(r'<code id="secret">([A-Z2-7 ]+)</code>', page.text)[1].replace(" ", "")
        answer = await send(http, "/desk/sign-in/enrol", {"code": pyotp.TOTP(secret).at(clock.now())})
    cookies = [each for each in answer.headers.get_list("set-cookie") if "Max-Age=0" not in each]
    assert [each.partition("=")[0] for each in cookies] == ["__Host-desk_visit", "__Host-desk_session"]
    assert all("HttpOnly" in each and "Secure" in each and "Path=/" in each for each in cookies)
    assert ["strict" in cookies[0], "lax" in cookies[1]] == [True, True]


async def test_whoever_got_a_password_from_another_changes_it_first(http, service):
    async with service.database.transaction("operator", ministry=True) as session:
        drawn = await people.add(session, service, New("binh", "Lê Thị Bình", ["auditor"]))
    await password(http, "binh", drawn)
    await enrol(http)
    assert (await http.get("/desk")).headers["location"] == "/desk/account/password"
    answer = await send(http, "/desk/account/password", {"old": drawn, "new": PASSWORD, "again": PASSWORD})
    assert answer.headers["location"] == "/desk/account"
    assert "Đã đổi mật khẩu" in (await http.get("/desk/account")).text
    assert (await http.get("/desk")).status_code == 200


async def test_a_secret_stays_while_it_is_being_enrolled_and_is_nobody_elses(http, reviewer, app):
    await password(http, reviewer)
    pages = [(await http.get("/desk/sign-in/enrol")).text for _ in range(2)]
    secrets = {re.search(r'id="secret">([^<]+)<', page)[1] for page in pages}
    assert len(secrets) == 1
    wrong = await send(http, "/desk/sign-in/enrol", {"code": "000000"})
    assert (wrong.status_code, secrets.pop() in wrong.text) == (422, True)


async def test_passwords_can_be_switched_off(http, reviewer, service):
    token = token_in(await http.get("/desk/sign-in"))
    off = service.settings.model_copy(update={"staff_local": False})
    object.__setattr__(service, "settings", off)
    assert 'name="password"' not in (await http.get("/desk/sign-in")).text
    fields = {"form_token": token, "username": reviewer, "password": PASSWORD, "next": ""}
    assert (await http.post("/desk/sign-in", data=fields)).status_code == 404


async def test_a_carriers_person_arrives_at_the_portal(http, service):
    name = await account(service, Role.UPLOADER)
    await password(http, name, seen="/desk/sign-in?next=/desk/account")
    await enrol(http)
    assert (await http.get("/desk/sign-in?next=/desk/account")).headers["location"] == "/portal"
    assert (await http.get("/portal")).status_code == 200
    assert (await http.get("/desk")).status_code == 403


async def test_signing_out_ends_the_session_itself(http, reviewer, secret, app, service):
    held = await desking.token(service, Role.REVIEWER)
    http.cookies.set("desk_session", held, domain=HOST)
    page = await http.get("/desk")
    await http.post("/desk/sign-out", data={"form_token": token_in(page)})
    assert "desk_session" not in http.cookies
    http.cookies.set("desk_session", held, domain=HOST)
    assert (await http.get("/desk")).status_code == 303


@pytest.mark.parametrize(
    "typed", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "\0", "Đ" * 64]
)
async def test_what_is_typed_is_never_markup(http, typed):
    answer = await password(http, typed, "x")
    assert answer.status_code == 422
    for markup in ("<script>alert", "<img src=x", "49</"):
        assert markup not in answer.text
