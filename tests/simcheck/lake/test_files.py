from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from simcheck.errors import OutputError
from simcheck.lake.files import Store


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_there_when_it_is_whole(tmp_path):
    store = Store(tmp_path / "lake")
    with store.writing("a/b") as stream:
        stream.write(b"half")
        assert not store.has("a/b")
        stream.write(b" and half")
    assert store.has("a/b")
    assert store.read("a/b") == b"half and half"
    assert everything(tmp_path) == {"lake/a/b"}


def test_a_file_is_replaced_at_once(tmp_path):
    store = Store(tmp_path)
    store.write("x", b"old")
    with store.open("x") as reader:
        store.write("x", b"new")
        assert reader.read() == b"old"
    assert store.read("x") == b"new"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_after_an_error_the_old_file_stands(tmp_path, error):
    store = Store(tmp_path)
    store.write("x", b"old")

    def spoil() -> None:
        with store.writing("x") as stream:
            stream.write(b"new")
            raise error

    with pytest.raises(error):
        spoil()
    assert store.read("x") == b"old"
    assert everything(tmp_path) == {"x"}


def test_the_same_through_a_uri(tmp_path):
    store = Store(tmp_path.as_uri())
    store.write("a/x", b"1")
    assert (tmp_path / "a" / "x").read_bytes() == b"1"
    assert list(store.files("a")) == ["a/x"]


def test_listing_and_removing(tmp_path):
    store = Store(tmp_path)
    assert store.files("a") == {}
    store.write("a/x", b"1")
    store.write("a/b/y", b"2")
    assert list(store.files("a")) == ["a/b/y", "a/x"]
    assert all(when.utcoffset() is not None for when in store.files("a").values())
    store.remove("a/x")
    store.remove("a/x")
    store.remove_folder("a")
    store.remove_folder("a")
    assert store.files("a") == {}
    assert not store.has("a/x")


def test_a_place_that_is_none():
    with pytest.raises(OutputError, match="Name a folder"):
        Store("nowhere://x/y")


def test_a_full_disk_is_said_in_words_and_leaves_nothing(tmp_path):
    """A limit on a file's size is how a process meets a full disk without one."""
    store = Store(tmp_path)
    store.write("x", b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OutputError, match="full") as caught:
            store.write("x", bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(tmp_path) in str(caught.value)
    assert store.read("x") == b"old"
    assert everything(tmp_path) == {"x"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_the_systems_own_word_for_a_full_disk(tmp_path):
    os.symlink("/dev/full", tmp_path / "full")
    with pytest.raises(OSError, match="No space left") as caught:
        (tmp_path / "full").write_bytes(b"x")
    assert "full" in str(Store(tmp_path)._cannot_write(caught.value))


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "lake").write_text("mine")
    with pytest.raises(OutputError, match="belongs to a file"):
        Store(tmp_path / "lake").write("a/x", b"1")
    assert (tmp_path / "lake").read_text() == "mine"
