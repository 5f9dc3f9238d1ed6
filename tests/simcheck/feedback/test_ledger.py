from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.errors import ConflictError, NotFoundError
from simcheck.feedback import ledger
from tests.feeding import published_run

pytestmark = pytest.mark.anyio


async def kept(service, run_id: uuid.UUID, rows: int, standing: bool) -> uuid.UUID:
    made = uuid.uuid4()
    async with service.database.transaction("job", ministry=True) as session:
        run = await ledger.published(session, run_id)
        await ledger.keep(session, made, run, rows, standing=standing)
    return made


async def acknowledge(service, made: uuid.UUID, rows: int, carrier: str = "viettel"):
    async with service.database.transaction("client:one", carrier) as session:
        found = await ledger.get(session, made)
        await ledger.acknowledge(session, found, rows)
        return found


async def test_the_whole_file_is_acknowledged_or_none_of_it(service, owner):
    _, run = published_run(owner, service)
    made = await kept(service, run, 10, standing=False)
    with pytest.raises(ConflictError, match="10 rows"):
        await acknowledge(service, made, 9)
    with pytest.raises(NotFoundError):
        await acknowledge(service, made, 10, carrier="mobifone")
    first = await acknowledge(service, made, 10)
    assert first.acknowledged_by == "client:one"
    again = await acknowledge(service, made, 10)
    assert again.acknowledged_at == first.acknowledged_at
    acts = [row[0] for row in owner.execute("SELECT act FROM audit WHERE act LIKE 'feedback.%' ORDER BY at")]
    assert acts == ["feedback.made", "feedback.acknowledged"]


async def test_a_standing_file_stands_for_the_older_ones(service, owner):
    _, run = published_run(owner, service)
    of_batch = await kept(service, run, 10, standing=False)
    old, new = [await kept(service, run, rows, standing=True) for rows in (7, 8)]
    await acknowledge(service, new, 8)
    left = {row[0] for row in owner.execute("SELECT id FROM feedback WHERE acknowledged_at IS NULL")}
    assert left == {of_batch}
    assert old


async def test_what_a_lost_job_owes_is_found(service, owner):
    _, older = published_run(owner, service)
    batch, newer = published_run(owner, service)
    register_run = published_run(owner, service, "mobifone", kind="register")[1]

    async def owed() -> set[uuid.UUID]:
        since = clock.now() - timedelta(days=2)
        async with service.database.transaction("job", ministry=True) as session:
            return {run for run, _ in await session.execute(ledger.WITHOUT, {"since": since})}

    assert await owed() == {older, newer, register_run}
    for run in (older, newer):
        await kept(service, run, 1, standing=False)
    assert await owed() == {newer, register_run}  # the standing file is the newest run's alone
    for run in (newer, register_run):
        await kept(service, run, 1, standing=True)
    assert await owed() == set()
    assert batch


async def test_what_was_acknowledged_long_ago_may_go(service, owner):
    _, run = published_run(owner, service)
    made = await kept(service, run, 10, standing=False)
    await kept(service, run, 10, standing=True)
    await acknowledge(service, made, 10)
    async with service.database.transaction("job", ministry=True) as session:
        assert await ledger.to_purge(session, timedelta(days=1)) == []
        with clock.fixed(clock.now() + timedelta(days=2)):
            [gone] = await ledger.to_purge(session, timedelta(days=1))
    assert gone.id == made
