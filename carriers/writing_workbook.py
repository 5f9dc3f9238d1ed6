"""Declared rows written as an Excel workbook, as a carrier's staff would have made it.

The columns in the profile's `numbers` are typed as numbers where they are digits, so leading zeros are
lost; full dates are real date cells. A new sheet begins after `sheet_rows` rows.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from carriers.profile import Profile

LONGEST_CELL = 32_767  # characters (Excel's specifications and limits)
EXACT_DIGITS = 15  # a number cell is a double: more digits than this it would change
_PARTS = {"%d": "dd", "%m": "mm", "%Y": "yyyy", "%y": "yy"}
_CREATED = datetime.datetime(2000, 1, 1)  # the same rows make the same bytes

Put = Callable[[Worksheet, int, int, str], None]


def write(
    profile: Profile, path: Path | BinaryIO, columns: list[str], batches: Iterator[dict[str, pa.Array]]
) -> int:
    """Writes batches of columns (name to text) as sheets; returns the number of rows. Raises OSError.

    What goes to a stream stays in memory; else a row at a time does.
    """
    if isinstance(path, Path):
        book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    else:
        book = xlsxwriter.Workbook(path, {"in_memory": True})
    book.set_properties({"created": _CREATED})
    pattern = profile.date_format
    for part, excel in _PARTS.items():
        pattern = pattern.replace(part, excel)
    date_format = book.add_format({"num_format": pattern})
    puts = [_put(profile, name, date_format) for name in columns]
    rows, sheet = 0, None
    for batch in batches:
        for cells in zip(*(column.to_pylist() for column in batch.values()), strict=True):
            if sheet is None or rows % profile.sheet_rows == 0:
                sheet = _new_sheet(book, profile, columns)
            at = rows % profile.sheet_rows + 1
            for index, (put, cell) in enumerate(zip(puts, cells, strict=True)):
                if cell:
                    put(sheet, at, index, cell)
            rows += 1
    if sheet is None:
        _new_sheet(book, profile, columns)
    try:
        book.close()
    except FileCreateError as error:
        raise OSError(str(error)) from error
    return rows


def _new_sheet(book: xlsxwriter.Workbook, profile: Profile, columns: list[str]) -> Worksheet:
    sheet = book.add_worksheet()
    for index, name in enumerate(columns):
        sheet.write_string(0, index, profile.headers[name][0])
    return sheet


def _put(profile: Profile, name: str, date_format: Format) -> Put:
    """What writes one cell of a column."""

    def text(sheet: Worksheet, row: int, column: int, cell: str) -> None:
        sheet.write_string(row, column, cell[:LONGEST_CELL])

    def number(sheet: Worksheet, row: int, column: int, cell: str) -> None:
        if cell.isascii() and cell.isdigit() and len(cell.lstrip("0")) <= EXACT_DIGITS:
            sheet.write_number(row, column, int(cell))
        else:
            text(sheet, row, column, cell)

    def date(sheet: Worksheet, row: int, column: int, cell: str) -> None:
        try:
            day = datetime.datetime.strptime(cell, "%Y-%m-%d")
        except ValueError:
            day = datetime.datetime.min
        if day.year >= 1900:  # a workbook's calendar begins there
            sheet.write_datetime(row, column, day, date_format)
        else:
            text(sheet, row, column, cell)

    if name in profile.numbers:
        return number
    return date if name in {"date_of_birth", "activated_on", "due_on"} else text
