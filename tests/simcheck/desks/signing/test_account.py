from __future__ import annotations

import re

import pytest

from simcheck.access.roles import Role
from tests.desking import PASSWORD, at_desk
from tests.holding import acts

pytestmark = pytest.mark.anyio
NEW = "một câu khác hẳn câu kia"


@pytest.fixture
async def reviewer(app):
    async with at_desk(app, Role.REVIEWER) as desk:
        yield desk


async def test_what_is_known_of_oneself(reviewer):
    text = (await reviewer.get("/desk/account")).text
    for shown in ("Nguyễn Reviewer", "Cán bộ xử lý", "Chrome, Linux", "Trình duyệt này"):
        assert shown in text


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"old": PASSWORD, "new": NEW, "again": NEW + "x"}, "again"),
        ({"old": "wrong", "new": NEW, "again": NEW}, "old"),
        ({"old": PASSWORD, "new": "short", "again": "short"}, "new"),
        ({"old": PASSWORD, "new": PASSWORD, "again": PASSWORD}, "new"),
        ({}, "old"),
    ],
)
async def test_a_password_that_is_not_taken(reviewer, owner, fields, fault):
    before = owner.execute("SELECT password_hash FROM person").fetchone()
    answer = await reviewer.send("/desk/account/password", fields)
    assert (answer.status_code, f'id="{fault}-fault"' in answer.text) == (422, True)
    assert owner.execute("SELECT password_hash FROM person").fetchone() == before
    assert (await reviewer.get("/desk")).status_code == 200


async def test_another_password_signs_out_all_other_browsers(app, reviewer, owner):
    async with at_desk(app, Role.REVIEWER) as other:
        held = reviewer.http.cookies["desk_session"]
        answer = await reviewer.send("/desk/account/password", {"old": PASSWORD, "new": NEW, "again": NEW})
        assert answer.headers["location"] == "/desk/account"
        assert reviewer.http.cookies["desk_session"] != held
        assert "Đã đổi mật khẩu" in (await reviewer.get("/desk/account")).text
        assert "Đã đổi mật khẩu" not in (await reviewer.get("/desk/account")).text
        assert (await other.get("/desk")).status_code == 303
    assert "person.password_changed" in acts(owner)


async def test_guessing_the_password_at_an_open_desk_is_limited(reviewer):
    wrong = {"old": "wrong", "new": NEW, "again": NEW}
    token = await reviewer.form_token()
    found = [
        (await reviewer.http.post("/desk/account/password", data={"form_token": token, **wrong})).status_code
        for _ in range(11)
    ]
    assert found == [422] * 10 + [429]


async def test_new_recovery_codes_for_the_password(reviewer, owner):
    answer = await reviewer.send("/desk/account/codes", {"password": "wrong"})
    assert (answer.status_code, 'id="password-fault"' in answer.text) == (422, True)
    answer = await reviewer.send("/desk/account/codes", {"password": PASSWORD})
    assert len(re.findall(r"<li>[a-z2-9]{5}-[a-z2-9]{5}</li>", answer.text)) == 10
    assert acts(owner)[-2:] == ["person.password_refused", "person.recovery_renewed"]


async def test_another_browser_of_ones_own_is_signed_out_and_nobody_elses(app, reviewer, owner):
    async with at_desk(app, Role.REVIEWER) as other, at_desk(app, Role.ANALYST) as stranger:
        ids = dict(owner.execute("SELECT username, id FROM staff_session ORDER BY made_at").fetchall())
        refused = await reviewer.send(f"/desk/account/sessions/{ids['analyst']}/end")
        assert refused.status_code == 404
        answer = await reviewer.send(f"/desk/account/sessions/{ids['reviewer']}/end")
        assert answer.headers["location"] == "/desk/account"
        assert "Đã đăng xuất trình duyệt đó." in (await reviewer.get("/desk/account")).text
        assert (await other.get("/desk")).status_code == 303
        assert (await stranger.get("/desk")).status_code == 200


async def test_names_of_people_and_browsers_are_never_markup(app, service):
    from simcheck.access import people
    from simcheck.access.people import New

    hostile = '<script>alert("An")</script>'
    async with service.database.transaction("operator", ministry=True) as session:
        new = New("an", hostile, ["manager"], "viettel", "a<b>@example.vn", None, PASSWORD)
        await people.add(session, service, new)
    async with at_desk(app, Role.MANAGER, name="an") as desk:
        for path in ("/portal", "/portal/account", "/portal/nowhere"):
            text = (await desk.get(path)).text
            assert "<script>alert" not in text
            assert "&lt;script&gt;" in text
