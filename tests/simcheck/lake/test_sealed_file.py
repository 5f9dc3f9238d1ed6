from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.errors import OutputError, SealError
from simcheck.lake import sealed_file
from simcheck.lake.files import Store
from simcheck.lake.sealed_file import CHUNK_BYTES, SealedFile, sealing
from simcheck.privacy import Keyring

RING = Keyring.make()
FOLDER = "uploads/viettel/one"


def filled(store: Store, content: bytes, *cuts: int, ring: Keyring = RING) -> SealedFile:
    """A sealed file in parts that begin at 0 and at each of `cuts`."""
    places = sorted({0, *cuts, len(content)})
    for start, end in zip(places, [*places[1:], len(content)], strict=True):
        if start < len(content) or not content:
            with sealing(store, ring, FOLDER, start) as writer:
                for at in range(start, end, 100_000):
                    writer.write(content[at : min(at + 100_000, end)])
    return SealedFile(store, ring, FOLDER, len(content))


def read(file: SealedFile) -> bytes:
    with file.open() as stream:
        return bytes(stream.read())


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "lake")


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_what_was_sealed_is_read(store, size):
    content = random.Random(size).randbytes(size)
    assert read(filled(store, content)) == content
    assert read(filled(store, content, size // 3, size // 2)) == content


@given(
    cuts=st.lists(st.integers(0, 1_000_000), max_size=4),
    places=st.lists(st.tuples(st.integers(0, 1_000_000), st.integers(0, 700_000)), max_size=6),
)
def test_any_place_can_be_read(tmp_path_factory, cuts, places):
    content = random.Random(7).randbytes(1_000_000)
    with filled(Store(tmp_path_factory.mktemp("lake")), content, *cuts).open() as stream:
        for place, count in places:
            stream.seek(place)
            assert bytes(stream.read(count)) == content[place : place + count]
            assert stream.tell() == min(place + count, len(content))


def test_nothing_stands_there_in_clear(store, tmp_path):
    filled(store, b"Nguyen Van An;001090000001\n" * 30_000, 400_000)
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert b"Nguyen" not in path.read_bytes()


def parts(store: Store) -> list[Path]:
    return sorted((Path(store.location) / FOLDER).iterdir())


def test_a_changed_byte_a_cut_and_a_swap_are_seen(store):
    content = random.Random(1).randbytes(3 * CHUNK_BYTES + 5)
    file = filled(store, content, CHUNK_BYTES)
    first, second = parts(store)
    whole, other = first.read_bytes(), second.read_bytes()
    chunk = CHUNK_BYTES + sealed_file._TAG_BYTES
    for damaged in (
        whole[:-1],
        whole + b"x",
        whole[:-1] + bytes([whole[-1] ^ 1]),
        b"",
        other[: len(whole)],
        bytes([whole[0] ^ 1]) + whole[1:],
    ):
        first.write_bytes(damaged)
        with pytest.raises(SealError):
            read(file)
    first.write_bytes(whole)
    second.write_bytes(other[:-chunk])  # a whole chunk less
    with pytest.raises(SealError):
        read(file)
    second.unlink()
    with pytest.raises(SealError):
        read(file)


def test_chunks_in_another_order_are_seen(store):
    file = filled(store, random.Random(1).randbytes(3 * CHUNK_BYTES))
    (path,) = parts(store)
    whole, chunk = path.read_bytes(), CHUNK_BYTES + sealed_file._TAG_BYTES
    head = len(whole) - 3 * chunk
    one, two, three = (whole[head + i * chunk : head + (i + 1) * chunk] for i in range(3))
    path.write_bytes(whole[:head] + two + one + three)
    with pytest.raises(SealError):
        read(file)


def test_another_keyring_and_another_folder_do_not_open_it(store):
    filled(store, b"x")
    with pytest.raises(SealError):
        read(SealedFile(store, Keyring.make(), FOLDER, 1))
    (path,) = parts(store)
    (path.parent.parent / "two").mkdir()
    path.rename(path.parent.parent / "two" / path.name)
    with pytest.raises(SealError):
        read(SealedFile(store, RING, "uploads/viettel/two", 1))


def test_an_older_key_still_opens(store):
    file = filled(store, b"x" * 10)
    assert read(SealedFile(store, RING.rotate(), FOLDER, file.size)) == b"x" * 10


def test_a_part_that_was_never_counted_is_replaced(store):
    content = random.Random(2).randbytes(900)
    with sealing(store, RING, FOLDER) as writer:
        writer.write(content[:500])
    with sealing(store, RING, FOLDER, 500) as writer:
        writer.write(b"y" * 700)  # the process was killed before it was told
    assert read(SealedFile(store, RING, FOLDER, 500)) == content[:500]
    with sealing(store, RING, FOLDER, 500) as writer:
        writer.write(content[500:])
    assert read(SealedFile(store, RING, FOLDER, 900)) == content


def test_a_broken_off_part_leaves_nothing(store):
    with pytest.raises(RuntimeError), sealing(store, RING, FOLDER) as writer:
        writer.write(b"x" * 2 * CHUNK_BYTES)
        raise RuntimeError
    assert store.files(FOLDER) == {}


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError), sealing(Store(tmp_path / "file"), RING, FOLDER) as writer:
        writer.write(b"x")
