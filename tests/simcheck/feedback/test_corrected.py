from __future__ import annotations

import csv
import io

import numpy as np
import pyarrow as pa
import pytest

from simcheck.feedback import corrected, formats, make
from simcheck.feedback.corrected import NOTHING, Corrections, Said
from simcheck.feedback.formats import Format
from simcheck.lake.encryption import Dataset
from tests.feeding import NATIONAL
from tests.simcheck.feedback.test_formats import WRONG, read

pytestmark = pytest.mark.anyio
SAID = {
    WRONG[0]: Said("001090000001", "Nguyễn Văn An", "1990-05-25"),
    WRONG[3]: Said("123456789", "-Bion, \"Y\"", "1990"),
}  # fmt: skip


def corrections(keyring) -> Corrections:
    return Corrections(keyring, {keyring.token("msisdn", NATIONAL + row): said for row, said in SAID.items()})


@pytest.mark.parametrize("wanted", Format)
async def test_what_holders_said_stands_beside_their_rows(store, keyring, dataset, wanted, monkeypatch):
    monkeypatch.setattr(formats, "_CHUNK", 7)
    await make.of_batch(store, keyring, dataset.name, 3, "feedback/viettel/x")
    made = Dataset.open(store, keyring, "feedback/viettel/x")
    plain = read(made, wanted)
    header, *rows = read(made, wanted, corrections(keyring))
    assert header == plain[0] == list(formats.COLUMNS)
    assert [row[:-3] for row in rows] == [row[:-3] for row in plain[1:]]
    for number, row in zip(WRONG, rows, strict=True):
        said = SAID.get(number, Said("", "", ""))
        name = (
            f"'{said.full_name}"
            if wanted is Format.CSV and said.full_name.startswith("-")
            else said.full_name
        )
        assert row[-3:] == [said.id_number, name, said.date_of_birth]


def test_a_row_without_a_number_has_said_nothing(keyring):
    columns = corrections(keyring).columns(np.array([0, NATIONAL + WRONG[0]]))
    assert [column.to_pylist() for column in columns] == [["", cell] for cell in SAID[WRONG[0]]]
    assert NOTHING.columns(np.array([0, 5]))[0].to_pylist() == ["", ""]


def test_a_line_stays_a_line(keyring):
    said = corrections(keyring).added(pa.array(["a,b\n"]), np.array([NATIONAL + WRONG[3]]))
    [row] = csv.reader(io.StringIO(said[0].as_py(), newline=""))
    assert row == ["a", "b", "123456789", '\'-Bion, "Y"', "1990"]
    assert len(corrected.COLUMNS) == 3
