"""My numbers, with a real identity provider over HTTP."""

from __future__ import annotations

import re

import httpx
import pytest
from pydantic import AnyHttpUrl, SecretStr

from tests.holding import BINH, CHI

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(settings, identities):
    identities.add("binh", id_number=BINH.id_number)
    identities.add("chi", id_number=CHI.id_number)
    identities.add("odd", id_number="not a number")
    return settings.model_copy(
        update={
            "oidc_issuer": AnyHttpUrl(identities.issuer), "oidc_client_id": "simcheck",
            "oidc_client_secret": SecretStr("hush"),
        }
    )  # fmt: skip


async def consented(walker, who: str) -> str:
    """Where the provider sends the browser back to, when this person consents there."""
    go = await walker.http.get(f"{walker.prefix}/my/sign-in")
    assert go.status_code == 303
    async with httpx.AsyncClient(trust_env=False) as browser:
        back = await browser.post(go.headers["location"], data={"sub": who})
    return back.headers["location"].removeprefix("http://127.0.0.1:8080")


async def sign_in(walker, who: str) -> httpx.Response:
    return await walker.http.get(await consented(walker, who))


def handles(page: httpx.Response) -> list[str]:
    return re.findall(r'action="(?:/en)?/my/([0-9a-f]+)/confirm"', page.text)


async def test_every_number_of_a_person(walker):
    start = await walker.http.get("/my")
    assert "/my/sign-in" in start.text
    back = await sign_in(walker, "binh")
    assert 'content="0;url=/my"' in back.text
    page = await walker.http.get("/my")
    assert "Có 3 số đứng tên bạn" in page.text
    for shown in ("+84******001", "+84******002", "+84******003"):
        assert shown in page.text, shown
    assert "+84******004" not in page.text
    assert len(handles(page)) == 3


async def test_confirming_one_and_disowning_another(walker):
    await sign_in(walker, "binh")
    first, second, third = handles(await walker.http.get("/my"))
    assert (await walker.send("/my", {}, f"/my/{first}/confirm")).headers["location"] == "/my"
    page = await walker.http.get("/my")
    assert "Đã ghi nhận xác nhận của bạn" in page.text
    assert handles(page) == [second, third]
    assert (await walker.send(f"/my/{second}/not-mine", {})).headers["location"] == "/my"
    page = await walker.http.get("/my")
    assert "Đã báo không phải của bạn" in page.text
    assert handles(page) == [third]
    states = walker.owner.execute('SELECT state FROM "case"').fetchall()
    assert states.count(("disowned",)) == 1
    assert walker.owner.execute("SELECT means FROM confirmation").fetchall() == [("sign_in",)]


async def test_the_handles_of_somebody_else(walker, stranger):
    await sign_in(walker, "binh")
    handle = handles(await walker.http.get("/my"))[0]
    await sign_in(stranger, "chi")
    for path in (f"/my/{handle}/not-mine", f"/my/{'0' * 32}/not-mine", "/my/x/not-mine"):
        assert (await stranger.http.get(path)).status_code == 404
    assert (await stranger.send("/my", {}, f"/my/{handle}/confirm")).status_code == 404
    assert walker.owner.execute("SELECT count(*) FROM confirmation").fetchone() == (0,)


async def test_a_session_of_a_number_is_none_of_a_person_and_the_other_way(walker):
    await walker.prove(1)
    assert "/my/sign-in" in (await walker.http.get("/my")).text
    assert (await walker.http.get(f"/my/{'0' * 32}/not-mine")).status_code == 401
    await sign_in(walker, "binh")
    assert (await walker.http.get("/record")).status_code == 401


async def test_a_return_is_good_once_and_in_its_own_browser(walker, stranger):
    back = await consented(walker, "binh")
    theirs = await stranger.http.get(back)
    assert theirs.status_code == 401
    assert "Bạn chưa đăng nhập được" in theirs.text
    await walker.http.get(back)
    assert len(handles(await walker.http.get("/my"))) == 3
    assert (await walker.http.get(back)).status_code == 401
    assert (await walker.http.get("/my/return")).status_code == 401


async def test_another_browsers_return_signs_nobody_in_as_its_owner(walker, stranger):
    """A stranger's return address, which somebody is made to open: their state is not of this sign-in."""
    await walker.http.get("/my/sign-in")
    planted = await consented(stranger, "chi")
    assert (await walker.http.get(planted)).status_code == 401
    assert handles(await walker.http.get("/my")) == []


async def test_whom_the_provider_cannot_name(walker):
    for who in ("odd", "nobody"):
        answer = await sign_in(walker, who)
        assert answer.status_code == 401
        assert "Bạn chưa đăng nhập được" in answer.text


async def test_in_english_through_the_one_return_address(walker):
    walker.prefix = "/en"
    back = await sign_in(walker, "chi")
    assert 'content="0;url=/en/my"' in back.text
    assert '<html lang="en">' in back.text
    assert "Numbers in your name: 1." in (await walker.http.get("/en/my")).text


async def test_the_cookie_that_waits_is_lax_and_sealed(walker):
    go = await walker.http.get("/my/sign-in")
    [waiting] = [each for each in go.headers.get_list("set-cookie") if each.startswith("sign_in=")]
    assert "SameSite=lax" in waiting
    assert "HttpOnly" in waiting
