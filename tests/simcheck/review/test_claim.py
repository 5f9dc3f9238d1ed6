from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from simcheck import clock
from simcheck.cases.models import Case
from simcheck.errors import ConflictError, NotFoundError
from simcheck.review import claim
from simcheck.review.claim import LeaseLostError
from simcheck.review.filters import Filter, read
from tests.reviewing import acting, one_case

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 27, 5, tzinfo=UTC)
LEASE = timedelta(minutes=15)


def hours(count: int) -> datetime:
    return NOW + timedelta(hours=count)


async def taken(service, who, filter_=None, past=()):
    async def work(session):
        found = await claim.next_case(session, service.settings, filter_ or Filter(), who, past)
        return found and found.id

    return await acting(service, who, work)


async def test_the_most_urgent_case_comes_first_and_each_goes_to_one(service, owner):
    late = one_case(owner, target_at=hours(1))
    soon = one_case(owner, target_at=hours(2))
    others = one_case(owner, acts="carrier", state="with_carrier")
    with clock.fixed(NOW):
        assert await taken(service, "lan") == late
        assert await taken(service, "binh") == soon
        assert await taken(service, "chi") == others
        assert await taken(service, "dung") is None
        assert await taken(service, "lan") == late  # their own: they have not decided yet
        assert await taken(service, "lan", past=[late]) is None


async def test_what_somebody_else_has_sleeps_or_is_on_its_way_is_passed_by(service, owner):
    one_case(owner, assignee="binh")
    one_case(owner, snoozed_until=hours(1))
    one_case(owner, pending=True)
    one_case(owner, carrier="itel")
    woken, mine = (
        one_case(owner, snoozed_until=hours(-1)),
        one_case(owner, assignee="lan", target_at=hours(1)),
    )
    with clock.fixed(NOW):
        assert await taken(service, "lan", read("carrier=viettel")) == mine
        assert await taken(service, "lan", read("carrier=viettel"), [mine]) == woken
        assert await taken(service, "lan", read("carrier=viettel"), [mine, woken]) is None


async def test_many_at_once_take_a_case_each(service, owner):
    cases = {one_case(owner) for _ in range(6)}
    found = await asyncio.gather(*(taken(service, f"person{number}") for number in range(6)))
    assert set(found) == cases


async def test_a_case_that_is_locked_is_passed_by_at_once(service, owner):
    first, second = one_case(owner, target_at=hours(1)), one_case(owner, target_at=hours(2))
    async with service.database.transaction("job:runs.publish", ministry=True) as session:
        await session.get(Case, first, with_for_update={"key_share": True})
        assert await asyncio.wait_for(taken(service, "lan"), 2) == second


async def test_a_lease_ends_is_renewed_and_given_back(service, owner):
    case = one_case(owner)
    with clock.fixed(NOW):
        assert await taken(service, "lan") == case
    with clock.fixed(NOW + LEASE - timedelta(seconds=1)):
        until = await acting(service, "lan", lambda s: claim.renew(s, service.settings, case, "lan"))
        assert until == clock.now() + LEASE
    with clock.fixed(NOW + LEASE):
        assert await taken(service, "binh") is None
    with clock.fixed(until):
        assert await taken(service, "binh") == case
        with pytest.raises(LeaseLostError, match=r"binh has this case now, until 12:44"):
            await acting(service, "lan", lambda s: claim.renew(s, service.settings, case, "lan"))
        await acting(service, "lan", lambda s: claim.release(s, case, "lan"))  # it is not theirs to give back
        assert await taken(service, "lan") is None
        await acting(service, "binh", lambda s: claim.release(s, case, "binh"))
        assert await taken(service, "lan") == case


async def test_one_opens_a_case_that_nobody_looks_at_and_a_supervisor_any(service, owner):
    case = one_case(owner)

    async def claimed(who, **more):
        return await acting(service, who, lambda s: claim.claim(s, service.settings, case, who, **more))

    with clock.fixed(NOW):
        assert (await claimed("lan")).claimed_until == NOW + LEASE
        with pytest.raises(ConflictError, match="lan looks at this case now, until 12:15"):
            await claimed("binh")
        assert (await claimed("chi", over=True)).claimed_by == "chi"
        with pytest.raises(NotFoundError):
            await acting(service, "lan", lambda s: claim.claim(s, service.settings, uuid.uuid4(), "lan"))
    closed = one_case(
        owner, state="closed", closed_at=NOW, close_reason="gone", target_at=None, clock_left="1 day"
    )
    with pytest.raises(ConflictError, match="closed"):
        await acting(service, "lan", lambda s: claim.claim(s, service.settings, closed, "lan"))


async def test_a_lost_lease_says_what_happened(service, owner):
    case = one_case(owner)

    async def held(who):
        async def work(session):
            claim.require_held(await session.get(Case, case), who)

        await acting(service, who, work)

    with pytest.raises(LeaseLostError, match="Take it first"):
        await held("lan")
    with clock.fixed(NOW):
        await taken(service, "lan")
        await held("lan")
    with clock.fixed(NOW + LEASE), pytest.raises(LeaseLostError, match="ran out at 12:15") as lost:
        await held("lan")
    assert (lost.value.taken_by, lost.value.ended_at) == (None, NOW + LEASE)
