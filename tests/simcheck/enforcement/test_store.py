from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from simcheck import clock
from simcheck.enforcement import policy, store
from simcheck.errors import ConflictError, NotAllowedError, NotFoundError
from tests import clocking
from tests.running import NOON

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
SHIPPED = policy.shipped()


def later(version: str, day: str) -> str:
    """The shipped text as another version from another day on."""
    return SHIPPED.replace('version = "2026.11.1"', f'version = "{version}"').replace(
        "valid_from = 2026-11-23", f"valid_from = {day}"
    )


async def act(service, work, *given, who="person:an", at=NOON):
    with clock.fixed(at):
        async with service.database.transaction(who, ministry=True) as session:
            return await work(session, *given)


async def version(service, at):
    found = await act(service, store.in_force, at=at)
    return found and found.version


async def test_two_people_stand_behind_a_policy(service, owner):
    made = await act(service, store.add, SHIPPED)
    assert (made.state, made.made_by) == ("draft", "person:an")
    assert await version(service, NOON) is None
    with pytest.raises(NotAllowedError):
        await act(service, store.approve, made.version)
    await act(service, store.approve, made.version, who="person:binh")
    assert await version(service, NOON) == made.version
    with pytest.raises(ConflictError):
        await act(service, store.approve, made.version, who="person:chi")
    acts = owner.execute("SELECT act, actor FROM audit WHERE stream = 'policy' ORDER BY seq").fetchall()
    assert acts == [("policy.added", "person:an"), ("policy.approved", "person:binh")]


async def test_a_version_is_in_force_from_its_day_on_and_never_before_it_was_signed(service):
    await clocking.in_force(service)
    made = await act(service, store.add, later("2026.12.1", "2026-12-01"))
    await act(service, store.approve, made.version, who="person:binh")
    midnight = NOON.replace(month=12, day=1) - timedelta(hours=12)
    assert await version(service, midnight - timedelta(seconds=1)) == policy.SHIPPED
    assert await version(service, midnight) == "2026.12.1"
    assert await version(service, NOON - DAY) is None


async def test_a_change_is_a_new_version(service):
    await act(service, store.add, SHIPPED)
    again = await act(service, store.add, SHIPPED.replace("\n", "  \r\n"), who="person:binh")
    assert again.made_by == "person:an"
    with pytest.raises(ConflictError):
        await act(service, store.add, SHIPPED.replace("after = 15", "after = 16"))


async def test_only_what_is_not_in_force_can_be_withdrawn(service):
    await clocking.in_force(service)
    with pytest.raises(ConflictError):
        await act(service, store.withdraw, policy.SHIPPED)
    for name, approved in (("d", False), ("e", True)):
        made = await act(service, store.add, later(name, "2027-01-01"))
        if approved:
            await act(service, store.approve, name, who="person:binh")
        assert (await act(service, store.withdraw, made.version)).state == "withdrawn"
    assert await version(service, NOON + 99 * DAY) == policy.SHIPPED
    with pytest.raises(NotFoundError):
        await act(service, store.withdraw, "none")


async def test_the_database_itself_holds_to_it(service, owner):
    """Whatever a program says: nobody approves their own, and what is signed stays as it is."""
    await act(service, store.add, later("d", "2027-01-01"))
    await clocking.in_force(service)
    signed, refused = psycopg.errors.RaiseException, psycopg.errors.CheckViolation
    for change, error in (
        ("approved_by = made_by, approved_at = now(), state = 'approved' WHERE version = 'd'", refused),
        ("state = 'draft', approved_by = NULL, approved_at = NULL WHERE state = 'approved'", signed),
        ("approved_by = 'person:chi' WHERE state = 'approved'", signed),
    ):
        with pytest.raises(error):
            owner.execute(f"UPDATE policy SET {change}")
    right = "SELECT has_column_privilege('simcheck_service', 'policy', %s, 'UPDATE')"
    changeable = [
        each
        for each in ("text", "valid_from", "made_by", "state")
        if owner.execute(right, [each]).fetchone()[0]
    ]
    assert changeable == ["state"]
