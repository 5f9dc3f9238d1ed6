from __future__ import annotations

import gzip
import os
import re
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from carriers.registry import adapter, codes
from carriers.writing import dates_as, write
from simcheck.errors import OutputError, UsageError
from simcheck.records import DECLARED_COLUMNS, REQUIRED

FULL = {
    "msisdn": "84912345678", "id_number": "179203001234", "full_name": "Nguyễn Thị Thúy Hương",
    "date_of_birth": "1990-02-03", "gender": "F", "id_type": "cccd", "activated_on": "2020-12-31",
    "email": "a@example.vn", "row_ref": "r1", "face_verified_at": "2026-05-01T10:11:12",
    "contact_msisdn": "84987654321", "province": "Hà Nội", "contract_id": 'x;y/z,"q"\\',
    "point_of_sale": "P 1",
    "status": "active",
}  # fmt: skip
SPARSE = {
    "msisdn": "84912345679",
    "id_number": "B1234567",
    "full_name": "Lê A",
    "date_of_birth": "1990-02",
    "gender": "X",
}
DATES = ("date_of_birth", "activated_on", "face_verified_at")


def batch(*rows: dict[str, str], columns: tuple[str, ...] = DECLARED_COLUMNS) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(rows), pa.schema([(name, pa.string()) for name in columns]))


@pytest.mark.parametrize("code", codes())
def test_what_is_written_is_read_back(read, tmp_path, code):
    profile = adapter(code).profile
    for extension in profile.extensions:
        for encoding in profile.encodings:
            path = tmp_path / f"file{extension}"
            assert write(profile, path, [batch(FULL, SPARSE), batch(FULL)], encoding) == 3
            rows, reading = read(path, code)
            assert reading.encoding.startswith(encoding)
            assert reading.unknown_columns == []
            assert rows[0] | {"row": 3} == rows[2]
            for written, row in zip((FULL, SPARSE), rows, strict=False):
                assert row["problem"] is None
                for name in set(DECLARED_COLUMNS) - set(DATES):
                    expected = written.get(name, "")
                    assert (row[name] or "") == (expected)
            pattern = (
                "%Y-%m-%d" if profile.format == "workbook" or extension == ".parquet" else profile.date_format
            )
            day = pattern.replace("%d", "03").replace("%m", "02").replace("%Y", "1990")
            assert rows[0]["date_of_birth"] == day
            assert rows[1]["date_of_birth"] == "1990-02"
    assert os.listdir(tmp_path) == sorted(
        {f"file{extension}" for extension in profile.extensions}, key=os.listdir(tmp_path).index
    )


def test_the_files_look_as_assumed(tmp_path):
    def written(code: str, name: str, **how: str) -> bytes:
        write(
            adapter(code).profile,
            tmp_path / name,
            [batch(FULL, columns=(*REQUIRED, "gender", "id_type"))],
            **how,
        )
        return (tmp_path / name).read_bytes()

    viettel = gzip.decompress(written("viettel", "v.csv.gz")).decode()
    assert viettel.splitlines() == [
        "Số thuê bao;Họ và tên;Ngày sinh;Giới tính;Loại giấy tờ;Số giấy tờ",
        "84912345678;Nguyễn Thị Thúy Hương;03/02/1990;Nữ;CCCD;179203001234",
    ]
    assert b"|Nguy\xd4n Th\xde Th\xf3y H\xad\xacng|" in written("vinaphone", "v.txt", encoding="tcvn3")
    assert written("itel", "i.tsv").startswith(b"\xff\xfeT\0h\0u\0")
    assert written("vietnamobile", "v.jsonl").startswith(
        b'{"phoneNumber":"84912345678","documentNumber":"1792'
    )
    line = written("gmobile", "g.dat").decode()
    assert len(line) == 308
    assert line[16:35] == "84912345678".ljust(16) + "CC1"


def test_quotes_delimiters_and_line_ends_in_cells(read, tmp_path):
    wild = {name: f' "{name}",;|\t\r\n"' for name in REQUIRED}
    for code, expected in (
        ("generic", wild["full_name"]),
        ("vietnamobile", wild["full_name"]),
        ("vinaphone", None),
    ):
        path = tmp_path / code
        write(adapter(code).profile, path, [batch(wild)])
        rows, _ = read(path, code)
        assert rows[0]["full_name"] == (expected or ' "full_name",; \t  "')


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.fixed_dictionaries(dict.fromkeys(REQUIRED, CELL)), min_size=1, max_size=5))
@pytest.mark.parametrize("code", ["generic", "vietnamobile", "itel"])
def test_any_text_is_read_back(read, tmp_path_factory, code, rows):
    rows[0] = dict.fromkeys(REQUIRED, "x")
    path = tmp_path_factory.mktemp("any") / "file"
    profile = replace(adapter(code).profile, encodings=("utf-8",), date_format="%Y-%m-%d")
    write(profile, path, [batch(*rows)])
    got, _ = read(path, code)
    assert [{name: row[name] or "" for name in REQUIRED} for row in got] == rows


def test_a_workbook_has_numbers_dates_and_sheets(read, tmp_path):
    path = tmp_path / "m.xlsx"
    profile = replace(adapter("mobifone").profile, sheet_rows=3)
    rows = [FULL | {"msisdn": "0912345678", "id_number": "079203001234"}] * 7
    write(profile, path, [batch(*rows[:4]), batch(*rows[4:])])
    with CalamineWorkbook.from_path(str(path)) as book:
        heights = [book.get_sheet_by_index(index).height for index in range(len(book.sheet_names))]
        first = book.get_sheet_by_index(0).to_python()[1]
    assert heights == [4, 4, 2]
    assert 912345678.0 in first
    assert 79203001234.0 in first
    got, _ = read(path, "mobifone")
    assert [row["id_number"] for row in got] == ["79203001234"] * 7
    assert path.read_bytes() == (write(profile, path, [batch(*rows)]), path.read_bytes())[1]


def test_what_a_workbooks_calendar_lacks_stays_text(read, tmp_path):
    path = tmp_path / "m.xlsx"
    odd = ["1899-12-31", "1990-02-30", "1990", "31/12/1990"]
    write(adapter("mobifone").profile, path, [batch(*(FULL | {"date_of_birth": day} for day in odd))])
    assert [row["date_of_birth"] for row in read(path, "mobifone")[0]] == odd


@pytest.mark.parametrize("code", codes())
def test_no_rows_are_a_header(read, tmp_path, code):
    profile = adapter(code).profile
    path = tmp_path / f"file{profile.extensions[0]}"
    assert write(profile, path, []) == 0
    if profile.format in {"csv", "workbook"}:
        assert read(path, code)[0] == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("%d/%m/%Y", "03/02/1990"), ("%Y%m%d", "19900203"), ("ngày %d.%m.%y.", "ngày 03.02.90.")],
)
def test_dates_in_another_order(pattern, expected):
    odd = ["", "1990", "1990-2-3", "x1990-02-03", "1990-02-031", "03/02/1990"]
    column = pa.array(["1990-02-03", "1990-02-03T04:05", "9999-99-99", *odd])
    got = dates_as(column, pattern).to_pylist()
    assert got[:2] == [expected, f"{expected} 04:05"]
    assert re.sub(r"\D", "", got[2]).count("9") == len(re.sub(r"\D", "", expected))
    assert got[3:] == odd


def test_what_cannot_be_written(tmp_path):
    profile = adapter("generic").profile
    with pytest.raises(OutputError, match="cannot be written"):
        write(profile, tmp_path / "no" / "file.csv", [batch(FULL)])
    with pytest.raises(UsageError, match="does not write tcvn3"):
        write(profile, tmp_path / "file.csv", [batch(FULL)], "tcvn3")
    with pytest.raises(OutputError, match="cannot be written"):
        write(adapter("mobifone").profile, tmp_path / "no" / "file.xlsx", [batch(FULL)])


def test_a_failure_leaves_nothing_behind(tmp_path):
    def failing():
        yield batch(FULL)
        raise KeyboardInterrupt

    for code in ("generic", "mobifone", "vietnamobile"):
        with pytest.raises(KeyboardInterrupt):
            write(adapter(code).profile, tmp_path / "file", failing())
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk(tmp_path):
    os.symlink("/dev/full", tmp_path / "file.csv.part")
    with pytest.raises(OutputError, match="No space left"):
        write(adapter("generic").profile, tmp_path / "file.csv", [batch(*[FULL] * 1000)])
    assert os.listdir(tmp_path) == []
