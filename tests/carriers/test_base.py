from __future__ import annotations

import pytest

from carriers.registry import adapter
from simcheck.errors import FileRefusedError
from simcheck.records import REQUIRED

HEADER = b"msisdn,id_number,full_name,date_of_birth\n"


def test_nothing_is_opened_before_it_is_iterated(tmp_path):
    reading = adapter("generic").read(tmp_path / "later.csv")
    with pytest.raises(FileRefusedError):
        list(reading)
    (tmp_path / "later.csv").write_bytes(HEADER + b"1,2,3,4\n")
    assert [batch.num_rows for batch in reading] == [1]
    assert [batch.num_rows for batch in reading] == [1]
    assert reading.rows == 1


def test_a_reading_that_is_left_closes_its_file(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(HEADER + b"1,2,3,4\n" * 3_000_000)
    with adapter("generic").read(path) as reading:
        batches = iter(reading)
        next(batches)
        assert 0 < reading.bytes_read < reading.bytes_total
    with pytest.raises(StopIteration):
        next(batches)


def test_progress_reaches_the_end(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(HEADER + b"1,2,3,4\n" * 3_000_000)
    reading = adapter("generic").read(path, ("msisdn",))
    seen = [reading.bytes_read for _ in reading]
    assert seen == sorted(seen)
    assert reading.bytes_read == reading.bytes_total


def test_a_half_empty_file_and_too_few_rows_are_warned_of(read):
    data = HEADER + b"1,,x,1990\n2,,,1991\nbroken\n"
    _, reading = read(data, rows=(10, 20), max_empty={"id_number": 0.5, "full_name": 0.9})
    assert reading.warnings == [
        "3 rows, where 10 to 20 are expected",
        "column id_number: 3 of 3 cells are empty, at most 50% expected",
    ]
    _, reading = read(data, rows=(0, 2), columns=("msisdn",), max_empty={"id_number": 0.5})
    assert reading.warnings == ["3 rows, where 0 to 2 are expected"]
    _, reading = read(data, rows=(3, 3), max_empty={"full_name": 0.7})
    assert reading.warnings == []


def test_names_of_ignored_columns_are_printable_and_short(read):
    _, reading = read(HEADER[:-1] + b",a\x7fb,\xc3\xa9" + b"x" * 100 + b"\n", quote="")
    assert reading.unknown_columns == ["a?b", "é" + "x" * 63]


def test_words_are_mapped_and_others_pass(read):
    header = ";".join(["Số thuê bao", "Số giấy tờ", "Họ và tên", "Ngày sinh", "Giới tính", "Loại giấy tờ"])
    words = [
        ("Nam", "CCCD"),
        (" nữ ", "hộ chiếu"),
        ("NỮ", "Căn cước"),
        ("nu\u031b\u0303", "CMND"),
        ("?", "Bằng lái"),
        ("", ""),
    ]
    data = header + "".join(f"\n1;2;3;4;{gender};{kind}" for gender, kind in words)
    rows, _ = read(data.encode(), "viettel")
    assert [(row["gender"], row["id_type"]) for row in rows] == [
        ("M", "cccd"), ("F", "passport"), ("F", "cccd"), ("F", "cmnd"), ("?", "Bằng lái"), ("", ""),
    ]  # fmt: skip


def test_a_refusal_names_the_file_and_never_a_cell(read, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_bytes(b"0912345678,079203001234,Le A,1990-01-01\n")
    with pytest.raises(FileRefusedError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert not any(cell in str(caught.value) for cell in ("0912345678", "079203001234", "Le A"))
    assert all(name in str(caught.value) for name in REQUIRED)
