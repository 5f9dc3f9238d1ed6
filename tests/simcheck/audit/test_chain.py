from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit
from simcheck.audit.chain import START
from simcheck.audit.models import Entry
from simcheck.db.engine import NoActorError

pytestmark = pytest.mark.anyio


async def entries(service) -> list[Entry]:
    async with service.database.transaction("test", ministry=True) as session:
        return list(await session.scalars(sa.select(Entry).order_by(Entry.stream, Entry.seq)))


async def test_an_act_is_a_row_of_its_transaction(service):
    async with service.database.transaction("client:v1", "viettel") as session:
        audit.record(session, "batch.received", "batch/1", {"rows": 5, "kinds": ["a", None, True]})
    async with service.database.transaction("operator", ministry=True) as session:
        audit.record(session, "client.added", "client/v1")
    first, second = await entries(service)
    assert (first.stream, first.seq, first.actor, first.act, first.subject) == (
        "batch/viettel", 1, "client:v1", "batch.received", "batch/1",
    )  # fmt: skip
    assert first.detail == {"rows": 5, "kinds": ["a", None, True]}
    assert (first.previous, second.previous) == (START, START)
    assert (second.stream, second.detail) == ("client", {})


async def test_an_act_that_fails_leaves_no_row(service):
    with pytest.raises(ZeroDivisionError):
        async with service.database.transaction("test") as session:
            audit.record(session, "batch.received", "batch/1")
            raise ZeroDivisionError
    assert await entries(service) == []


async def test_rows_of_a_stream_are_chained(service):
    for number in range(3):
        async with service.database.transaction("test") as session:
            audit.record(session, "batch.received", f"batch/{number}")
            audit.record(session, "case.opened", f"case/{number}")
            audit.record(session, "batch.done", f"batch/{number}")
    found = [each for each in await entries(service) if each.stream == "batch"]
    assert [each.seq for each in found] == [1, 2, 3, 4, 5, 6]
    assert [each.act for each in found[:2]] == ["batch.received", "batch.done"]
    assert [each.previous for each in found] == [START, *(each.hash for each in found[:-1])]


async def test_no_actor_no_row(service):
    async with AsyncSession(service.database.engine) as session:
        with pytest.raises(NoActorError):
            audit.record(session, "batch.received", "batch/1")


@pytest.mark.parametrize("detail", [{"x": 1.5}, {"x": b"y"}, {"x": {1: 2}}, {"x": "a\0b"}, {"x": [object()]}])
async def test_only_what_comes_back_the_same_can_stand_in_it(service, detail):
    async with service.database.transaction("test") as session:
        with pytest.raises(ValueError, match="detail"):
            audit.record(session, "batch.received", "batch/1", detail)


async def test_writers_of_many_streams_at_once(service):
    async def write(number: int) -> None:
        async with service.database.transaction("test") as session:
            order = ("a", "b", "c") if number % 2 else ("c", "b", "a")
            for stream in order:
                audit.record(session, "thing.done", f"thing/{number}", stream=stream)

    await asyncio.gather(*(write(number) for number in range(20)))
    found = await entries(service)
    assert [(each.stream, each.seq) for each in found] == [(s, n) for s in "abc" for n in range(1, 21)]


async def test_writers_of_different_streams_do_not_wait(service):
    async with service.database.transaction("one") as one:
        audit.record(one, "a.done", "a")
        await one.execute(sa.text("SELECT 1"))
        async with asyncio.timeout(5), service.database.transaction("two") as two:
            audit.record(two, "a.done", "b")  # the same stream even: the lock comes with the commit
    assert len(await entries(service)) == 2
