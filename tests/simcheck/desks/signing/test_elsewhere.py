"""Signing in at a real OpenID Connect provider; nobody gets in who has no account here."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from simcheck.access import people
from simcheck.access.people import New
from simcheck.access.roles import Role
from tests.desking import HOST, account
from tests.holding import acts

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(settings, identities):
    return settings.model_copy(
        update={
            "staff_oidc_issuer": identities.issuer, "staff_oidc_client_id": "desks",
            "staff_oidc_client_secret": SecretStr("hush"), "staff_oidc_username_claim": "email",
            "staff_oidc_scope": "openid email",
        }
    )  # fmt: skip


@pytest.fixture
async def binh(service, identities):
    """Somebody with an account here, whom the provider knows."""
    async with service.database.transaction("operator", ministry=True) as session:
        await people.add(session, service, New("binh", "Lê Thị Bình", ["auditor"], claim="binh@ministry.vn"))
    identities.add("binh", email="binh@ministry.vn")
    return "binh"


async def there(http, who: str, path: str = "/desk/sign-in/elsewhere") -> str:
    """To the provider and back as far as our own address."""
    sent = await http.get(path)
    assert sent.status_code == 303
    async with httpx.AsyncClient(trust_env=False) as browser:
        back = await browser.post(sent.headers["location"], data={"sub": who})
    assert back.status_code == 302, back.text
    return back.headers["location"].removeprefix("http://127.0.0.1:8080")


async def test_somebody_with_an_account_signs_in_without_a_second_step_here(http, binh, owner):
    page = await http.get("/desk/sign-in?next=/desk/account")
    assert "/desk/sign-in/elsewhere?next=%2Fdesk%2Faccount" in page.text or "next=/desk/account" in page.text
    answer = await http.get(await there(http, "binh", "/desk/sign-in/elsewhere?next=/desk/account"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/account")
    text = (await http.get("/desk/account")).text
    assert "Lê Thị Bình" in text
    assert "account/password" not in text
    assert (await http.get("/desk/account/password")).status_code == 404
    assert acts(owner)[-1] == "sign_in.done"


async def test_nobody_else_gets_in(http, binh, identities, service, owner):
    await account(service, Role.REVIEWER)
    identities.add("stranger", email="stranger@ministry.vn")
    identities.add("reviewer", email="reviewer")  # the user name of an account with a password
    identities.add("nobody")
    for who, status in (("stranger", 401), ("reviewer", 401), ("nobody", 401)):
        answer = await http.get(await there(http, who))
        assert answer.status_code == status, who
        assert (await http.get("/desk")).status_code == 303
    assert acts(owner).count("sign_in.refused") == 2
    owner.execute("UPDATE person SET disabled_at = now() WHERE username = 'binh'")
    assert (await http.get(await there(http, "binh"))).status_code == 401


async def test_what_comes_back_is_not_believed(http, binh):
    back = await there(http, "binh")
    kept = http.cookies["desk_pending"]
    http.cookies.delete("desk_pending")
    assert (await http.get(back)).status_code == 401  # begun in another browser
    http.cookies.set("desk_pending", kept, domain=HOST)
    query = parse_qs(urlsplit(back).query)
    assert (await http.get(f"/desk/sign-in/return?code={query['code'][0]}&state=other")).status_code == 401
    assert (await http.get(back)).status_code == 401  # what was kept is good once
    assert (await http.get("/desk")).status_code == 303


async def test_a_sign_in_of_holders_is_none_of_staff(http, binh, identities):
    """The two registrations at providers are apart, as are what is kept of them."""
    back = await there(http, "binh")
    http.cookies.set("sign_in", http.cookies["desk_pending"], domain=HOST)
    assert (await http.get(back.replace("/desk/sign-in/return", "/my/return"))).status_code == 401


async def test_where_no_provider_is_set(http, service):
    off = service.settings.model_copy(update={"staff_oidc_issuer": None})
    object.__setattr__(service, "settings", off)
    assert "elsewhere" not in (await http.get("/desk/sign-in")).text
    assert (await http.get("/desk/sign-in/elsewhere")).status_code == 404


async def test_a_provider_that_is_away(http, service):
    away = service.settings.model_copy(update={"staff_oidc_issuer": "http://127.0.0.1:9"})
    object.__setattr__(service, "settings", away)
    answer = await http.get("/desk/sign-in/elsewhere")
    assert (answer.status_code, "Dịch vụ đang bận" in answer.text) == (503, True)
