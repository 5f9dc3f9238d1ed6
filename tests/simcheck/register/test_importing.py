from __future__ import annotations

import random
import resource
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from simcheck.errors import FileRefusedError, OutputError, SealError
from simcheck.normalise.names import new_keys
from simcheck.privacy import Keyring
from simcheck.register import importing
from simcheck.register.importing import import_register
from simcheck.register.sealed import SealedRegister
from simcheck.register.snapshot import Snapshot
from tests.building import AS_OF, citizen, country, register

KEYS = new_keys()


def take(store, keyring, path, buckets=8, threads=1) -> SealedRegister:
    return import_register(store, keyring, path, AS_OF, threads, buckets)


def left(tmp_path: Path) -> list[str]:
    return [str(path) for path in (tmp_path / "lake").rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["r.parquet", "r.csv", "r.csv.gz"])
@pytest.mark.parametrize("threads", [1, 2])
def test_everybody_is_there_once_sorted_by_number(tmp_path, store, keyring, name, threads):
    people, _ = country(3)
    path = register(tmp_path / name, random.Random(1).sample(people, len(people)), row_group=64)
    before = datetime.now(UTC)
    sealed = take(store, keyring, path, threads=threads)
    parts = [(part, former) for part, former in sealed.parts(threads)]
    ids = np.concatenate([part.id_number for part, _ in parts])
    known = {int(each.id_number): each for each in people}
    assert sorted(ids.tolist()) == sorted(known)
    assert all((np.diff(part.id_number) > 0).all() for part, _ in parts)
    for part, former in parts:
        for at, number in enumerate(part.id_number.tolist()):
            each = known[number]
            assert part.full_name[at].as_py() == each.full_name
            assert former.old_id[at] == int(each.old_id_number or 0)
            assert former.previous_id[at] == int(each.previous_id_number or 0)
            assert f"{part.born[at]:08}".rstrip("0") == each.date_of_birth.replace("-", "").rstrip("0")
    assert (sealed.rows, sealed.buckets, sealed.digest) == (250, 8, Snapshot(path).digest())
    assert before <= sealed.imported_at <= datetime.now(UTC)


def test_nothing_of_anybody_stands_in_the_lake_in_clear(tmp_path, store, keyring):
    people, _ = country(4)
    words = {
        each.encode() for one in people for each in (one.id_number, one.full_name, one.old_id_number) if each
    }
    take(store, keyring, register(tmp_path / "r.parquet", people))
    files = left(tmp_path)
    assert len(files) > 10
    for name in files:
        content = Path(name).read_bytes() + name.encode()
        assert not any(word in content for word in words)


def test_steps_on_the_way_are_encrypted_too(tmp_path, store, keyring, monkeypatch):
    """What stands in the lake when the rows are cut and not yet sorted."""
    people, _ = country(4)
    seen: list[bytes] = []
    cut = importing._cut

    def watched(*arguments):
        rows = cut(*arguments)
        seen.extend(Path(name).read_bytes() for name in left(tmp_path))
        return rows

    monkeypatch.setattr(importing, "_cut", watched)
    take(store, keyring, register(tmp_path / "r.csv", people))
    assert len(seen) > 8
    for one in people:
        assert not any(one.full_name.encode() in each or one.id_number.encode() in each for each in seen)


@pytest.mark.parametrize(
    ("spoiled", "says"),
    [
        (citizen(60, "Trần An")._replace(id_number="12"), "row 61, column id_number"),
        (citizen(60, ""), "row 61, column full_name"),
        (citizen(60, "Trần An", status="alive"), "row 61, column status"),
        (citizen(60, "Trần An")._replace(date_of_birth="1990-13-01"), "row 61, column date_of_birth"),
        (citizen(7, "Trần An"), "rows 8 and 61"),
    ],
)
@pytest.mark.parametrize("name", ["r.parquet", "r.csv"])
def test_a_register_that_cannot_be_trusted_leaves_nothing(tmp_path, store, keyring, name, spoiled, says):
    first = take(store, keyring, register(tmp_path / "good.csv", [citizen(1, "Trần An")]))
    before = left(tmp_path)
    people = [*(citizen(at, f"Trần An {at}") for at in range(60)), spoiled]
    path = register(tmp_path / name, people, row_group=20)
    with pytest.raises(FileRefusedError) as caught:
        take(store, keyring, path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "0010900" not in str(caught.value)
    assert left(tmp_path) == before
    assert SealedRegister.newest(store, keyring).name == first.name


@pytest.mark.parametrize("people", [[], None])
def test_no_register_at_all(tmp_path, store, keyring, people):
    path = tmp_path / "r.csv"
    if people is not None:
        register(path, people)
    with pytest.raises(FileRefusedError):
        take(store, keyring, path)
    assert left(tmp_path) == []
    assert SealedRegister.newest(store, keyring) is None


@pytest.mark.parametrize("kept", [0.5, 0.99])
@pytest.mark.parametrize("name", ["r.parquet", "r.csv.gz"])
def test_a_register_that_is_still_being_sent(tmp_path, store, keyring, name, kept):
    path = register(tmp_path / name, [citizen(at, f"Trần An {at}") for at in range(3000)])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(FileRefusedError):
        take(store, keyring, path)
    assert left(tmp_path) == []


@pytest.mark.parametrize("appears", ["more rows", "another file", "nothing"])
def test_a_register_that_changes_while_it_is_read(tmp_path, store, keyring, appears):
    """A CSV file that grows is whole at any moment, and wrong."""
    path = register(tmp_path / "r.csv", [citizen(at, f"Trần An {at}") for at in range(100)])
    new = register(tmp_path / "new.csv", [citizen(1, "Lê Bình")])

    def change(*_: object) -> None:
        if appears == "more rows":
            with path.open("a") as file:
                file.write("001090999999,Trần An,1990,M,active,,\n")
        elif appears == "another file" and new.exists():
            new.rename(path)
        elif appears == "nothing":
            path.unlink(missing_ok=True)

    with pytest.raises(FileRefusedError, match="changed while"):
        import_register(store, keyring, path, AS_OF, 1, 4, change)
    assert left(tmp_path) == []


def test_a_full_disk_leaves_the_old_register_current(tmp_path, store, keyring):
    first = take(store, keyring, register(tmp_path / "r.csv", [citizen(1, "Trần An")]))
    before = left(tmp_path)
    path = register(tmp_path / "r.parquet", [citizen(at, f"Trần An {at * 7919}") for at in range(30_000)])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, limits[1]))
    try:
        with pytest.raises(OutputError, match="full"):
            take(store, keyring, path, buckets=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert left(tmp_path) == before
    assert SealedRegister.newest(store, keyring).name == first.name


def test_two_imports_at_once_are_both_whole(tmp_path, store, keyring):
    paths = [
        register(tmp_path / f"{name}.csv", [citizen(at, f"{name} {at}") for at in range(500)])
        for name in ("Trần An", "Lê Bình")
    ]
    with ThreadPoolExecutor(2) as both:
        made = list(both.map(lambda path: take(store, keyring, path), paths))
    assert made[0].name != made[1].name
    for sealed, name in zip(made, ("Trần An", "Lê Bình"), strict=True):
        again = SealedRegister.open(store, keyring, sealed.name)
        names = [each for part, _ in again.parts(1) for each in part.full_name.to_pylist()]
        assert len(names) == 500
        assert all(each.startswith(name) for each in names)
    newest = max(made, key=lambda each: each.imported_at)
    assert SealedRegister.newest(store, keyring).name == newest.name


def test_an_import_that_is_killed_is_never_taken_for_a_register(tmp_path, store):
    """kill -9 in the middle: the lake has its files, and no reader sees a register."""
    keys = tmp_path / "keys.json"
    Keyring.make().save(keys)
    path = register(tmp_path / "r.parquet", [citizen(at, f"Trần An {at}") for at in range(3000)])
    program = f"""
        import time
        from pathlib import Path
        from simcheck.lake.files import Store
        from simcheck.privacy import Keyring
        from simcheck.register import importing
        from tests.building import AS_OF
        sort = importing._sort
        importing._sort = lambda *a: (sort(*a), print("half", flush=True), time.sleep(60))
        importing.import_register(
            Store({str(tmp_path / "lake")!r}), Keyring.load(Path({str(keys)!r})), Path({str(path)!r}),
            AS_OF, 1
        )
    """
    root = Path(__file__).resolve().parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, cwd=root, text=True
    )
    assert process.stdout.readline() == "half\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert len(left(tmp_path)) > 2
    ring = Keyring.load(keys)
    assert SealedRegister.newest(store, ring) is None
    (name,) = {str(Path(each).parent.relative_to(tmp_path / "lake")) for each in left(tmp_path)}
    with pytest.raises(SealError, match="not there"):
        SealedRegister.open(store, ring, name)
    sealed = take(store, ring, path)
    assert SealedRegister.newest(store, ring).name == sealed.name
