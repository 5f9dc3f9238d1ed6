from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from simcheck.messages.words import Language
from simcheck.reports import drill, sheets
from simcheck.reports.document import Grid, Share
from simcheck.reports.drill import Drill
from simcheck.reports.kinds import Of
from simcheck.reports.sheets import BOM, csv_lines, grid_csv, plain, workbook
from simcheck.reports.words import WORDS

pytestmark = pytest.mark.anyio
VI = WORDS[Language.VI]
EVIL = [
    "=1+1", "+84", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "－1", "＠x", "＋1", " =1", "\u200b=1",
    "\ufeff=cmd|' /C x'!A0",
]  # fmt: skip


@pytest.mark.parametrize("text", EVIL)
def test_no_text_is_computed(text):
    assert plain(text) == f"'{text}"


def test_other_texts_stay():
    for text in ("", "ĐL 7", "a=b", "Hà Nội - 1", "1-2", "'=1", "12"):
        assert plain(text) == text


@given(st.text(max_size=20))
def test_no_text_begins_as_a_formula(text):
    first = plain(text).lstrip()[:1]
    assert first not in {"=", "+", "-", "@", "＝", "＋", "－", "＠"}


def test_a_csv_file_as_excel_reads_it():
    cells = [("=x;=y", 1_000), ('Đ"k', None), ("c", Share(0.5)), ("d", date(2026, 1, 2))]
    made = grid_csv(Grid("Bảng", ("Tỉnh", "Số"), cells))
    assert made.startswith(BOM.encode())
    assert list(csv.reader(io.StringIO(made.decode("utf-8-sig")))) == [
        ["Tỉnh", "Số"], ["'=x;=y", "1000"], ['Đ"k', ""], ["c", "0.5"], ["d", "2026-01-02"],
    ]  # fmt: skip
    assert b'"\'=x;=y"' in made  # in quotes: no other separator cuts it
    moment = datetime(2026, 1, 2, 20, tzinfo=UTC)
    assert csv_lines([[moment, timedelta(minutes=1)]]) == b'"2026-01-03 03:00:00",60\r\n'


def test_a_workbook_knows_its_types():
    grid = Grid("Nhà mạng: [a]*?/\\", ("Tên", "Số", "Tỷ lệ", "Ngày"), [
        *((text, 7, Share(0.25), date(2026, 1, 2)) for text in EVIL), ("x", None, None, timedelta(hours=1)),
    ])  # fmt: skip
    made = workbook([grid, grid], VI)
    book = CalamineWorkbook.from_filelike(io.BytesIO(made))
    assert len(book.sheet_names) == 2
    rows = book.get_sheet_by_index(0).to_python()
    assert rows[0] == ["Tên", "Số", "Tỷ lệ", "Ngày"]
    assert rows[1][1:] == [7, 0.25, date(2026, 1, 2)]
    assert rows[-1][1:] == ["", "", 1]
    whole = zipfile.ZipFile(io.BytesIO(made)).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in whole
    assert "#,##0" in zipfile.ZipFile(io.BytesIO(made)).read("xl/styles.xml").decode()


async def test_a_list_as_files(country, session):
    """All its rows, with nothing to compute in them."""
    asked = Drill(Of.SUBSCRIPTION, sold_at="=ĐL")
    count = await drill.count(session, asked)
    with await sheets.list_csv(session, asked, VI) as file:
        whole = file.read()
    rows = list(csv.reader(io.StringIO(whole.decode("utf-8-sig"))))
    assert len(rows) == count + 1 > 50
    assert rows[0][:4] == ["Mã số thuê bao", "Nhà mạng", "Tỉnh, thành phố", "Điểm bán"]
    assert {row[3] for row in rows[1:]} == {"'=ĐL"}
    with await sheets.list_workbook(session, asked, VI) as file:
        found = CalamineWorkbook.from_filelike(file).get_sheet_by_index(0).to_python()
    assert len(found) == count + 1
    assert {row[3] for row in found[1:]} == {"=ĐL"}


async def test_columns_that_are_kept_back(country, session):
    asked, without = Drill(Of.SUBSCRIPTION, sold_at="=ĐL"), drill.NAMES | drill.FOUND
    with await sheets.list_csv(session, asked, VI, without) as file:
        head = file.readline().decode("utf-8-sig")
    assert head == '"Nhà mạng","Tỉnh, thành phố","Điểm bán","Trạng thái","Ngày kích hoạt"\r\n'
    with await sheets.list_workbook(session, asked, VI, without) as file:
        assert len(CalamineWorkbook.from_filelike(file).get_sheet_by_index(0).to_python()[0]) == 5


async def test_a_long_list_goes_on_in_another_sheet(country, session, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_SHEET_ROWS", 100)
    asked = Drill(Of.SUBSCRIPTION)
    with await sheets.list_workbook(session, asked, VI) as file:
        book = CalamineWorkbook.from_filelike(file)
        sizes = [len(book.get_sheet_by_index(at).to_python()) - 1 for at in range(len(book.sheet_names))]
    assert sum(sizes) == await drill.count(session, asked)
    assert max(sizes) == 100
    with await sheets.list_workbook(session, Drill(Of.SUBSCRIPTION, sold_at="none"), VI) as file:
        assert len(CalamineWorkbook.from_filelike(file).get_sheet_by_index(0).to_python()) == 1


async def test_every_list_has_words_for_its_columns():
    for words in WORDS.values():
        for of in Of:
            assert all(words(f"column.{name}") for name in drill.columns(of))
