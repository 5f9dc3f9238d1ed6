"""A feedback file as people and programs read it: CSV, XLSX or Parquet, made while it is sent.

The lines are those of `crosscheck.feedback`, so that the service and the command say the same words. Memory
is that of some ten thousand rows, however long the file, and nothing of it lies on a disk in clear.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from enum import StrEnum
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from simcheck.crosscheck.feedback import COLUMNS as OF_ROWS
from simcheck.crosscheck.feedback import Feedback
from simcheck.feedback import corrected
from simcheck.feedback.corrected import NOTHING, Corrections
from simcheck.feedback.make import FILE, SCHEMA
from simcheck.lake.encryption import Dataset
from simcheck.matching import rules
from simcheck.normalise import phones
from simcheck.records import ROW

COLUMNS = (*OF_ROWS, *corrected.COLUMNS)
SHEET_ROWS = 1_048_575  # below the header (Excel's specifications and limits)
_CHUNK = 16_384  # rows
_TEXT = pacsv.ConvertOptions(
    column_types={**dict.fromkeys(COLUMNS, pa.string()), ROW: pa.int64()}, strings_can_be_null=False
)
_NEWLINES = pacsv.ParseOptions(newlines_in_values=True)


class Format(StrEnum):
    """What a feedback file can be asked for as."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


MEDIA_TYPES = {
    Format.CSV: "text/csv; charset=utf-8; header=present",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PARQUET: "application/vnd.apache.parquet",
}


def stream(
    dataset: Dataset, label: str, wanted: Format, said: Corrections = NOTHING
) -> Iterator[bytes]:  # fmt: skip
    """The file, piece by piece. `label` stands in its column `file`: the batch's id; beside the rows of
    numbers whose holders corrected the record stands what they `said`.

    Raises SealError, also after some pieces, where the lake does not hold what was written.
    """
    if wanted is Format.CSV:
        return _csv(dataset, label, said)
    tables = _tables(dataset, label, said)
    return _xlsx(tables) if wanted is Format.XLSX else _parquet(tables)


def _lines(dataset: Dataset, label: str, said: Corrections) -> Iterator[tuple[pa.RecordBatch, bytes]]:
    """Rows as they were kept, and their lines."""
    feedback = Feedback(rules.load())
    for batch in dataset.batches(FILE, SCHEMA.names, _CHUNK):
        row, row_ref, national, verdict, reasons = batch.columns
        lines = feedback.lines(
            label, row.to_numpy(), row_ref, phones.e164(national.to_numpy()), verdict.to_numpy(),
            reasons.to_numpy().astype(np.uint64),
        )  # fmt: skip
        lines = said.added(lines, national.to_numpy())
        yield batch, "".join(lines.to_pylist()).encode()


def _header() -> bytes:
    return (",".join(COLUMNS) + "\n").encode()


def _csv(dataset: Dataset, label: str, said: Corrections) -> Iterator[bytes]:
    yield _header()
    for _, lines in _lines(dataset, label, said):
        yield lines


def _tables(dataset: Dataset, label: str, said: Corrections) -> Iterator[pa.Table]:
    """The lines as columns; what others wrote as they wrote it: nothing here is run as a formula."""
    header = _header()
    for batch, lines in _lines(dataset, label, said):
        table = pacsv.read_csv(
            io.BytesIO(header + lines), parse_options=_NEWLINES, convert_options=_TEXT,
            read_options=pacsv.ReadOptions(use_threads=False, block_size=len(header) + len(lines) + 1),
        )  # fmt: skip
        cells = said.columns(batch["national"].to_numpy())
        written = {"row_ref": batch["row_ref"], **dict(zip(corrected.COLUMNS, cells, strict=True))}
        for name, column in written.items():
            table = table.set_column(table.schema.get_field_index(name), name, column)
        yield table


_PARQUET = pa.schema([pa.field(name, pa.int64() if name == ROW else pa.string()) for name in COLUMNS])


def _parquet(tables: Iterator[pa.Table]) -> Iterator[bytes]:
    drain = _Drain()
    with pq.ParquetWriter(pa.PythonFile(drain, "w"), _PARQUET, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table.cast(_PARQUET))
            yield drain.taken()
    yield drain.taken()


_PARTS = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>{types}</Types>'
    ),
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
        'officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        "<sheets>{sheets}</sheets></workbook>"
    ),
    "xl/_rels/workbook.xml.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{links}'
        "</Relationships>"
    ),
}
_TYPE = (
    '<Override PartName="/xl/worksheets/sheet{at}.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
)
_SHEET = '<sheet name="feedback {at}" sheetId="{at}" r:id="s{at}"/>'
_LINK = (
    '<Relationship Id="s{at}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
    'worksheet" Target="worksheets/sheet{at}.xml"/>'
)
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SHEET_START = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
_SHEET_END = "</sheetData></worksheet>"


def _xlsx(tables: Iterator[pa.Table], sheet_rows: int = SHEET_ROWS) -> Iterator[bytes]:
    """A workbook (ECMA-376), written straight into its archive, a sheet after the other."""
    drain = _Drain()
    header = "<row>" + "".join(_text_cell(escape(name)) for name in COLUMNS) + "</row>"
    waiting = next(tables, None)
    sheets = 0
    with zipfile.ZipFile(drain, "w", zipfile.ZIP_DEFLATED) as book:
        while waiting is not None or not sheets:
            sheets += 1
            with book.open(f"xl/worksheets/sheet{sheets}.xml", "w", force_zip64=True) as sheet:
                sheet.write((_XML + _SHEET_START + header).encode())
                room = sheet_rows
                while waiting is not None and room:
                    sheet.write(_sheet_rows(waiting.slice(0, room)))
                    rest = waiting.slice(room)
                    room -= min(room, len(waiting))
                    waiting = rest if len(rest) else next(tables, None)
                    yield drain.taken()
                sheet.write(_SHEET_END.encode())
        numbers = range(1, sheets + 1)
        words = {
            name: "".join(one.format(at=at) for at in numbers)
            for name, one in (("types", _TYPE), ("sheets", _SHEET), ("links", _LINK))
        }
        for name, part in _PARTS.items():
            book.writestr(name, _XML + part.format(**words))
    yield drain.taken()


def _text_cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _sheet_rows(table: pa.Table) -> bytes:
    """Rows of a sheet; all cells are text, so that no workbook changes or runs one, but the row's number."""
    before, after = _text_cell("\0").split("\0")
    cells: list[pa.Array | str] = []
    for name in COLUMNS:
        column = table[name].combine_chunks()
        if name == ROW:
            cells += ["<c><v>", column.cast(pa.string()), "</v></c>"]
        else:
            cells += [before, _xml(column.fill_null("")), after]
    rows = pc.binary_join_element_wise("<row>", *cells, "</row>", "")
    return "".join(rows.to_pylist()).encode()


def _xml(column: pa.StringArray) -> pa.StringArray:
    """Text as XML 1.0 can hold it."""
    column = pc.replace_substring_regex(column, "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\ufffe\uffff]", "\ufffd")
    for plain, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        column = pc.replace_substring(column, plain, safe)
    return column


class _Drain(io.RawIOBase):
    """A file that is written at one end and taken away at the other."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """How much was written."""
        return self._at

    def write(self, part: object) -> int:
        """Take a part in."""
        kept = bytes(part)  # type: ignore[call-overload]
        self._parts.append(kept)
        self._at += len(kept)
        return len(kept)

    def taken(self) -> bytes:
        """What was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
