from __future__ import annotations

import os
import time

import pytest

from jobs import drop
from simcheck.uploads.drop import Dropped
from tests.uploading import finish, subscriptions, work

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(settings, tmp_path):
    return settings.model_copy(update={"drop": tmp_path / "drop"})


@pytest.fixture
def home(settings):
    made = settings.drop / "generic"
    made.mkdir(parents=True)
    return made


def put(folder, name, content, age=60):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    then = time.time() - age
    os.utime(folder / name, (then, then))


def names(folder) -> list[str]:
    return sorted(path.name.split("-", 1)[1] for path in folder.iterdir()) if folder.exists() else []


def batches(owner):
    asked = owner.execute("SELECT id, client, kind, state, carrier FROM batch ORDER BY received_at")
    return [dict(zip(("id", "client", "kind", "state", "carrier"), row, strict=True)) for row in asked]


async def test_a_file_goes_its_way(service, owner, home):
    put(home, "tháng-11.csv", subscriptions())
    await drop.find_dropped(service)
    (batch,) = batches(owner)
    assert (batch["client"], batch["kind"], batch["state"]) == ("drop", "snapshot", "received")
    assert names(home / "taken") == ["snapshot-tháng-11.csv", "snapshot-tháng-11.csv.batch"]
    await drop.find_dropped(service)
    assert len(batches(owner)) == 1
    await work(service)
    finish(owner, batch)
    await drop.find_dropped(service)
    assert names(home / "taken") == []
    assert names(home / "done") == ["snapshot-tháng-11.csv", "snapshot-tháng-11.csv.txt"]
    (note,) = (home / "done").glob("*.txt")
    assert note.read_text() == f"Batch {batch['id']}: 20 rows, checked.\n"


async def test_a_refused_file_has_a_note_that_says_why(service, owner, home):
    put(home / "delta", "nothing.csv", b"")
    await drop.find_dropped(service)
    assert batches(owner)[0]["kind"] == "delta"
    await work(service)
    await drop.find_dropped(service)
    (note,) = (home / "refused").glob("*.txt")
    assert "The file is empty" in note.read_text() or "no snapshot" in note.read_text()
    assert names(home / "refused")[0] == "delta-nothing.csv"


async def test_files_that_are_still_written_stay(service, owner, home):
    put(home, "new.csv", subscriptions(), age=0)
    for name in (".hidden.csv", "a.csv.part", "b.TMP", "c.filepart"):
        put(home, name, subscriptions())
    await drop.find_dropped(service)
    assert batches(owner) == []
    assert len(list(home.iterdir())) == 5


async def test_a_worker_that_was_killed_in_between(service, owner, home):
    """Between taking and receiving, and between receiving and noting it: nothing is lost or doubled."""
    put(home, "a.csv", subscriptions())
    await drop.find_dropped(service)
    (mark,) = (home / "taken").glob(".*.batch")
    for content in (None, "", "cut off"):
        mark.unlink(missing_ok=True)
        if content is not None:
            mark.write_text(content)
            await drop.find_dropped(service)
            assert not mark.exists()
        await drop.find_dropped(service)
        assert mark.read_text() == str(batches(owner)[0]["id"])
    assert len(batches(owner)) == 1
    assert len(service.store.files("uploads")) == 1


async def test_what_is_no_file_is_refused(service, owner, home, tmp_path):
    (tmp_path / "secret").write_bytes(subscriptions())
    link = home / "link.csv"
    link.symlink_to(tmp_path / "secret")
    os.mkfifo(home / "pipe.csv")
    for path in (link, home / "pipe.csv"):
        os.utime(path, (1, 1), follow_symlinks=False)
    await drop.find_dropped(service)
    assert batches(owner) == []
    assert len(names(home / "refused")) == 4


async def test_a_file_that_is_too_large(service, owner, home, monkeypatch):
    monkeypatch.setitem(service.settings.__dict__, "upload_bytes", 100)
    put(home, "a.csv", subscriptions())
    await drop.find_dropped(service)
    assert batches(owner) == []
    (note,) = (home / "refused").glob("*.txt")
    assert "more than 100 bytes" in note.read_text()
    assert service.store.files("uploads") == {}


async def test_a_folder_of_nobody_is_left_alone(service, owner, settings, home):
    put(settings.drop / "nobody", "a.csv", subscriptions())
    put(settings.drop, "loose.csv", subscriptions())
    await drop.find_dropped(service)
    assert batches(owner) == []
    assert (settings.drop / "loose.csv").exists()


async def test_without_a_folder_nothing_happens(service, monkeypatch):
    monkeypatch.setitem(service.settings.__dict__, "drop", None)
    await drop.find_dropped(service)


def test_what_a_taken_file_says(tmp_path):
    dropped = Dropped("generic", tmp_path / "20261125T020000000000-delta-a-b.csv")
    assert (dropped.kind, dropped.name) == ("delta", "a-b.csv")
