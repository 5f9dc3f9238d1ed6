from __future__ import annotations

import datetime
import decimal
import random
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carriers.base import Reading
from carriers.readers.cells import text_of
from carriers.registry import adapter
from simcheck.errors import FileRefusedError
from simcheck.records import CHECKED_COLUMNS, CODED_COLUMNS, REQUIRED
from tests.building import damaged

BASE = {
    "msisdn": ["0912", "0913"],
    "id_number": ["1", None],
    "full_name": ["Lê A", ""],
    "date_of_birth": ["1990", "x"],
}


def file_of(tmp_path, table: pa.Table | dict[str, object], **options: object):
    path = tmp_path / "file.parquet"
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), path, **options)
    return path


def test_text_comes_as_it_is(read, tmp_path):
    rows, reading = read(file_of(tmp_path, {**BASE, "x": [[1], None]}))
    assert [[row[name] for name in REQUIRED] for row in rows] == [
        ["0912", "1", "Lê A", "1990"],
        ["0913", None, "", "x"],
    ]
    assert reading.unknown_columns == ["x"]


def test_row_groups_and_large_files_stream_in_order(read, tmp_path):
    numbers = [str(number) for number in range(300_000)]
    path = file_of(tmp_path, dict.fromkeys(REQUIRED, numbers), row_group_size=70_000)
    rows, reading = read(path, columns=("msisdn",))
    assert [row["msisdn"] for row in rows] == numbers
    assert reading.rows == 300_000


DAY = datetime.date(1990, 2, 3)
TIMES = [datetime.datetime(1990, 2, 3), datetime.datetime(1990, 2, 3, 4, 5, 6, 7000), None]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([79203001234, -1, None]), ["79203001234", "-1", None]),
        (pa.array([1, 2], pa.int8()), ["1", "2"]),
        (pa.array([79203001234.0, 1.5, None, float("nan")]), ["79203001234", "1.5", None, None]),
        (pa.array([0.0, 2.0], pa.float32()), ["0", "2"]),
        (pa.array(np.array([1, 2.5], np.float16)), ["1", "2.5"]),
        (pa.array([1e300, -float("inf")]), ["1e+300", "-inf"]),
        (pa.array([DAY, None]), ["1990-02-03", None]),
        (pa.array([DAY]).cast(pa.date64()), ["1990-02-03"]),
        (pa.array(TIMES), ["1990-02-03", "1990-02-03T04:05:06", None]),
        (pa.array(TIMES, pa.timestamp("ns")), ["1990-02-03", "1990-02-03T04:05:06", None]),
        (pa.array(TIMES, pa.timestamp("ms", "UTC")), ["1990-02-03", "1990-02-03T04:05:06", None]),
        (pa.array([decimal.Decimal("79203001234.00"), decimal.Decimal("1.50")]), ["79203001234", "1.50"]),
        (pa.array(["a", None], pa.large_string()), ["a", None]),
        (pa.array(["a", None], pa.string_view()), ["a", None]),
        (pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
        (pa.array([b"Nguy\xd4n", "Nguyễn".encode(), None, b""]), ["NguyÔn", "Nguyễn", None, ""]),
        (pa.array([b"ab"], pa.binary(2)), ["ab"]),
        (pa.array([True, None]), ["true", None]),
        (pa.array([None, None]), [None, None]),
        (pa.array([datetime.time(1, 2, 3)]), ["01:02:03.000000"]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_any_type_becomes_text(read, tmp_path, column, expected):
    assert text_of(column).to_pylist() == expected
    assert text_of(column.slice(1)).to_pylist() == expected[1:]
    table = pa.table({**dict.fromkeys(REQUIRED, pa.array(["x"] * len(column))), "email": column})
    try:
        path = file_of(tmp_path, table)
    except pa.ArrowNotImplementedError:
        return  # half floats before Parquet 2.10
    rows, _ = read(path)
    assert [row["email"] for row in rows] == expected


CELLS = st.none() | st.text(max_size=4).map(str.encode) | st.binary(max_size=4)


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(CELLS, max_size=6), skip=st.integers(0, 3))
def test_text_that_is_not_utf8_is_read_as_latin1_cell_by_cell(cells, skip):
    column = pa.array(cells, pa.binary())
    unchecked = pa.Array.from_buffers(pa.string(), len(column), column.buffers(), column.null_count)

    def decoded(cell: bytes | None) -> str | None:
        try:
            return None if cell is None else cell.decode()
        except UnicodeDecodeError:
            return cell.decode("latin-1")

    assert text_of(unchecked.slice(skip)).to_pylist() == [decoded(cell) for cell in cells[skip:]]


def test_two_halves_of_a_character_in_two_cells_are_not_utf8():
    column = pa.array([b"\xc3", b"\xaa"])
    unchecked = pa.Array.from_buffers(pa.string(), 2, column.buffers())
    assert text_of(unchecked).to_pylist() == ["Ã", "ª"]


def test_columns_are_matched_and_missed_as_in_text(read, tmp_path):
    rows, _ = read(file_of(tmp_path, {name.upper(): cells for name, cells in BASE.items()}))
    assert rows[0]["msisdn"] == "0912"
    with pytest.raises(FileRefusedError, match="no column full_name"):
        read(file_of(tmp_path, {name: cells for name, cells in BASE.items() if name != "full_name"}))
    with pytest.raises(FileRefusedError, match="column msisdn twice"):
        read(file_of(tmp_path, {**BASE, "MSISDN": ["1", "2"]}))


def test_a_nested_column_is_refused(read, tmp_path):
    for nested in ([["a"], None], [{"a": 1}, None]):
        with pytest.raises(FileRefusedError, match="lists or records in the column email"):
            read(file_of(tmp_path, {**BASE, "email": nested}))


def test_no_rows_and_no_asked_columns(read, tmp_path):
    assert read(file_of(tmp_path, pa.table(BASE).slice(0, 0)))[0] == []
    rows, _ = read(file_of(tmp_path, BASE), columns=())
    assert len(rows) == 2
    rows, _ = read(file_of(tmp_path, BASE), columns=("email",))
    assert [row["email"] for row in rows] == [None, None]


def test_a_truncated_file_is_refused(read, tmp_path):
    whole = file_of(tmp_path, {name: [str(n) for n in range(9_999)] for name in REQUIRED}).read_bytes()
    for size in (4, 9, len(whole) // 2, len(whole) - 1):
        with pytest.raises(FileRefusedError, match="damaged or ends early"):
            read(whole[:size])


def test_a_file_with_any_damage_is_read_or_refused(read, tmp_path):
    whole = file_of(tmp_path, {name: [str(n) for n in range(999)] for name in REQUIRED}).read_bytes()
    chance = random.Random(7)
    for _ in range(150):
        with suppress(FileRefusedError):
            read(damaged(whole, chance, range(4, len(whole))))


def test_a_carrier_that_sends_text_does_not_send_parquet(read, tmp_path):
    with pytest.raises(
        FileRefusedError, match="is a Parquet file, where the carrier viettel sends delimited text"
    ):
        read(file_of(tmp_path, BASE), "viettel")
    with pytest.raises(FileRefusedError, match="encrypted Parquet"):
        read(b"PARE" + bytes(100))


def coded(path, columns=CHECKED_COLUMNS) -> tuple[pa.Table, Reading]:
    """A file as the cross-check reads it: columns of few values may come as codes."""
    reading = adapter("generic").read(path, columns)
    reading.coded = CODED_COLUMNS
    table = pa.Table.from_batches(list(reading)).unify_dictionaries()
    table.validate(full=True)
    return table, reading


MANY = 80_000  # rows, in row groups that are worth codes


def many(**changed: object) -> pa.Table:
    columns: dict[str, object] = {name: [str(number) for number in range(MANY)] for name in REQUIRED}
    columns["date_of_birth"] = ["1990-02-03", "03/02/1990", None, "", "Nguyễn"] * (MANY // 5)
    columns["gender"] = ["M", "F"] * (MANY // 2)
    return pa.table(columns | changed)


def test_columns_of_few_values_come_as_codes_and_say_the_same(read, tmp_path):
    path = file_of(tmp_path, many(), row_group_size=50_000)
    table, reading = coded(path)
    rows, plain = read(path, columns=CHECKED_COLUMNS)
    as_codes = {name for name in table.schema.names if pa.types.is_dictionary(table.schema.field(name).type)}
    assert as_codes == {"date_of_birth", "gender"}
    assert table.to_pylist() == rows
    assert reading.warnings == plain.warnings
    assert any("date_of_birth: 32000 of 80000" in warning for warning in plain.warnings)


def test_codes_with_any_damage_are_read_or_refused(tmp_path):
    """Uncompressed, so that what is damaged are codes, also such as stand for nothing."""
    five = many(date_of_birth=["1990", "1991", "1992", "1993", "1994"] * (MANY // 5))
    path = file_of(tmp_path, five.select(["date_of_birth", *REQUIRED[:3]]), compression="none")
    whole, chance, refused = path.read_bytes(), random.Random(7), 0
    for _ in range(40):
        path.write_bytes(damaged(whole, chance, range(100, 20_000)))
        try:
            coded(path)
        except FileRefusedError:
            refused += 1
    assert refused > 5


@pytest.mark.parametrize(
    "options", [{"row_group_size": 1000}, {"use_dictionary": False}, {"use_dictionary": ["msisdn"]}]
)
def test_other_columns_come_as_text(tmp_path, options):
    table, _ = coded(file_of(tmp_path, many(gender=["unlikely"] * MANY), **options))
    assert not any(pa.types.is_dictionary(field.type) for field in table.schema)


def test_codes_of_a_file_of_other_types(tmp_path):
    days = pa.array(["1990-02-03", None] * (MANY // 2))
    texts = days.dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string()))
    bytes_ = pa.array([b"N\xd4", None] * (MANY // 2)).dictionary_encode()
    table, _ = coded(file_of(tmp_path, many(date_of_birth=texts, gender=bytes_)))
    assert table["date_of_birth"].to_pylist() == days.to_pylist()
    assert table["gender"].to_pylist() == ["NÔ", None] * (MANY // 2)
