from __future__ import annotations

import csv
import io

import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from simcheck.feedback import formats, make
from simcheck.feedback.corrected import NOTHING, Corrections
from simcheck.feedback.formats import COLUMNS, Format
from simcheck.lake.encryption import Dataset
from simcheck.reasons import Verdict
from tests.feeding import NATIONAL, REGISTERED, kind, reference

pytestmark = pytest.mark.anyio
WRONG = [row for row in range(1, 201) if kind(row)[0] is not Verdict.VERIFIED]


@pytest.fixture
async def made(store, keyring, dataset) -> Dataset:
    await make.of_batch(store, keyring, dataset.name, 3, "feedback/viettel/x")
    return Dataset.open(store, keyring, "feedback/viettel/x")


def read(dataset: Dataset, wanted: Format, said: Corrections = NOTHING) -> list[list[str]]:
    """Every row as text, the header first."""
    content = b"".join(formats.stream(dataset, "a-batch", wanted, said))
    if wanted is Format.CSV:
        return list(csv.reader(io.StringIO(content.decode(), newline="")))
    if wanted is Format.PARQUET:
        table = pq.read_table(io.BytesIO(content))
        return [list(table.schema.names)] + [
            ["" if cell is None else str(cell) for cell in row.values()] for row in table.to_pylist()
        ]
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [
        [str(int(cell)) if isinstance(cell, float) else str(cell) for cell in row]
        for row in book.get_sheet_by_index(0).to_python()
    ]


@pytest.mark.parametrize("wanted", Format)
async def test_every_format_tells_the_same(made, wanted, monkeypatch):
    monkeypatch.setattr(formats, "_CHUNK", 7)
    header, *rows = read(made, wanted)
    assert tuple(header) == COLUMNS
    assert [int(row[1]) for row in rows] == WRONG
    for cells, row in zip(rows, WRONG, strict=True):
        verdict, reasons = kind(row)
        assert cells[0] == "a-batch"
        assert cells[3] == ("" if verdict is Verdict.REJECTED else f"+84{NATIONAL + row}")
        assert cells[4:6] == [verdict.value, ";".join(reason.name for reason in reasons)]
        assert all(cells[6:8])
        assert cells[8:] == ["", "", ""]


async def test_references_come_back_as_the_carrier_wrote_them(made):
    """In a file that spreadsheets open as text, a formula is made text; elsewhere nothing is changed."""
    expected = [reference(row) or "" for row in WRONG]
    assert [row[2] for row in read(made, Format.PARQUET)[1:]] == expected
    shown = [each.replace("\x01", "\ufffd") for each in expected]
    assert [row[2] for row in read(made, Format.XLSX)[1:]] == shown
    guarded = [f"'{each}" if each.startswith("=") else each for each in expected]
    assert [row[2] for row in read(made, Format.CSV)[1:]] == guarded


@pytest.mark.parametrize("wanted", Format)
async def test_no_file_shows_what_the_register_holds(made, wanted):
    said = " ".join(cell for row in read(made, wanted) for cell in row)
    for row in WRONG:
        assert str(REGISTERED + row) not in said
        assert str(2 * REGISTERED + row) not in said
    assert "+84912000002" in said  # the search finds what is there


async def test_a_long_file_goes_on_in_another_sheet(made):
    book = CalamineWorkbook.from_filelike(
        io.BytesIO(b"".join(formats._xlsx(formats._tables(made, "b", NOTHING), sheet_rows=40)))
    )
    sizes = [len(book.get_sheet_by_name(name).to_python()) for name in book.sheet_names]
    assert sizes == [41, 41, 41, 31]


@pytest.mark.parametrize("wanted", Format)
async def test_a_file_without_rows(store, keyring, wanted):
    empty = Dataset.create(store, keyring, "feedback/viettel/empty")
    with empty.writing(make.FILE, make.SCHEMA):
        pass
    empty.publish(rows=0)
    assert read(empty, wanted) == [list(COLUMNS)]


async def test_a_file_is_made_piece_by_piece(made, monkeypatch):
    monkeypatch.setattr(formats, "_CHUNK", 10)
    for wanted in Format:
        assert len(list(formats.stream(made, "b", wanted))) > 10
