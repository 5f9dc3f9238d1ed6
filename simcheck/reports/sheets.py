"""Exports that people open in a spreadsheet: CSV and XLSX in which nothing that somebody wrote is
ever computed.

A cell of a carrier's or holder's text may begin with what a spreadsheet takes for a formula. In CSV, which
knows no types, such a text gets an apostrophe in front, and every text stands in quotes, so that no other
separator (a Vietnamese Excel's is the semicolon) cuts it. In XLSX texts are written as texts.
"""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import IO, Any

import xlsxwriter
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.clock import LOCAL
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Reason
from simcheck.reports import drill
from simcheck.reports.document import Grid, Share
from simcheck.reports.drill import Drill
from simcheck.reports.words import Words

BOM = "\ufeff"  # by which Excel knows UTF-8
# What a spreadsheet begins a formula with; other widths are folded to these (NFKC).
FORMULA = frozenset("=+-@\t\r\n|%")
MOST_SHEET_ROWS = 1_048_575  # below the head
_NAME = str.maketrans("[]:*?/\\", "       ")
_FORMATS = {"number": "#,##0", "share": "0.0%", "day": "dd/mm/yyyy", "moment": "dd/mm/yyyy hh:mm"}


def plain(text: str) -> str:
    """A text that no spreadsheet computes: with an apostrophe in front where one might."""
    for character in text:
        kind = unicodedata.category(character)
        if character in FORMULA or unicodedata.normalize("NFKC", character)[:1] in FORMULA:
            return f"'{text}"
        if not character.isspace() and kind not in {"Cc", "Cf"}:
            break
    return text


def csv_lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as lines of CSV (UTF-8, without a mark)."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerows([_csv_cell(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def grid_csv(grid: Grid) -> bytes:
    """A table as a CSV file."""
    return BOM.encode() + csv_lines([grid.head, *grid.rows])


async def list_csv(
    session: AsyncSession, asked: Drill, words: Words, without: frozenset[str] = frozenset()
) -> IO[bytes]:
    """A figure's list as a CSV file, without some columns; a temporary file that is at its start."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  (the caller's)
    columns = drill.columns(asked.of, without)
    file.write(BOM.encode() + csv_lines([[words(f"column.{name}") for name in columns]]))
    async for rows in drill.stream(session, asked):
        await asyncio.to_thread(file.write, csv_lines([readable(row, words, columns) for row in rows]))
    file.seek(0)
    return file


def workbook(grids: Sequence[Grid], words: Words) -> bytes:
    """Tables as a workbook, a sheet each."""
    out = io.BytesIO()
    with _book(out) as book:
        styles = _styles(book)
        for at, grid in enumerate(grids, 1):
            _write_sheet(book, f"{at} {grid.caption}", [grid.head, *grid.rows], styles)
        book.set_properties({"title": grids[0].caption if grids else words("all")})
    return out.getvalue()


async def list_workbook(
    session: AsyncSession, asked: Drill, words: Words, without: frozenset[str] = frozenset()
) -> IO[bytes]:
    """A figure's list as a workbook, without some columns, in a temporary file that is at its
    start; memory holds some thousand rows.

    A sheet has a million rows; what is more begins another.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115  (the caller's)
    columns = drill.columns(asked.of, without)
    with _book(file) as book:
        sheets = _Sheets(book, [words(f"column.{name}") for name in columns])
        async for rows in drill.stream(session, asked):
            # Others are answered while some thousand cells are written.
            await asyncio.to_thread(sheets.add, [readable(row, words, columns) for row in rows])
    file.seek(0)
    return file


class _Sheets:
    """Sheets with one head, a new one whenever the last is full."""

    def __init__(self, book: Any, head: Sequence[str]) -> None:
        self.book, self.head, self.styles = book, head, _styles(book)
        self._begin()

    def _begin(self) -> None:
        self.sheet, self.used = self.book.add_worksheet(), 0
        _write_row(self.sheet, 0, self.head, self.styles, head=True)

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            if self.used == MOST_SHEET_ROWS:
                self._begin()
            self.used += 1
            _write_row(self.sheet, self.used, row, self.styles)


# Columns whose cells are words of the service's own.
_CODES = frozenset({"status", "state", "acts", "close_reason", "kind", "channel", "outcome"})


def readable(row: Mapping[str, Any], words: Words, columns: Iterable[str]) -> list[Any]:
    """These cells of a row of a list as people read them: words for codes, hexadecimal for keyed tokens."""
    return [_readable(name, row[name], words) for name in columns]


def _readable(name: str, value: Any, words: Words) -> Any:
    if value is None:
        return None
    if name == "verdict":
        return words(f"verdict.{VERDICTS[value]}")
    if name == "reasons":
        return "; ".join(words.reason(each) for each in Reason if each.mask & value)
    if name == "province":
        return words.province(value)
    if name in _CODES:
        return words.code(value)
    return value.hex() if isinstance(value, bytes) else value


def _csv_cell(cell: Any) -> Any:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, timedelta):
        return round(cell.total_seconds())
    return cell if isinstance(cell, int | float) else plain(str(cell))


def _book(out: Any) -> Any:
    return xlsxwriter.Workbook(
        out,
        {
            "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )  # fmt: skip


def _styles(book: Any) -> dict[str, Any]:
    made = {name: book.add_format({"num_format": said}) for name, said in _FORMATS.items()}
    return made | {"head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True})}


def _write_sheet(book: Any, name: str, rows: Sequence[Sequence[Any]], styles: dict[str, Any]) -> None:
    sheet = book.add_worksheet(name.translate(_NAME)[:31].strip())
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, max(1, len(rows[0]) - 1), 14)
    sheet.freeze_panes(1, 1)
    for at, row in enumerate(rows):
        _write_row(sheet, at, row, styles, head=at == 0)


def _write_row(
    sheet: Any, at: int, row: Sequence[Any], styles: dict[str, Any], *, head: bool = False
) -> None:
    for column, cell in enumerate(row):
        if cell is None:
            continue
        if head:
            sheet.write_string(at, column, str(cell), styles["head"])
        elif isinstance(cell, Share):
            sheet.write_number(at, column, cell, styles["share"])
        elif isinstance(cell, int | float):
            sheet.write_number(at, column, cell, styles["number"])
        elif isinstance(cell, timedelta):
            sheet.write_number(at, column, round(cell.total_seconds() / 3600, 2))
        elif isinstance(cell, datetime):
            sheet.write_datetime(at, column, cell.astimezone(LOCAL).replace(tzinfo=None), styles["moment"])
        elif isinstance(cell, date):
            sheet.write_datetime(at, column, datetime(cell.year, cell.month, cell.day), styles["day"])
        else:
            sheet.write_string(at, column, str(cell))
