"""Excel workbooks (.xlsx): every sheet that has the header, in the workbook's order, hidden ones too.

The reader (calamine) holds one sheet at a time, and the workbook's shared texts, in memory; so each part of
the archive may be at most `PART_BYTES` when it is unpacked. A carrier with more rows than that holds
sends more sheets (a sheet ends at 1,048,576 rows anyway) or another format.
"""

from __future__ import annotations

import datetime
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum

from carriers.base import Reading
from carriers.profile import header_key
from carriers.readers.header import match, refuse_missing
from carriers.readers.stream import EXPANSION_BYTES, EXPANSION_RATIO
from simcheck.records import PROBLEM

PART_BYTES = 1 << 30
HEADER_ROWS = 20  # a title may stand above the header, not a chapter
BATCH_ROWS = 16_384  # of Python objects, so fewer than elsewhere
_EXACT = 2.0**63
_WORKBOOK_PART = "xl/workbook.xml"
_OLE2_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def read(reading: Reading) -> Iterator[pa.RecordBatch]:
    """The rows of a workbook; see `carriers.base.Reader`.

    A number that is whole is its digits, a date YYYY-MM-DD; a formula is the value stored with it; an error
    is an empty cell; of merged cells the first has the value. An empty row is no row. Raises
    FileRefusedError when the workbook is damaged, too large, or no sheet has the header.
    """
    _check_archive(reading)
    try:
        with reading.file.open() as file, CalamineWorkbook.from_filelike(file) as book:
            yield from _sheets(reading, book)
    except PasswordError as error:
        raise _refuse_password(reading) from error
    except CalamineError as error:
        raise _damaged(reading) from error
    except BaseException as error:
        # What a Rust library did not foresee arrives as a panic, which is no Exception.
        if type(error).__name__ == "PanicException":
            raise _damaged(reading) from error
        raise


def refuse_ole2(reading: Reading) -> Exception:
    """The error for a file in the old Office container: an .xls, or a workbook behind a password."""
    with reading.file.open() as file:
        # The container's directory names its streams in UTF-16 ([MS-CFB] 2.6.1, [MS-OFFCRYPTO] 2.3.4.4).
        previous = b""
        while block := file.read(1 << 20):
            if _OLE2_ENCRYPTED in previous + block:
                return _refuse_password(reading)
            previous = block[-len(_OLE2_ENCRYPTED) :]
    return reading.refuse(
        "is an old .xls workbook or another old Office file", "Save it as .xlsx and send it again"
    )


def _refuse_password(reading: Reading) -> Exception:
    return reading.refuse("is protected by a password", "Save it without a password and send it again")


def _damaged(reading: Reading) -> Exception:
    return reading.refuse("is a workbook that is damaged or ends early", "Save it as .xlsx and send it again")


def _check_archive(reading: Reading) -> None:
    """Refuses an archive that is no workbook, that is damaged, or whose parts are too large unpacked.

    The sizes in a zip's directory are claims; each part is unpacked once, and its checksum compared, before
    a reader that trusts them sees it.
    """
    try:
        with reading.file.open() as file, zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            if _WORKBOOK_PART not in archive.namelist():
                raise reading.refuse(
                    "is a zip archive, but no Excel workbook (.xlsx)", "Send the workbook itself"
                )
            _check_sizes(reading, [part.file_size for part in parts])
            for part in parts:
                with archive.open(part) as unpacked:
                    while unpacked.read(1 << 20):
                        pass
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _damaged(reading) from error


def _check_sizes(reading: Reading, sizes: list[int]) -> None:
    if max(sizes) > PART_BYTES:
        raise reading.refuse(
            f"has a part that unpacks to more than {PART_BYTES >> 30} GiB",
            "Send fewer rows a sheet, or another format",
        )
    if sum(sizes) > max(EXPANSION_BYTES, EXPANSION_RATIO * reading.bytes_total):
        raise reading.refuse(
            f"unpacks to more than {EXPANSION_RATIO} times its size, as no subscriber file does",
            "Send another format",
        )


def _sheets(reading: Reading, book: CalamineWorkbook) -> Iterator[pa.RecordBatch]:
    reading.encoding = "utf-8"
    names: list[str] = book.sheet_names
    keys = {
        header_key(name) for column in reading.profile.required for name in reading.profile.headers[column]
    }
    without: list[str] = []
    unknown: dict[str, None] = {}
    for index, name in enumerate(names):
        rows = _rows(book, index)
        header = next((row for row in islice(rows, HEADER_ROWS) if _is_header(row, keys)), None)
        if header is None:
            without.append(name)
        else:
            found, others = match(reading, [_text(cell) for cell in header])
            unknown.update(dict.fromkeys(others))
            yield from _batches(reading, rows, found)
        reading.bytes_read = reading.bytes_total * (index + 1) // len(names)
    if len(without) == len(names):
        raise refuse_missing(reading, list(reading.profile.required))
    reading.name_unknown(list(unknown))
    if without:
        reading.warnings.append(f"sheets without the header, not read: {', '.join(without)}")


def _rows(book: CalamineWorkbook, index: int) -> Iterator[Sequence[object]]:
    """The rows of a sheet that are not empty; a chart has none."""
    if book.sheets_metadata[index].typ != SheetTypeEnum.WorkSheet:
        return iter(())
    return (row for row in book.get_sheet_by_index(index).iter_rows() if row.count("") != len(row))


def _is_header(row: Sequence[object], keys: set[str]) -> bool:
    """Whether a row names at least two required columns; that it names all is then asked of it."""
    return sum(isinstance(cell, str) and header_key(cell) in keys for cell in row) >= 2


def _batches(
    reading: Reading, rows: Iterator[Sequence[object]], found: dict[str, int]
) -> Iterator[pa.RecordBatch]:
    columns = [column for column in reading.columns if column in found]
    while chunk := list(islice(rows, BATCH_ROWS)):
        arrays = [pa.array([_text(row[found[column]]) for row in chunk], pa.string()) for column in columns]
        yield pa.RecordBatch.from_arrays([pa.nulls(len(chunk), pa.string()), *arrays], [PROBLEM, *columns])


def _text(cell: object) -> str:
    """A cell as a person sees it in a column that is wide enough."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT:
        return str(int(cell))
    if isinstance(cell, datetime.datetime):
        midnight = cell.time() == datetime.time()
        return cell.date().isoformat() if midnight else cell.isoformat(timespec="seconds")
    return str(cell)
