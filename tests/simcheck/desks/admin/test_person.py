"""Changing somebody's account, and everything that nobody can do to get more than they have."""

from __future__ import annotations

import asyncio
import re

import pytest

from simcheck.access import people
from simcheck.access.people import LastAdministratorError
from simcheck.access.roles import Role
from tests.desking import account, at_desk
from tests.simcheck.desks.admin.test_people import drawn

pytestmark = pytest.mark.anyio


@pytest.fixture
async def reviewer(service):
    return await account(service, Role.REVIEWER)


def roles(owner, username):
    return owner.execute("SELECT roles FROM person WHERE username = %s", [username]).fetchone()[0]


async def test_a_disabled_person_is_out_at_once_and_comes_back(app, admin, reviewer):
    async with at_desk(app, Role.REVIEWER) as desk:
        assert (await desk.get("/desk")).status_code == 200
        assert (await admin.send("/desk/people/reviewer/disable")).status_code == 303
        assert (await desk.get("/desk")).status_code == 303
    page = await admin.get("/desk/people/reviewer")
    assert "is disabled." in page.text
    assert 'action="/desk/people/reviewer/enable"' in page.text
    await admin.send("/desk/people/reviewer/enable")
    assert 'action="/desk/people/reviewer/disable"' in (await admin.get("/desk/people/reviewer")).text


async def test_other_roles_end_the_sessions(app, admin, owner, reviewer):
    async with at_desk(app, Role.REVIEWER) as desk:
        answer = await admin.send("/desk/people/reviewer/roles", {"role_auditor": "yes"})
        assert answer.status_code == 303
        assert (await desk.get("/desk")).status_code == 303
    assert roles(owner, "reviewer") == ["auditor"]
    for wrong in ({}, {"role_manager": "yes"}):
        page = await admin.send("/desk/people/reviewer/roles", wrong)
        assert (page.status_code, 'id="roles-fault"' in page.text) == (422, True)
    assert roles(owner, "reviewer") == ["auditor"]


async def test_a_reset_shows_a_password_once(admin, owner, reviewer):
    before = owner.execute("SELECT password_hash FROM person WHERE username = 'reviewer'").fetchone()
    page = await admin.send("/desk/people/reviewer/reset")
    assert page.status_code == 200
    assert len(drawn(page)) == 19
    after = "SELECT password_hash, must_change, totp_secret FROM person WHERE username = 'reviewer'"
    found = owner.execute(after).fetchone()
    assert found[0] != before[0]
    assert found[1:] == (True, None)


async def test_a_session_of_somebody_is_ended(app, admin, reviewer):
    async with at_desk(app, Role.REVIEWER) as desk:
        page = await admin.get("/desk/people/reviewer")
        [end] = re.findall(r'action="(/desk/people/reviewer/sessions/[^"]+)"', page.text)
        assert (await admin.send(end)).status_code == 303
        assert (await desk.get("/desk")).status_code == 303
    assert (await admin.send(end)).status_code == 404
    assert "signed in nowhere" in (await admin.get("/desk/people/reviewer")).text


async def test_nobody_changes_their_own_rights(admin, owner):
    page = await admin.get("/desk/people/administrator")
    assert 'action="/desk/people/administrator/roles"' not in page.text
    every = {f"role_{role}": "yes" for role in ("reviewer", "supervisor", "administrator")}
    for path, fields in (("roles", every), ("disable", {}), ("enable", {}), ("reset", {})):
        answer = await admin.send(f"/desk/people/administrator/{path}", fields)
        assert answer.status_code == 403, path
    assert roles(owner, "administrator") == ["administrator"]


async def test_nobody_else_gets_in(app, owner, reviewer):
    for role in set(Role) - {Role.ADMINISTRATOR}:
        async with at_desk(app, role) as desk:
            fields = {"role_administrator": "yes", "username": "mine", "name": "Me"}
            for path in ("/desk/people/_add", "/desk/people/reviewer/roles", "/desk/people/reviewer/reset"):
                assert (await desk.send(path, fields)).status_code == 403, (role, path)
    assert roles(owner, "reviewer") == ["reviewer"]
    assert owner.execute("SELECT count(*) FROM person WHERE username = 'mine'").fetchone() == (0,)


async def test_a_form_from_elsewhere_does_nothing(admin, owner, reviewer):
    answer = await admin.http.post("/desk/people/reviewer/disable", data={"form_token": "x"})
    assert answer.status_code == 403
    token = {"form_token": await admin.form_token()}
    cross = {"sec-fetch-site": "cross-site"}
    answer = await admin.http.post("/desk/people/reviewer/disable", data=token, headers=cross)
    assert answer.status_code == 403
    assert owner.execute("SELECT count(*) FROM person WHERE disabled_at IS NOT NULL").fetchone() == (0,)


async def test_the_last_administrator_stays(service, owner):
    """Also where two shut one another out at the same moment."""
    one = await account(service, Role.ADMINISTRATOR, name="one")
    two = await account(service, Role.ADMINISTRATOR, name="two")

    async def shut(actor, username):
        async with service.database.transaction(f"person:{actor}", ministry=True) as session:
            await people.disable(session, username)

    ended = await asyncio.gather(shut(one, two), shut(two, one), return_exceptions=True)
    assert sorted(type(each) for each in ended if each) == [LastAdministratorError]
    [left] = owner.execute("SELECT username FROM person WHERE disabled_at IS NULL").fetchone()
    with pytest.raises(LastAdministratorError):
        async with service.database.transaction("operator", ministry=True) as session:
            await people.set_roles(session, left, ["analyst"])
    async with service.database.transaction("operator", ministry=True) as session:
        await people.set_roles(session, left, ["analyst", "administrator"])


async def test_who_is_not_there(admin):
    for path in ("/desk/people/nobody", "/desk/people/..%2f..%2fetc", "/desk/people/%0d%0aX:y"):
        assert (await admin.get(path)).status_code == 404, path
