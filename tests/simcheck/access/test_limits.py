from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from simcheck import clock
from simcheck.access import limits
from simcheck.access.limits import Limit

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
GUESSES = Limit("guesses", rate=0.5, burst=3)


async def take(service, *subjects: str, limit=GUESSES, at=0.0, cost=1.0) -> list[bool]:
    with clock.fixed(NOON + timedelta(seconds=at)):
        async with service.database.transaction("test") as session:
            return [grant.granted for grant in await limits.take(session, limit, subjects, cost)]


async def test_a_burst_and_then_the_rate(service):
    assert [await take(service, "a") for _ in range(4)] == [[True], [True], [True], [False]]
    assert await take(service, "a", at=1.9) == [False]
    assert await take(service, "a", at=2.0) == [True]
    assert await take(service, "a", at=2.0) == [False]


async def test_a_bucket_never_holds_more_than_the_burst(service):
    await take(service, "a")
    assert [(await take(service, "a", at=1000))[0] for _ in range(4)] == [True, True, True, False]


async def test_each_has_a_bucket_of_its_own(service):
    for _ in range(3):
        assert await take(service, "a", "b") == [True, True]
    assert await take(service, "a", "c", "b") == [False, True, False]
    assert await take(service, "a", limit=Limit("other", 1, 1)) == [True]


async def test_how_long_to_wait(service):
    for _ in range(3):
        await take(service, "a")
    with clock.fixed(NOON + timedelta(seconds=1)):
        async with service.database.transaction("test") as session:
            [grant] = await limits.take(session, GUESSES, ["a"])
    assert grant.granted is False
    assert grant.wait == pytest.approx(1.0)


async def test_a_clock_that_goes_back_gives_nothing(service):
    for _ in range(3):
        await take(service, "a", at=10)
    assert await take(service, "a", at=0) == [False]


async def test_many_at_once_take_no_more_than_there_is(service):
    grants = await asyncio.gather(*(take(service, "b", "a") for _ in range(12)))
    assert sorted(granted for pair in grants for granted in pair) == [False] * 18 + [True] * 6


async def test_a_cost_that_can_never_be_paid(service):
    with pytest.raises(ValueError, match="never holds"):
        await take(service, "a", cost=4)


async def test_no_subject_stands_in_the_table(service, owner):
    await take(service, "84912345678")
    keys = owner.execute("SELECT key FROM rate_bucket").fetchall()
    assert len(keys) == 1
    assert b"84912345678" not in keys[0][0]


async def test_idle_buckets_are_forgotten(service, owner):
    await take(service, "a")
    with clock.fixed(NOON + timedelta(days=1)):
        async with service.database.transaction("test") as session:
            await limits.forget_idle(session)
    assert owner.execute("SELECT count(*) FROM rate_bucket").fetchone() == (1,)
    with clock.fixed(NOON + timedelta(days=3)):
        async with service.database.transaction("test") as session:
            await limits.forget_idle(session)
    assert owner.execute("SELECT count(*) FROM rate_bucket").fetchone() == (0,)
