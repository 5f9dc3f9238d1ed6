from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest

from carriers.base import Reading
from jobs import uploads
from simcheck.errors import OutputError
from simcheck.lake import encryption
from simcheck.uploads import stages
from tests.uploading import declared, finish, subscriptions, work

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"load_lease_seconds": 0.4})


@pytest.fixture
async def send(http, token_of):
    headers = await token_of("generic")

    async def post(content=None, kind="snapshot"):
        answer = await http.post(
            f"/v1/batches?kind={kind}", content=content or subscriptions(), headers=headers
        )
        assert answer.status_code == 202
        return answer.json()

    return post


def state(owner, batch) -> str:
    return owner.execute("SELECT state FROM batch WHERE id = %s", [batch["id"]]).fetchone()[0]


async def swept(service, owner) -> None:
    """The sweep finds what is due and wakes its reading."""
    owner.execute("TRUNCATE procrastinate_jobs CASCADE")
    await uploads.find_due(service)
    woken = "SELECT args ->> 'carrier' FROM procrastinate_jobs WHERE task_name = 'uploads.load'"
    for (carrier,) in owner.execute(woken).fetchall():
        await work(service, carrier)


async def test_the_queue_may_be_emptied(send, service, owner):
    batch = await send()
    await swept(service, owner)
    assert state(owner, batch) == "checking"


async def test_batches_of_a_carrier_are_taken_one_after_another(send, service, owner):
    first, second = await send(), await send(subscriptions(0, 5))
    await swept(service, owner)
    assert (state(owner, first), state(owner, second)) == ("checking", "received")
    finish(owner, first)
    await swept(service, owner)
    assert state(owner, second) == "checking"


async def test_a_refused_batch_makes_way_at_once(send, service, owner):
    first, second = await send(b"no header"), await send()
    await work(service)
    assert (state(owner, first), state(owner, second)) == ("refused", "checking")


async def test_what_a_killed_worker_left_is_taken_over(send, service, owner):
    batch = await send()
    async with service.database.transaction("test", "generic") as session:
        assert await stages.claim(session, "generic", timedelta(seconds=60))
    service.store.write(f"declared/generic/{batch['id']}/key", b"half a dataset")
    service.store.write(f"declared/generic/{batch['id']}/declared-0003.parquet", b"half a file")
    await uploads.load(service, "generic")
    assert state(owner, batch) == "reading"  # the lease still holds
    await asyncio.sleep(0.5)
    await swept(service, owner)
    assert state(owner, batch) == "checking"
    assert len(declared(service, batch)) == 20


async def test_a_worker_that_was_thought_dead_does_no_harm(send, service, owner, monkeypatch):
    """It stands still in the middle of the file; another takes the batch; then it wakes up."""
    batch, still, go = await send(), threading.Event(), threading.Event()
    reads = Reading.__iter__

    def stopping(reading):
        for rows in reads(reading):
            if not still.is_set():
                still.set()
                assert go.wait(10)
            yield rows

    async def no_sign(*_):
        return True

    monkeypatch.setattr(Reading, "__iter__", stopping)
    beat = uploads._Load._beat
    monkeypatch.setattr(uploads._Load, "_beat", no_sign)
    sleeping = asyncio.create_task(uploads.load(service, "generic"))
    await asyncio.to_thread(still.wait, 10)
    await asyncio.sleep(0.5)
    monkeypatch.setattr(uploads._Load, "_beat", beat)
    await uploads.load(service, "generic")
    assert state(owner, batch) == "checking"
    before = owner.execute("SELECT counts, rows, changed_at FROM batch").fetchone()
    go.set()
    await asyncio.gather(sleeping, return_exceptions=True)
    assert owner.execute("SELECT counts, rows, changed_at FROM batch").fetchone() == before
    started = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'runs.start'"
    assert owner.execute(started).fetchone() == (1,)


async def test_signs_of_life_hold_the_lease_and_show_how_far_it_is(send, service, owner, monkeypatch):
    batch, reads, go = await send(), Reading.__iter__, threading.Event()

    def stopping(reading):
        yield from reads(reading)
        assert go.wait(30)

    async def until(so: str) -> None:
        async with asyncio.timeout(20):
            while not owner.execute(f"SELECT {so} FROM batch").fetchone()[0]:
                await asyncio.sleep(0.02)

    monkeypatch.setattr(Reading, "__iter__", stopping)
    reading = asyncio.create_task(uploads.load(service, "generic"))
    await until("coalesce(counts -> 'rows_read' = '20', false)")
    [seen] = owner.execute("SELECT changed_at FROM batch").fetchone()
    await until(f"changed_at > '{seen.isoformat()}'")
    async with service.database.transaction("test", "generic") as session:
        assert await stages.claim(session, "generic", timedelta(seconds=20)) is None
    go.set()
    await reading
    assert state(owner, batch) == "checking"


async def test_a_full_disk_is_tried_again(send, service, owner, monkeypatch):
    batch = await send()
    publish = encryption.Dataset.publish

    def full(*_, **__):
        raise OutputError("the disk is full")

    monkeypatch.setattr(encryption.Dataset, "publish", full)
    for _ in range(stages.MOST_ATTEMPTS + 2):
        with pytest.raises(OutputError):
            await uploads.load(service, "generic")
        await asyncio.sleep(0.45)
    assert state(owner, batch) == "reading"
    monkeypatch.setattr(encryption.Dataset, "publish", publish)
    await swept(service, owner)
    assert state(owner, batch) == "checking"


async def test_a_file_that_breaks_every_reader_is_refused_at_last(send, service, owner, monkeypatch):
    batch = await send()

    def breaks(_):
        raise ZeroDivisionError

    monkeypatch.setattr(Reading, "__iter__", breaks)
    for _ in range(stages.MOST_ATTEMPTS - 1):
        with pytest.raises(ZeroDivisionError):
            await uploads.load(service, "generic")
        await asyncio.sleep(0.45)
    await uploads.load(service, "generic")
    assert state(owner, batch) == "refused"
    assert owner.execute("SELECT refusal_code FROM batch").fetchone() == ("unreadable",)


async def test_a_file_that_was_damaged_on_our_side(send, service, owner):
    batch = await send()
    (path,) = service.store.files("uploads")
    content = service.store.read(path)
    service.store.write(path, content[:-1] + bytes([content[-1] ^ 1]))
    await work(service)
    assert state(owner, batch) == "refused"
    code, words = owner.execute("SELECT refusal_code, refusal FROM batch").fetchone()
    assert (code, words) == ("damaged", "The file was damaged where we keep it. Send it again.")


async def test_a_delta_whose_base_is_lost(send, service, owner):
    base = await send()
    await work(service)
    finish(owner, base)
    service.store.remove_folder(f"declared/generic/{base['id']}")
    batch = await send(b"change," + subscriptions(0, 2).replace(b"\n0", b"\nremoved,0"), "delta")
    await work(service)
    assert state(owner, batch) == "refused"
    assert owner.execute("SELECT refusal_code FROM batch WHERE kind = 'delta'").fetchone() == ("no_snapshot",)


async def test_a_carrier_whose_format_nobody_knows(http, token_of, service, owner):
    headers = await token_of("unheard")
    await http.post("/v1/batches", content=subscriptions(), headers=headers)
    await work(service, "unheard")
    assert owner.execute("SELECT refusal_code FROM batch").fetchone() == ("no_format",)


async def test_raw_files_are_removed_when_their_time_is_over(send, service, owner, monkeypatch):
    batch = await send()
    service.store.write("uploads/generic/of-nobody/part-0000000000000000", b"x")
    await work(service)
    finish(owner, batch)
    await uploads.tidy(service)
    assert len(service.store.files("uploads")) == 2
    monkeypatch.setattr(uploads, "ORPHANED", timedelta(0))
    owner.execute("UPDATE batch SET done_at = now() - interval '8 days'")
    await uploads.tidy(service)
    assert service.store.files("uploads") == {}
    assert owner.execute("SELECT path FROM batch").fetchone() == (None,)
    assert len(declared(service, batch)) == 20
