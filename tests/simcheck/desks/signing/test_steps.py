"""Signing in through the pages, and every way of not getting in."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import httpx
import pyotp
import pytest

from simcheck import clock
from simcheck.access import totp
from simcheck.access.roles import Role
from tests.browsing import token_in
from tests.desking import PASSWORD, account
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
