"""A sealed file is read like one on a disk, whatever its format, and no copy of it lies anywhere in clear."""

from __future__ import annotations

import gzip
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from carriers.registry import adapter
from simcheck.errors import FileRefusedError
from simcheck.lake.files import Store
from simcheck.lake.sealed_file import SealedFile, sealing
from simcheck.privacy import Keyring
from simcheck.records import CHANGE, DECLARED_COLUMNS

HEADER = ["msisdn", "id_number", "full_name", "date_of_birth"]
ROWS = [[f"09{n:08}", f"{n:012}", "Nguyễn Văn An", "1990-05-25"] for n in range(40_000)]
TEXT = "\n".join(",".join(row) for row in [HEADER, *ROWS]).encode()


@pytest.fixture
def sealed(tmp_path):
    store, ring = Store(tmp_path / "lake"), Keyring.make()

    def seal(content: bytes) -> SealedFile:
        folder, half = uuid.uuid4().hex, len(content) // 2
        for start, part in ((0, content[:half]), (half, content[half:])):
            with sealing(store, ring, folder, start) as writer:
                writer.write(part)
        return SealedFile(store, ring, folder, len(content))

    return seal


def workbook(path) -> bytes:
    headers = [names[0] for column, names in adapter("mobifone").profile.headers.items() if column in HEADER]
    order = [column for column in adapter("mobifone").profile.headers if column in HEADER]
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, headers)
        for number, row in enumerate(ROWS[:2000], 1):
            sheet.write_row(number, 0, [row[HEADER.index(column)] for column in order])
    return path.read_bytes()


@pytest.mark.parametrize("form", ["csv", "gzip", "parquet", "workbook"])
def test_every_format(sealed, tmp_path, form):
    code = "mobifone" if form == "workbook" else "generic"
    if form == "parquet":
        pq.write_table(pa.table(dict(zip(HEADER, zip(*ROWS, strict=True), strict=True))), tmp_path / "file")
        content = (tmp_path / "file").read_bytes()
    else:
        content = {"csv": lambda: TEXT, "gzip": lambda: gzip.compress(TEXT),
                   "workbook": lambda: workbook(tmp_path / "file.xlsx")}[form]()  # fmt: skip
    plain = tmp_path / "plain"
    plain.write_bytes(content)
    reading = adapter(code).read(sealed(content))
    read = pa.Table.from_batches(list(reading))
    assert read.equals(pa.Table.from_batches(list(adapter(code).read(plain))))
    assert len(read) == (2000 if form == "workbook" else len(ROWS))
    assert reading.bytes_read == reading.bytes_total == len(content)


def test_what_is_refused_is_named_without_a_path(sealed):
    for content in (b"", b"%PDF-1.4 ...", TEXT[:20], b"PK\x03\x04 nothing", b"PAR1 nothing PAR1"):
        with pytest.raises(FileRefusedError, match=r"^the file: "):
            list(adapter("generic").read(sealed(content)))


def test_a_delta_must_have_its_column(sealed):
    columns = (*DECLARED_COLUMNS, CHANGE)
    with pytest.raises(FileRefusedError, match="has no column change"):
        list(adapter("generic").read(sealed(TEXT), columns))
    content = b"change," + TEXT.replace(b"\n", b"\nremoved,")
    (first, *_) = adapter("generic").read(sealed(content), columns)
    assert first[CHANGE].unique().to_pylist() == ["removed"]
