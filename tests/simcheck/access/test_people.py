from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from simcheck.access import passwords, people, staff_sessions
from simcheck.access.models import Account
from simcheck.access.passwords import WeakPasswordError
from simcheck.access.people import New
from simcheck.access.roles import Permission, Role
from simcheck.errors import ConflictError, NotAllowedError, NotFoundError, UsageError
from tests.desking import PASSWORD, account, token
from tests.holding import acts

pytestmark = pytest.mark.anyio
AN = New("an.nguyen", "Nguyễn Văn  An", ["reviewer", "analyst"], email="an@example.vn")


def acting(service, actor="operator", carrier=None):
    return service.database.transaction(actor, carrier, ministry=carrier is None)


async def add(service, new=AN):
    async with acting(service) as session:
        return await people.add(session, service, new)


async def test_an_account_with_a_password_that_was_drawn(service, owner):
    drawn = await add(service)
    async with acting(service) as session:
        kept = await people.find(session, "an.nguyen")
        [listed] = await people.listed(session, service.keyring)
        assert await people.names(session, service.keyring, ["an.nguyen", "x"]) == {
            "an.nguyen": "Nguyễn Văn An"
        }
    assert kept.must_change
    assert await passwords.is_right(service.settings, kept.password_hash, drawn)
    assert (listed.name, listed.email) == ("Nguyễn Văn An", "an@example.vn")
    assert listed.roles == (Role.REVIEWER, Role.ANALYST)
    assert not listed.enrolled
    assert "Nguy" not in repr(listed)
    assert acts(owner) == ["person.added"]
    row = str(owner.execute("SELECT * FROM person").fetchall()) + str(
        owner.execute("SELECT detail FROM audit").fetchall()
    )
    for hidden in ("Nguyễn", "an@example", drawn):
        assert hidden not in row


async def test_an_account_of_the_provider_has_no_password(service, owner):
    assert await add(service, New("binh", "Lê Thị Bình", ["auditor"], claim="binh@ministry.vn")) is None
    [(hashed, means, claim)] = owner.execute(
        "SELECT password_hash, means, claim_token FROM person"
    ).fetchall()
    assert (hashed, means) == (None, "oidc")
    assert claim == people.claim_token(service.keyring, "binh@ministry.vn")
    async with acting(service) as session:
        with pytest.raises(UsageError):
            await people.reset(session, service, "binh")
    with pytest.raises(ConflictError):
        await add(service, New("other", "Lê Thị Bình", ["auditor"], claim="binh@ministry.vn"))


@pytest.mark.parametrize(
    ("new", "error"),
    [
        (AN, ConflictError),
        (New("An", "An", ["reviewer"]), UsageError),
        (New("a1234567", "An", ["reviewer"]), UsageError),
        (New("an\n", "An", ["reviewer"]), UsageError),
        (New("an", " ", ["reviewer"]), UsageError),
        (New("an", "An", ["manager"]), UsageError),
        (New("an", "An", ["manager", "reviewer"], "viettel"), UsageError),
        (New("an", "An", ["manager"], "Viettel!"), UsageError),
        (New("an", "An", ["reviewer"], email="an@"), UsageError),
        (New("an", "An", ["reviewer"], claim=""), UsageError),
        (New("an", "An", ["reviewer"], password="short"), WeakPasswordError),
    ],
)
async def test_an_account_that_cannot_be(service, new, error):
    await add(service)
    with pytest.raises(error):
        await add(service, new)


async def test_the_database_itself_refuses_roles_of_the_other_side(service):
    await add(service)
    with pytest.raises(IntegrityError):
        async with acting(service) as session:
            (await people.find(session, "an.nguyen")).roles = ["manager"]


async def test_a_carrier_sees_its_own_people_alone(service):
    await add(service)
    for carrier in ("viettel", "mobifone"):
        await account(service, Role.MANAGER, carrier)
    async with acting(service, "person:manager-viettel", "viettel") as session:
        assert [each.username for each in await people.listed(session, service.keyring)] == [
            "manager-viettel"
        ]
        for hidden in ("an.nguyen", "manager-mobifone"):
            with pytest.raises(NotFoundError):
                await people.disable(session, hidden)
    async with acting(service) as session:
        assert len(await people.listed(session, service.keyring)) == 3
        assert len(await people.listed(session, service.keyring, "mobifone")) == 1


async def test_a_carriers_manager_adds_nobody_elsewhere(service):
    await account(service, Role.MANAGER)
    for carrier, roles in (("mobifone", ["uploader"]), (None, ["reviewer"])):
        with pytest.raises(Exception, match="row-level security"):
            async with acting(service, "person:manager-viettel", "viettel") as session:
                await people.add(session, service, New("x1", "X", roles, carrier))


@pytest.mark.parametrize("change", ["disable", "roles", "reset", "password"])
async def test_sessions_end_with_any_change(service, owner, change):
    held = await token(service, Role.REVIEWER)
    async with acting(service) as session:
        assert await staff_sessions.read(session, service, held) is not None
        if change == "disable":
            await people.disable(session, "reviewer")
        elif change == "roles":
            await people.set_roles(session, "reviewer", ["reviewer", "analyst"])
        elif change == "reset":
            await people.reset(session, service, "reviewer")
        else:
            assert await people.change_password(session, service, "reviewer", PASSWORD, PASSWORD + "!")
    async with acting(service) as session:
        assert await staff_sessions.read(session, service, held) is None
    assert acts(owner)[-1].startswith("person.")


async def test_a_reset_lets_the_second_step_be_enrolled_anew(service, owner):
    await account(service, Role.REVIEWER)
    owner.execute("UPDATE person SET totp_secret = 'x', totp_step = 1, recovery = ARRAY['x'::bytea]")
    async with acting(service) as session:
        drawn = await people.reset(session, service, "reviewer")
        kept = await people.find(session, "reviewer")
        assert (kept.totp_secret, kept.totp_step, kept.recovery, kept.must_change) == (None, None, [], True)
        assert await passwords.is_right(service.settings, kept.password_hash, drawn)


async def test_nobody_changes_their_own_rights(service):
    await account(service, Role.ADMINISTRATOR)
    async with acting(service, "person:administrator") as session:
        for act in (
            people.disable(session, "administrator"), people.enable(session, "administrator"),
            people.set_roles(session, "administrator", ["supervisor"]),
            people.reset(session, service, "administrator"),
        ):  # fmt: skip
            with pytest.raises(NotAllowedError):
                await act


async def test_disabling_and_enabling_twice_is_once(service, owner):
    await account(service, Role.REVIEWER)
    async with acting(service) as session:
        for act in (people.disable, people.disable, people.enable, people.enable):
            await act(session, "reviewer")
        await people.set_roles(session, "reviewer", ["reviewer"])
    assert acts(owner)[1:] == ["person.disabled", "person.enabled"]


async def test_a_password_is_changed_by_whoever_knows_the_old_one(service, owner):
    await account(service, Role.REVIEWER)
    async with acting(service, "person:reviewer") as session:
        assert not await people.change_password(session, service, "reviewer", "wrong", "một câu khác hẳn")
        for weak in ("short", PASSWORD):
            with pytest.raises(WeakPasswordError):
                await people.change_password(session, service, "reviewer", PASSWORD, weak)
        assert await people.change_password(session, service, "reviewer", PASSWORD, "một câu khác hẳn")
        assert isinstance(await session.get(Account, "reviewer"), Account)
    assert acts(owner)[1:] == ["person.password_refused", "person.password_changed"]


async def test_colleagues_are_whoever_may_do_it_and_is_still_there(service):
    for role in (Role.REVIEWER, Role.SUPERVISOR, Role.ANALYST, Role.MANAGER):
        await account(service, role)
    await account(service, Role.REVIEWER, name="gone")
    async with acting(service, "person:admin") as session:
        await people.disable(session, "gone")
    async with acting(service) as session:
        found = await people.colleagues(session, service.keyring, Permission.CASE_DECIDE)
    assert found == [("reviewer", "Nguyễn Reviewer"), ("supervisor", "Nguyễn Supervisor")]
