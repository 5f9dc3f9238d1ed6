from __future__ import annotations

import datetime
import gzip
import hashlib
import random

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from simcheck.errors import FileRefusedError
from simcheck.normalise.names import fingerprint, new_keys
from simcheck.register import snapshot
from simcheck.register.index import Index
from simcheck.register.snapshot import ACTIVE, DECEASED, REVOKED, Snapshot
from tests.building import AS_OF, Citizen, citizen, damaged, register

KEYS = new_keys()
PEOPLE = [
    citizen(1, "Nguyễn Văn An", "1990-05-25"),
    citizen(2, "Trần Thị Bình", "1991-06", "F", status="deceased", old_id_number="012345678"),
    citizen(3, "H'Maryam Niê", "1992", "F", status="revoked"),
    citizen(4, "Lê Ơ\u0306n", "2001-02-28", previous_id_number="001201999999"),
]
HEADER = b"id_number,full_name,date_of_birth,gender,status,old_id_number\n"


def load(path, threads=1):
    parts = list(Snapshot(path).citizens(KEYS, AS_OF, threads))
    columns = [np.concatenate(column) for column in list(zip(*parts, strict=True))[:-1]]
    return [*columns, pa.concat_arrays([part.full_name for part in parts])]


def table(people=PEOPLE):
    return pa.table({name: [getattr(each, name) for each in people] for name in Citizen._fields})


def read_all(path) -> None:
    whole = Snapshot(path)
    assert list(whole.citizens(KEYS, AS_OF, 1)) or list(whole.former(1))


def refused(path, *, says: str) -> FileRefusedError:
    with pytest.raises(FileRefusedError) as caught:
        read_all(path)
    assert str(path) in str(caught.value)
    assert says in caught.value.cause
    assert caught.value.remedy
    assert not any(cell in str(caught.value) for each in PEOPLE for cell in each[:3] if len(cell) > 6)
    return caught.value


def assert_people(path):
    ids, code, born, status, names = load(path)
    assert ids.tolist() == [int(each.id_number) for each in PEOPLE]
    assert born.tolist() == [19900525, 19910600, 19920000, 20010228]
    assert status.tolist() == [ACTIVE, DECEASED, REVOKED, ACTIVE]
    assert names.to_pylist() == [each.full_name for each in PEOPLE]
    assert code.tolist() == fingerprint(names, KEYS).code.tolist()
    former = list(Snapshot(path).former(1))
    assert np.concatenate([part.old_id for part in former]).tolist() == [0, 12345678, 0, 0]
    assert np.concatenate([part.previous_id for part in former]).tolist() == [0, 0, 0, 1201999999]


@pytest.mark.parametrize("name", ["r.parquet", "r.csv", "r.csv.gz", "r.csv.zst"])
def test_every_format(tmp_path, name):
    path = tmp_path / name
    register(path, PEOPLE)
    assert_people(path)


def test_row_groups_are_parts_and_threads_change_nothing(tmp_path):
    people = [citizen(number, f"Trần {chr(65 + number % 26)}n") for number in range(500)]
    path = register(tmp_path / "r.parquet", people, row_group=7)
    whole = Snapshot(path)
    assert whole.rows == 500
    one, other = list(whole.citizens(KEYS, AS_OF, 1)), list(whole.citizens(KEYS, AS_OF, 3))
    assert [len(part.id_number) for part in one] == [7] * 71 + [3]
    for a, b in zip(one, other, strict=True):
        assert all((x == y).all() for x, y in zip(a[:-1], b[:-1], strict=True))
    former = list(whole.former(2))
    assert [len(part.old_id) for part in former] == [len(part.id_number) for part in one]


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.set_column(1, "full_name", t["full_name"].cast(pa.large_string())),
        lambda t: t.set_column(1, "full_name", t["full_name"].dictionary_encode()),
        lambda t: t.set_column(4, "status", t["status"].dictionary_encode()),
        lambda t: t.set_column(4, "status", t["status"].cast(pa.large_string())),
        lambda t: t.set_column(2, "date_of_birth", t["date_of_birth"].dictionary_encode()),
        lambda t: t.set_column(2, "date_of_birth", t["date_of_birth"].cast(pa.large_string())),
        lambda t: t.set_column(0, "id_number", t["id_number"].cast(pa.string_view())),
        lambda t: t.select(reversed(t.column_names)),
        lambda t: t.append_column("province", pa.array(["x"] * 4)),
        lambda t: t.append_column("full_name_2", t["full_name"]),
    ],
)
def test_column_types_order_and_extra_columns_do_not_matter(tmp_path, change):
    path = tmp_path / "r.parquet"
    pq.write_table(change(table()), path)
    assert_people(path)


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64(), pa.timestamp("us")])
def test_dates_as_dates(tmp_path, kind):
    days = [datetime.date(1990, 5, 25), None, datetime.date(1930, 1, 2), datetime.date(2001, 2, 28)]
    path = tmp_path / "r.parquet"
    pq.write_table(table().set_column(2, "date_of_birth", pa.array(days, pa.date32()).cast(kind)), path)
    assert load(path)[2].tolist() == [19900525, 0, 19300102, 20010228]


def test_without_the_optional_columns(tmp_path):
    path = tmp_path / "r.parquet"
    pq.write_table(table().drop_columns(["old_id_number", "previous_id_number", "gender"]), path)
    former = list(Snapshot(path).former(1))
    assert [len(part.old_id) for part in former] == [4]
    assert not any(part.old_id.any() or part.previous_id.any() for part in former)


def test_a_csv_with_bom_crlf_and_quotes(tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes(
        b"\xef\xbb\xbf" + HEADER.replace(b"\n", b"\r\n")
        + '"001090000001","Nguyễn Văn An","1990-05-25","M","active",""\r\n'.encode()
    )  # fmt: skip
    ids, _, born, status, names = load(path)
    assert (ids.tolist(), born.tolist(), status.tolist()) == ([1090000001], [19900525], [ACTIVE])
    assert names.to_pylist() == ["Nguyễn Văn An"]


@pytest.mark.parametrize("column", snapshot.REQUIRED)
@pytest.mark.parametrize("name", ["r.parquet", "r.csv"])
def test_a_missing_column(tmp_path, name, column):
    path = tmp_path / name
    rest = table().drop_columns([column])
    pq.write_table(rest, path) if name == "r.parquet" else pacsv.write_csv(rest, path)
    assert column in refused(path, says="is missing").cause


@pytest.mark.parametrize("column", snapshot.REQUIRED)
@pytest.mark.parametrize("name", ["r.parquet", "r.csv"])
def test_a_column_that_stands_there_twice(tmp_path, name, column):
    path = tmp_path / name
    if name == "r.parquet":
        pq.write_table(table().append_column(column, table()[column]), path)
    else:
        path.write_bytes(HEADER.rstrip(b"\n") + f",{column}\n".encode())
    assert column in refused(path, says="twice").cause


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("00109000000,Trần An,1990,M,active,", "id_number"),
        ("0010900000012,Trần An,1990,M,active,", "id_number"),
        ("00109000000x,Trần An,1990,M,active,", "id_number"),
        ("000000000000,Trần An,1990,M,active,", "id_number"),
        ("٠٠١٠٩٠٠٠٠٠٠١,Trần An,1990,M,active,", "id_number"),
        (",Trần An,1990,M,active,", "id_number"),
        ("001090000009,,1990,M,active,", "full_name"),
        ("001090000009,Trần An,1990-13-45,M,active,", "date_of_birth"),
        ("001090000009,Trần An,unknown,M,active,", "date_of_birth"),
        ("001090000009,Trần An,1990,M,alive,", "status"),
        ("001090000009,Trần An,1990,M,,", "status"),
        ("001090000009,Trần An,1990,M,Active,", "status"),
    ],
)
def test_a_bad_cell_refuses_the_register_and_names_its_row(tmp_path, row, column):
    path = tmp_path / "r.csv"
    good = "".join(f"0010900000{at:02},Trần Bình,1990,M,active,\n" for at in range(1, 8))
    path.write_bytes(HEADER + good.encode() + row.encode() + b"\n")
    error = refused(path, says="row 8")
    assert f"column {column}" in error.cause
    assert not any(cell in str(error) for cell in row.split(",") if len(cell) > 6)


def test_an_odd_old_number_leads_nowhere(tmp_path):
    """A former number that is no number cannot be followed; the citizen is none the worse."""
    path = register(tmp_path / "r.csv", [citizen(1, "Trần An", old_id_number="12345")])
    assert next(Snapshot(path).former(1)).old_id.tolist()[0] <= 0


def test_a_missing_file(tmp_path):
    refused(tmp_path / "none.parquet", says="no such file")


def test_a_folder(tmp_path):
    refused(tmp_path, says="no such file")


def test_an_empty_file(tmp_path):
    path = tmp_path / "r.csv"
    path.touch()
    refused(path, says="empty")


@pytest.mark.parametrize("name", ["r.parquet", "r.csv"])
def test_a_register_of_nobody_is_refused(tmp_path, name):
    """Checked against it, every subscription of the country would be nobody's."""
    path = register(tmp_path / name, [])
    with pytest.raises(FileRefusedError, match="no citizen") as caught:
        Index.load(Snapshot(path), KEYS, AS_OF, 1)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_half_written_parquet_file(tmp_path, kept):
    path = register(tmp_path / "r.parquet", [citizen(at, "Trần An") for at in range(3000)], row_group=500)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    refused(path, says="not a whole Parquet file")


def test_a_parquet_file_with_a_damaged_page(tmp_path):
    path = register(tmp_path / "r.parquet", [citizen(at, f"Trần An {at}") for at in range(3000)])
    whole = bytearray(path.read_bytes())
    whole[40:20_000] = bytes(20_000 - 40)
    path.write_bytes(whole)
    refused(path, says="")


def test_codes_that_stand_for_nothing(tmp_path):
    """Uncompressed, so that what is damaged are the codes of a status or a birth date."""
    people = [citizen(at, f"Trần An {at}", f"1990-01-0{1 + at % 5}") for at in range(20_000)]
    path = tmp_path / "r.parquet"
    columns = ["status", "date_of_birth", "id_number", "full_name"]
    pq.write_table(table(people).select(columns), path, compression="none")
    whole, chance, bad = path.read_bytes(), random.Random(7), 0
    for _ in range(40):
        path.write_bytes(damaged(whole, chance, range(60, 8_000)))
        try:
            load(path)
        except FileRefusedError:
            bad += 1
    assert bad > 5


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_truncated_gzip(tmp_path, kept):
    rows = "".join(f"00109{at:07},Trần {at},1990,M,active,\n" for at in range(1, 20_000)).encode()
    whole = gzip.compress(HEADER + rows)
    path = tmp_path / "r.csv.gz"
    path.write_bytes(whole[: int(len(whole) * kept)])
    refused(path, says="")


def test_a_csv_row_with_too_few_cells(tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes(HEADER + "001090000001,Trần An,1990,M,active,\n001090000002,Tr\n".encode())
    refused(path, says="")


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01\x02" * 500,
        b"PAR1" + bytes(100),
        b"PAR1",
        b"\x1f\x8b\x08\x00broken",
        bytes(range(256)) * 20,
        b"hello",
    ],
)
def test_garbage(tmp_path, content):
    path = tmp_path / "r.csv"
    path.write_bytes(content)
    refused(path, says="")


def test_names_that_are_not_utf8(tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes(HEADER + b"001090000001,Tr\xe2\xff\xfen,1990,M,active,\n")
    refused(path, says="")


def test_the_digest_is_sha256_of_the_file(tmp_path):
    path = register(tmp_path / "r.parquet", PEOPLE)
    assert Snapshot(path).digest() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_how_many_rows_about(tmp_path):
    people = [citizen(at, "Nguyễn Thị Hương Giang") for at in range(2000)]
    assert Snapshot(register(tmp_path / "r.parquet", people)).rows_about == 2000
    csv = Snapshot(register(tmp_path / "r.csv", people))
    assert csv.rows is None
    assert 500 < csv.rows_about < 8000
