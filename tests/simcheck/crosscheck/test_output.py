from __future__ import annotations

import errno
import os

import pyarrow as pa
import pytest

from simcheck.crosscheck.output import written_aside
from simcheck.errors import FileRefusedError, OutputError


def test_files_move_in_at_the_end(tmp_path):
    out = tmp_path / "a" / "b"
    with written_aside(out) as folder:
        (folder / "one.txt").write_text("1")
        assert list(out.glob("*.txt")) == []
    assert sorted(each.name for each in out.iterdir()) == ["one.txt"]


def test_earlier_results_are_replaced_and_strangers_stay(tmp_path):
    (tmp_path / "one.txt").write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    with written_aside(tmp_path) as folder:
        (folder / "one.txt").write_text("new")
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {
        "one.txt": "new",
        "mine.txt": "mine",
    }


def test_results_that_cannot_all_move_in_leave_the_earlier_ones(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "c.txt").mkdir()
    with pytest.raises(OutputError, match="a folder has the name"), written_aside(tmp_path) as folder:
        for name in ("a.txt", "b.txt", "c.txt"):
            (folder / name).write_text("new")
    assert {each.name for each in tmp_path.iterdir()} == {"a.txt", "c.txt"}
    assert (tmp_path / "a.txt").read_text() == "old"


def spoil(out, error) -> None:
    with written_aside(out) as folder:
        (folder / "one.txt").write_text("new")
        raise error


@pytest.mark.parametrize("existed", [True, False])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, FileRefusedError("x", "y", "z")])
def test_after_an_error_everything_is_as_it_was(tmp_path, existed, error):
    out = tmp_path / "out"
    if existed:
        out.mkdir()
        (out / "one.txt").write_text("old")
    with pytest.raises(error if isinstance(error, type) else type(error)):
        spoil(out, error)
    assert out.exists() == existed
    if existed:
        assert {each.name: each.read_text() for each in out.iterdir()} == {"one.txt": "old"}


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "may not be written"),
        (errno.EROFS, "may not be written"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_what_the_system_refuses_is_said_in_words(tmp_path, number, says):
    with pytest.raises(OutputError, match=says) as caught, written_aside(tmp_path / "out"):
        raise OSError(number, os.strerror(number))
    assert str(tmp_path / "out") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_fault_of_the_program_is_not_called_a_full_disk(tmp_path):
    with pytest.raises(pa.ArrowInvalid), written_aside(tmp_path / "out"):
        raise pa.ArrowInvalid("a mistake")


def test_the_folder_is_a_file(tmp_path):
    out = tmp_path / "out"
    out.write_text("mine")
    with pytest.raises(OutputError, match="belongs to a file"), written_aside(out):
        pass
    assert out.read_text() == "mine"


def test_the_folder_is_below_a_file(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="belongs to a file"), written_aside(tmp_path / "file" / "out"):
        pass
