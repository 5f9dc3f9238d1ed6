"""Adding people and finding their accounts."""

from __future__ import annotations

import re

import pytest

from simcheck.access import roster
from simcheck.access.roles import Role
from tests.desking import account
from tests.holding import acts

pytestmark = pytest.mark.anyio
NEW = {"username": "An.Nguyen", "name": "Nguyễn Văn An", "role_reviewer": "yes", "role_analyst": "yes"}
EVIL = "<script>alert(1)</script>"


def drawn(page) -> str:
    found = re.search(r'id="secret">([^<]+)<', page.text)
    assert found, page.text
    return found[1]


async def test_a_person_is_added_with_a_password_that_is_shown_once(admin, owner):
    page = await admin.send("/desk/people/_add", NEW)
    assert page.status_code == 200
    password = drawn(page)
    row = owner.execute("SELECT roles, must_change, carrier FROM person WHERE username = 'an.nguyen'")
    assert row.fetchone() == (["reviewer", "analyst"], True, None)
    for path in ("/desk/people", "/desk/people/an.nguyen", "/desk/audit"):
        seen = await admin.get(path)
        assert seen.status_code == 200
        assert password not in seen.text
    assert "Nguyễn Văn An" in (await admin.get("/desk/people?q=AN.N")).text
    whole = owner.execute("SELECT json_agg(audit)::text FROM audit").fetchone()[0]
    assert "person.added" in whole
    assert password not in whole
    assert "Văn An" not in whole


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"username": "x"}, "username"),
        ({"username": "an.0912345678"}, "username"),
        ({"username": "an\r\nSet-Cookie: a=b"}, "username"),
        ({"username": "../admin"}, "username"),
        ({"name": " "}, "name"),
        ({"email": "an"}, "email"),
        ({"email": "an@x.vn\r\nBcc: b@x.vn"}, "email"),
        ({"role_reviewer": "", "role_analyst": ""}, "roles"),
        ({"role_uploader": "yes"}, "roles"),
        ({"carrier": "viettel"}, "roles"),
        ({"carrier": "nowhere"}, "carrier"),
        ({"carrier": "viettel'--"}, "carrier"),
    ],
)
async def test_what_cannot_be_is_told_at_its_field(admin, owner, fields, fault):
    page = await admin.send("/desk/people/_add", NEW | fields)
    assert page.status_code == 422
    assert f'id="{fault}-fault"' in page.text
    assert owner.execute("SELECT count(*) FROM person").fetchone() == (1,)
    assert "set-cookie: a" not in str(page.headers).lower()


async def test_a_user_name_is_given_once(admin):
    assert (await admin.send("/desk/people/_add", NEW)).status_code == 200
    page = await admin.send("/desk/people/_add", NEW | {"name": EVIL})
    assert page.status_code == 409
    assert "is taken" in page.text
    assert EVIL not in page.text
    assert "&lt;script&gt;" in page.text


async def test_script_in_a_name_is_text_everywhere(admin):
    await admin.send("/desk/people/_add", NEW | {"name": EVIL})
    for path in ("/desk/people", "/desk/people/an.nguyen", f"/desk/people?q={EVIL}"):
        page = await admin.get(path)
        assert EVIL not in page.text, path
    assert "No account fits" in (await admin.get(f"/desk/people?q={EVIL}")).text


async def test_people_of_carriers_and_filters(admin, service):
    answer = {"username": "binh", "name": "Bình", "carrier": "viettel", "role_manager": "yes"}
    assert (await admin.send("/desk/people/_add", answer)).status_code == 200
    await account(service, Role.REVIEWER)
    every = {"binh", "reviewer", "administrator"}
    for query, found in {
        "": every, "whose=ministry": every - {"binh"}, "whose=viettel": {"binh"}, "whose=itel": set(),
        "role=reviewer": {"reviewer"}, "state=disabled": set(), "state=enabled": every,
        "q=in": {"binh", "administrator"},
        "q=%25": set(), "q=_": set(),
    }.items():  # fmt: skip
        page = await admin.get(f"/desk/people?{query}")
        assert set(re.findall(r'<th scope="row"><a href="/desk/people/([^"]+)"', page.text)) == found, query


async def test_a_long_list_comes_in_pages(admin, service, monkeypatch):
    monkeypatch.setattr(roster, "PAGE", 2)
    for name in ("ab", "ac", "ad"):
        await account(service, Role.REVIEWER, name=name)
    page = await admin.get("/desk/people?role=reviewer")
    onward = re.search(r'rel="next" href="([^"]+)"', page.text)
    assert onward
    rest = await admin.get(onward[1].replace("&amp;", "&"))
    assert 'href="/desk/people/ad"' in rest.text
    assert 'href="/desk/people/ac"' not in rest.text
    assert 'rel="next"' not in rest.text


async def test_acts_are_in_the_chain(admin, owner):
    await admin.send("/desk/people/_add", NEW)
    assert acts(owner)[-1] == "person.added"
    assert owner.execute("SELECT actor FROM audit WHERE subject = 'person/an.nguyen'").fetchone() == (
        "person:administrator",
    )  # fmt: skip
