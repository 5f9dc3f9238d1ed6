from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.access import staff_sessions
from simcheck.access.roles import Permission, Role, Side
from simcheck.errors import NotFoundError
from tests.desking import account, token
from tests.holding import acts

pytestmark = pytest.mark.anyio


def acting(service):
    return service.database.transaction("test", ministry=True)


async def read(service, held):
    async with acting(service) as session:
        return await staff_sessions.read(session, service, held)


async def test_whose_token_it_is(service, owner):
    held = await token(service, Role.MANAGER)
    person = await read(service, held)
    assert (person.username, person.carrier, person.side) == ("manager-viettel", "viettel", Side.CARRIER)
    assert (person.name, person.actor) == ("Nguyễn Manager", "person:manager-viettel")
    assert Permission.OWN_FIGURES in person.permissions
    assert "Nguyễn" not in repr(person)
    assert held not in str(owner.execute("SELECT * FROM staff_session").fetchall())
    assert acts(owner)[-1] == "sign_in.done"


@pytest.mark.parametrize("held", [None, "", "x", "ă" * 43, "x" * 1000, "\0"])
async def test_what_is_no_token(service, held):
    assert await read(service, held) is None


async def test_a_session_ends_without_a_sign_of_life_and_at_the_end_of_the_day(service):
    held, now = await token(service, Role.REVIEWER), clock.now()
    for minutes in range(0, 590, 25):
        with clock.fixed(now + timedelta(minutes=minutes)):
            assert await read(service, held) is not None, minutes
    with clock.fixed(now + timedelta(minutes=601)):
        assert await read(service, held) is None
    held, now = await token(service, Role.REVIEWER), clock.now()
    with clock.fixed(now + timedelta(minutes=31)):
        assert await read(service, held) is None


async def test_a_sign_of_life_is_seldom_written(service, owner):
    held, now = await token(service, Role.REVIEWER), clock.now()
    seen = "SELECT xmin::text FROM staff_session"
    before = owner.execute(seen).fetchone()
    with clock.fixed(now + timedelta(seconds=20)):
        await read(service, held)
    assert owner.execute(seen).fetchone() == before
    with clock.fixed(now + timedelta(seconds=40)):
        await read(service, held)
    assert owner.execute(seen).fetchone() != before


@pytest.mark.parametrize(
    "change", ["disabled_at = now()", "roles = '{reviewer,analyst}'", "roles = '{administrator}'"]
)
async def test_a_change_of_the_account_by_any_means_ends_it(service, owner, change):
    held = await token(service, Role.REVIEWER)
    owner.execute(f"UPDATE person SET {change}")
    assert await read(service, held) is None


async def test_listing_and_revoking_ones_own(service, owner):
    held, others = await token(service, Role.REVIEWER), await token(service, Role.ANALYST)
    await token(service, Role.REVIEWER)
    async with acting(service) as session:
        mine = await staff_sessions.listed(session, service, "reviewer")
        assert [each.agent for each in mine] == ["Chrome, Linux"] * 2
        [theirs] = await staff_sessions.listed(session, service, "analyst")
        for wrong in (theirs.id, uuid.uuid4()):
            with pytest.raises(NotFoundError):
                await staff_sessions.revoke(session, "reviewer", wrong)
    person = await read(service, held)
    async with acting(service) as session:
        await staff_sessions.revoke(session, "reviewer", person.session_id)
        assert len(await staff_sessions.listed(session, service, "reviewer")) == 1
    assert await read(service, held) is None
    assert await read(service, others) is not None
    assert acts(owner)[-1] == "sign_in.ended"


async def test_people_with_passwords_are_out_when_passwords_are_switched_off(service):
    held = await token(service, Role.REVIEWER)
    object.__setattr__(service, "settings", service.settings.model_copy(update={"staff_local": False}))
    assert await read(service, held) is None


async def test_what_was_over_long_ago_is_forgotten(service, owner):
    await token(service, Role.REVIEWER)
    for days, left in ((29, 1), (31, 0)):
        with clock.fixed(clock.now() + timedelta(days=days)):
            async with acting(service) as session:
                await staff_sessions.forget_over(session)
        assert owner.execute("SELECT count(*) FROM staff_session").fetchone() == (left,)
    assert await account(service, Role.REVIEWER) == "reviewer"
