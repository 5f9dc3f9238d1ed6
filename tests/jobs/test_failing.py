"""Steps of a run that always fail: tried again after growing pauses, then given up, so that others go on."""

from __future__ import annotations

import contextlib
import datetime
import logging
import uuid

import pytest

from jobs.runs import find_due
from jobs.tasks import TASKS
from simcheck import clock
from simcheck.crosscheck import failing
from simcheck.errors import ConflictError, NotFoundError
from tests.building import citizen, row
from tests.running import NOON, a_file, a_register, subscriptions

pytestmark = pytest.mark.anyio

PEOPLE = [citizen(at, "Trần An") for at in range(8)]
ROWS = [row(at, person) for at, person in enumerate(PEOPLE)]
DUE = "SELECT task_name, args FROM procrastinate_jobs ORDER BY id"
# When what waits may be tried again.
NEXT = """
SELECT min(at) FROM (
    SELECT lease_until FROM run_bucket JOIN run ON run.id = run_id
    WHERE run_bucket.state = 'due' AND run.state = 'checking'
    UNION ALL SELECT due_at FROM run WHERE state = 'publishing'
    UNION ALL SELECT check_due_at FROM batch WHERE state <> 'refused'
) AS waiting (at)
"""
BATCH = "SELECT state, refusal_code FROM batch WHERE id = %s"
RUN = "SELECT state, failure, counts -> 'failed' FROM run WHERE batch_id = %s ORDER BY made_at DESC LIMIT 1"
PAUSES = [60.0 * 2**at for at in range(6)] + [3600.0]


async def swept(service, owner) -> int:
    """All that sweeps find due, done; how many jobs failed."""
    failed = 0
    while True:
        owner.execute("TRUNCATE procrastinate_jobs CASCADE")
        await find_due(service)
        due = owner.execute(DUE).fetchall()
        if not due:
            return failed
        for name, given in due:
            if name.startswith("runs."):
                with contextlib.suppress(Exception):
                    await TASKS[name].work(service, **given)
                    continue
                failed += 1


async def until_the_end(service, owner, now) -> list[float]:
    """Sweep as time goes by, until nothing waits any more; the pauses between the attempts, in seconds."""
    pauses = []
    with clock.fixed(now):
        await swept(service, owner)
    while (due := owner.execute(NEXT).fetchone()[0]) is not None:
        assert len(pauses) <= failing.MOST_ATTEMPTS, pauses
        pauses.append((due - now).total_seconds())
        with clock.fixed(due - datetime.timedelta(seconds=1)):
            assert await swept(service, owner) == 0
            assert owner.execute(NEXT).fetchone()[0] == due, "tried before its time"
        now = due
        with clock.fixed(now):
            await swept(service, owner)
    return pauses


def damage(service, path: str) -> bytes:
    """Change a byte in the middle of a file of the lake; what it was."""
    content = service.store.read(path)
    middle = len(content) // 2
    service.store.write(path, content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    return content


def a_path(service, under: str, ending: str = ".parquet") -> str:
    return next(each for each in service.store.files(under) if each.endswith(ending))


@pytest.fixture
async def loaded(service, owner, tmp_path):
    """A register, and a carrier's file that is about to be checked."""
    with clock.fixed(NOON):
        await a_register(service, tmp_path, PEOPLE, 2)
        return await a_file(service, "viettel", ROWS, 2)


async def test_a_bucket_that_always_fails(loaded, owner, service, http, viettel, mobifone):
    damage(service, a_path(service, f"declared/viettel/{loaded}"))
    assert await until_the_end(service, owner, NOON) == PAUSES
    state, failure, told = owner.execute(RUN, [loaded]).fetchone()
    assert (state, failure) == ("failed", "given_up")
    assert (told["step"], told["code"], told["attempts"]) == ("check", "seal", failing.MOST_ATTEMPTS)
    assert f"declared/viettel/{loaded}/declared-" in told["words"]
    assert owner.execute(BATCH, [loaded]).fetchone() == ("refused", "not_checked")
    said = (await http.get(f"/v1/batches/{loaded}", headers=viettel)).json()
    assert said["refusal"]["code"] == "not_checked"
    assert "Send it again" in said["refusal"]["text"]
    assert "lake" not in said["refusal"]["text"]
    metrics = (await http.get("/metrics")).text
    assert 'simcheck_failed_runs{carrier="viettel"} 1.0' in metrics
    assert 'simcheck_failed_runs{carrier="mobifone"} 0.0' in metrics
    acts = "SELECT detail -> 'code', detail -> 'attempts' FROM audit WHERE act = 'run.given_up'"
    assert owner.execute(acts).fetchall() == [("seal", failing.MOST_ATTEMPTS)]
    assert subscriptions(owner) == []


async def test_the_carriers_next_file_goes_on(loaded, owner, service, http):
    damage(service, a_path(service, f"declared/viettel/{loaded}"))
    await until_the_end(service, owner, NOON)
    later = NOON + datetime.timedelta(hours=5)
    with clock.fixed(later):
        following = await a_file(service, "viettel", ROWS, 2)
        await swept(service, owner)
    assert owner.execute(BATCH, [following]).fetchone() == ("done", None)
    assert len(subscriptions(owner)) == len(ROWS)
    assert 'simcheck_failed_runs{carrier="viettel"} 0.0' in (await http.get("/metrics")).text


async def test_a_run_that_cannot_be_published_holds_up_nobody_else(loaded, owner, service):
    with clock.fixed(NOON):
        for name, given in owner.execute(DUE).fetchall():
            await TASKS[name].work(service, **given)
        owner.execute("TRUNCATE procrastinate_jobs CASCADE")
        await find_due(service)
        for name, given in owner.execute(DUE).fetchall():
            await TASKS[name].work(service, **given)
    damage(service, a_path(service, "findings/viettel"))
    with clock.fixed(NOON):
        other = await a_file(service, "itel", ROWS, 2)
        await swept(service, owner)
    assert owner.execute(BATCH, [other]).fetchone() == ("done", None)
    assert await until_the_end(service, owner, NOON) == PAUSES
    state, failure, told = owner.execute(RUN, [loaded]).fetchone()
    assert (state, failure, told["step"], told["code"]) == ("failed", "given_up", "publish", "seal")
    assert owner.execute(BATCH, [loaded]).fetchone() == ("refused", "not_checked")


async def test_a_batch_of_which_no_run_can_be_made(loaded, owner, service):
    damage(service, f"declared/viettel/{loaded}/manifest")
    assert await until_the_end(service, owner, NOON) == PAUSES
    state, failure, told = owner.execute(RUN, [loaded]).fetchone()
    assert (state, failure, told["step"]) == ("failed", "given_up", "start")
    assert owner.execute("SELECT count(*) FROM run").fetchone() == (1,)
    assert owner.execute(BATCH, [loaded]).fetchone() == ("refused", "not_checked")


async def test_a_bucket_that_kills_every_worker(loaded, owner, service):
    """Nobody was left to say that it failed; the attempts say it."""
    with clock.fixed(NOON):
        await TASKS["runs.start"].work(service, batch_id=str(loaded))
    owner.execute("UPDATE run_bucket SET attempts = %s", [failing.MOST_ATTEMPTS])
    with clock.fixed(NOON):
        await swept(service, owner)
    state, failure, told = owner.execute(RUN, [loaded]).fetchone()
    assert (state, failure, told["code"]) == ("failed", "given_up", "killed")


async def test_an_operator_mends_the_cause_and_has_it_tried_again(loaded, owner, service):
    path = a_path(service, f"declared/viettel/{loaded}")
    whole = damage(service, path)
    await until_the_end(service, owner, NOON)
    service.store.write(path, whole)
    [run] = owner.execute("SELECT id FROM run").fetchone()
    async with service.database.transaction("operator", ministry=True) as session:
        assert [each.id for each in await failing.listed(session)] == [run]
        await failing.try_again(session, run)
    with clock.fixed(NOON + datetime.timedelta(hours=5)):
        await swept(service, owner)
    assert owner.execute(BATCH, [loaded]).fetchone() == ("done", None)
    assert len(subscriptions(owner)) == len(ROWS)
    async with service.database.transaction("operator", ministry=True) as session:
        assert await failing.listed(session) == []
    for unknown in (run, uuid.uuid4()):
        with pytest.raises(NotFoundError):
            async with service.database.transaction("operator", ministry=True) as session:
                await failing.try_again(session, unknown)


async def test_what_the_carrier_sent_again_is_not_tried_again(loaded, owner, service):
    damage(service, a_path(service, f"declared/viettel/{loaded}"))
    await until_the_end(service, owner, NOON)
    again = await a_file(service, "viettel", ROWS, 2)
    owner.execute("UPDATE batch SET digest = (SELECT digest FROM batch WHERE id = %s)", [loaded])
    [run] = owner.execute("SELECT id FROM run WHERE batch_id = %s", [loaded]).fetchone()
    with pytest.raises(ConflictError, match=str(again)):
        async with service.database.transaction("operator", ministry=True) as session:
            await failing.try_again(session, run)
    assert owner.execute(BATCH, [loaded]).fetchone() == ("refused", "not_checked")


async def test_a_check_against_a_new_register_rests_a_day(loaded, owner, service, tmp_path):
    """The batch stays what it was; nobody has to send anything; it is tried again by itself."""
    with clock.fixed(NOON):
        await swept(service, owner)
        assert owner.execute(BATCH, [loaded]).fetchone() == ("done", None)
    later = NOON + datetime.timedelta(hours=1)
    with clock.fixed(later):
        await a_register(service, tmp_path, PEOPLE[::2], 2)
    path = a_path(service, f"declared/viettel/{loaded}")
    whole = damage(service, path)
    before = subscriptions(owner)
    assert await until_the_end(service, owner, later) == PAUSES
    assert owner.execute(RUN, [loaded]).fetchone()[:2] == ("failed", "given_up")
    assert owner.execute(BATCH, [loaded]).fetchone() == ("done", None)
    assert subscriptions(owner) == before
    service.store.write(path, whole)
    made = "SELECT count(*) FROM run"
    for hours, runs in ((25, 2), (30, 3)):
        with clock.fixed(NOON + datetime.timedelta(hours=hours)):
            await swept(service, owner)
        assert owner.execute(made).fetchone() == (runs,)
    assert owner.execute(RUN, [loaded]).fetchone()[0] == "published"
    assert subscriptions(owner) != before


async def test_why_is_told_without_anybodys_data(loaded, owner, service, monkeypatch, caplog):
    """Of an error that nobody expected stands its kind and place, for it may carry a cell."""
    monkeypatch.setattr("jobs.runs.check_sealed", lambda *_: int("Trần Thị Bí Mật"))
    with caplog.at_level(logging.INFO):
        await until_the_end(service, owner, NOON)
    _, _, told = owner.execute(RUN, [loaded]).fetchone()
    assert told["code"] == "ValueError"
    assert told["words"].startswith("test_failing.py:")
    told_anywhere = str(owner.execute("SELECT detail FROM audit").fetchall()) + str(told)
    assert "Bí Mật" not in told_anywhere
