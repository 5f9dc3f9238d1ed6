from __future__ import annotations

import datetime
import random
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
import xlsxwriter

from simcheck.errors import FileRefusedError
from tests.building import damaged

HEADERS = ["Số điện thoại", "Tên khách hàng", "Ngày sinh", "Số định danh"]
DAY = datetime.datetime(1990, 2, 3)


@pytest.fixture
def book(tmp_path: Path):
    book = xlsxwriter.Workbook(str(tmp_path / "book.xlsx"))
    book.add_format({"num_format": "dd/mm/yyyy"})
    return book


def done(book: xlsxwriter.Workbook) -> Path:
    book.close()
    return Path(book.filename)


def sheet(book: xlsxwriter.Workbook, rows: int, headers=HEADERS, first: int = 0):
    made = book.add_worksheet()
    made.write_row(first, 0, headers)
    for row in range(rows):
        made.write_row(first + 1 + row, 0, [912345678, f"Lê A {row}", "1990", 79203001234])
    return made


def test_numbers_dates_formulas_errors_and_merged_cells(read, book):
    date = book.add_format({"num_format": "dd/mm/yyyy"})
    made = sheet(book, 1)
    made.write_datetime(1, 2, DAY, date)
    made.write_row(2, 0, ["", "Trần B"])
    made.write_formula(2, 0, '="84"&"912"', None, "84912")
    made.write_datetime(2, 2, datetime.datetime(1990, 2, 3, 4, 5, 6), date)
    made.write_formula(2, 3, "=1/0", None, "#DIV/0!")
    made.merge_range(3, 0, 3, 2, "0913")
    made.write_boolean(4, 0, True)
    made.write_number(4, 1, 1.5)
    made.write_number(4, 3, 1e300)
    made.write_number(5, 0, 0)
    rows, reading = read(done(book), "mobifone")
    got = [tuple(row[name] for name in ("msisdn", "full_name", "date_of_birth", "id_number")) for row in rows]
    assert got == [
        ("912345678", "Lê A 0", "1990-02-03", "79203001234"),
        ("84912", "Trần B", "1990-02-03T04:05:06", ""),
        ("0913", "", "", ""),
        ("TRUE", "1.5", "", "1e+300"),
        ("0", "", "", ""),
    ]
    assert reading.unknown_columns == []


def test_every_sheet_with_the_header_counts_and_the_others_are_named(read, book):
    sheet(book, 3)
    notes = book.add_worksheet("Ghi chú")
    notes.write(0, 0, "note")
    book.add_worksheet("Empty")
    hidden = sheet(book, 2, [*reversed(HEADERS), "Khác"])
    hidden.hide()
    chart = book.add_chart({"type": "bar"})
    chart.add_series({"values": "=Sheet1!$A$1:$A$2"})
    book.add_chartsheet("Chart").set_chart(chart)
    rows, reading = read(done(book), "mobifone")
    assert [row["full_name"] for row in rows] == ["Lê A 0", "Lê A 1", "Lê A 2", "1990", "1990"]
    assert reading.unknown_columns == ["Khác"]
    assert "sheets without the header, not read: Ghi chú, Empty, Chart" in reading.warnings


def test_a_title_above_the_header_and_empty_rows(read, book):
    made = sheet(book, 2, first=4)
    made.merge_range(0, 0, 0, 3, "Danh sách thuê bao")
    made.write_row(9, 0, [1, "x"])
    rows, _ = read(done(book), "mobifone")
    assert [row["msisdn"] for row in rows] == ["912345678", "912345678", "1"]


def test_only_asked_columns_come(read, book):
    sheet(book, 2)
    rows, _ = read(done(book), "mobifone", columns=("full_name", "email"))
    assert [(row["full_name"], row["email"]) for row in rows] == [("Lê A 0", None), ("Lê A 1", None)]


def test_a_header_without_a_required_column_refuses_the_file(read, book):
    sheet(book, 1)
    sheet(book, 1, HEADERS[:3])
    with pytest.raises(FileRefusedError, match=r"id_number \(Số định danh\)"):
        read(done(book), "mobifone")


def test_a_doubled_column_refuses_the_file(read, book):
    sheet(book, 1, [*HEADERS, HEADERS[0]])
    with pytest.raises(FileRefusedError, match=r"msisdn \(Số điện thoại\) twice"):
        read(done(book), "mobifone")


def test_a_workbook_without_any_header_is_refused(read, book):
    with pytest.raises(FileRefusedError, match="no columns msisdn"):
        read(done(book), "mobifone")


def test_a_workbook_given_as_csv_and_text_given_as_a_workbook(read, book):
    sheet(book, 1)
    with pytest.raises(
        FileRefusedError, match=r"is an Excel workbook.*generic sends delimited text or Parquet"
    ):
        read(done(book))
    with pytest.raises(FileRefusedError, match="is text, where the carrier mobifone sends an Excel workbook"):
        read(b"msisdn,id_number\n", "mobifone")


def container(*streams: str) -> bytes:
    """An OLE2 compound file (version 3) with these streams, all empty: header, FAT, directory."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    header += bytes(10) + struct.pack("<IIIIIIIII", 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)
    header = header.ljust(512, b"\xff")
    fat = struct.pack("<II", 0xFFFFFFFD, 0xFFFFFFFE).ljust(512, b"\xff")
    entries = b""
    for index, name in enumerate(["Root Entry", *streams]):
        utf16 = name.encode("utf-16-le")
        entry = (
            utf16.ljust(64, b"\0") + struct.pack("<H", len(utf16) + 2) + bytes([5 if index == 0 else 2, 1])
        )
        entries += entry.ljust(128, b"\0")
    return header + fat + entries.ljust(512, b"\0")


def test_a_password_has_its_own_message(read):
    with pytest.raises(FileRefusedError, match="protected by a password"):
        read(container("EncryptionInfo", "EncryptedPackage"), "mobifone")
    with pytest.raises(FileRefusedError, match=r"old \.xls workbook"):
        read(container("Workbook"), "mobifone")


def test_another_zip_is_no_workbook(read, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.csv", "1,2")
    with pytest.raises(FileRefusedError, match="no Excel workbook"):
        read(tmp_path / "x.zip", "mobifone")


def test_a_truncated_workbook_is_refused(read, book, tmp_path):
    sheet(book, 500)
    whole = done(book).read_bytes()
    for keep in (0.2, 0.6, 0.99):
        with pytest.raises(FileRefusedError, match="damaged or ends early"):
            read(whole[: int(len(whole) * keep)], "mobifone")


def test_a_workbook_with_any_damage_is_read_or_refused(read, book):
    sheet(book, 50)
    whole = done(book).read_bytes()
    chance = random.Random(5)
    for _ in range(150):
        with suppress(FileRefusedError):
            read(damaged(whole, chance, range(len(whole))), "mobifone")


def bomb(path: Path, size: int, claimed: int | None = None) -> Path:
    """A workbook whose sheet unpacks to `size` zeros, and says it were `claimed`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=False) as part:
            for _ in range(size >> 20):
                part.write(bytes(1 << 20))
    if claimed is not None:
        content = path.read_bytes().replace(struct.pack("<I", size), struct.pack("<I", claimed))
        path.write_bytes(content)
    return path


def test_a_bomb_is_refused(read, tmp_path):
    with pytest.raises(FileRefusedError, match="unpacks to more than 200 times its size"):
        read(bomb(tmp_path / "a.xlsx", 256 << 20), "mobifone")
    with pytest.raises(FileRefusedError, match="a part that unpacks to more than 1 GiB"):
        read(bomb(tmp_path / "b.xlsx", 16 << 20, (1 << 30) + 1), "mobifone")
    with pytest.raises(FileRefusedError, match="damaged"):
        read(bomb(tmp_path / "c.xlsx", 256 << 20, 1000), "mobifone")
