from __future__ import annotations

import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simcheck.errors import FileRefusedError
from simcheck.records import CHECKED_COLUMNS, REQUIRED

HEADER = b"msisdn,id_number,full_name,date_of_birth\n"
FEW, MANY = "The row has fewer cells than the header", "The row has more cells than the header"
UNCLOSED, LONG = "A quote opens a cell and does not close it", "The row is longer than 1 MiB"
HAS_NUL = "A cell contains NUL bytes"
KIB = 1024


def cells(rows):
    return [row["problem"] or tuple(row[name] for name in REQUIRED) for row in rows]


def test_cells_stay_as_written(read):
    rows, reading = read(HEADER + " 0912 ,079.203, nguyễn  văn A ,1/2/90\n".encode())
    assert cells(rows) == [(" 0912 ", "079.203", " nguyễn  văn A ", "1/2/90")]
    assert rows[0]["email"] is None
    assert (reading.encoding, reading.unknown_columns) == ("utf-8", [])


def test_columns_come_in_any_order_and_unknown_ones_are_named(read):
    data = "Email ,  DATE_OF_BIRTH,x,Full_Name,MSISDN,id_number,y\na@b.vn,1990,1,Lê A,0912,1,2\n".encode()
    rows, reading = read(data)
    assert cells(rows) == [("0912", "1", "Lê A", "1990")]
    assert rows[0]["email"] == "a@b.vn"
    assert reading.unknown_columns == ["x", "y"]


def test_a_delimiter_at_the_end_of_the_header_is_a_column_without_a_name(read):
    rows, reading = read(HEADER[:-1] + b",\n1,2,3,4,\n1,2,3,4\n")
    assert cells(rows) == [("1", "2", "3", "4"), FEW]
    assert reading.unknown_columns == []


def test_only_asked_columns_come(read):
    rows, _ = read(HEADER + b"1,2,3,4\nbad\n", columns=("full_name",))
    assert [row["full_name"] for row in rows] == ["3", None]
    rows, _ = read(HEADER + b"1,2,3,4\nbad\n", columns=())
    assert [row["problem"] for row in rows] == [None, FEW]


@pytest.mark.parametrize(
    ("header", "named"),
    [
        (b"msisdn,id_number,date_of_birth", "no column full_name,"),
        (b"msisdn,date_of_birth", "no columns id_number, full_name,"),
        (b"msisdn,id_number,full_name,date_of_birth,MSISDN", "column msisdn twice"),
        (b"msisdn,id_number,full_name,date_of_birth, email,email", "column email twice"),
    ],
)
def test_a_missing_or_doubled_column_is_named(read, header, named):
    with pytest.raises(FileRefusedError, match=named):
        read(header + b"\n1,2,3,4\n")


def test_a_carriers_own_header_is_named(read):
    header = "Số thuê bao;Số giấy tờ;Họ và tên\n".encode()
    with pytest.raises(FileRefusedError, match=r"date_of_birth \(Ngày sinh\)"):
        read(header, "viettel")


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file_is_refused(read, data):
    with pytest.raises(FileRefusedError, match="is empty"):
        read(data)


@pytest.mark.parametrize("data", [HEADER, HEADER[:-1], HEADER + b"\r\n\n", b"\n\n" + HEADER])
def test_a_header_alone_has_no_rows(read, data):
    rows, reading = read(data)
    assert rows == []
    assert reading.rows == 0
    assert any(warning.startswith("0 rows") for warning in reading.warnings)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_ends_and_blank_lines(read, end):
    rows, _ = read(HEADER[:-1] + end + b"1,2,3,4" + end + end + b"5,6,7,8" + end + b" " + end + end)
    assert cells(rows) == [("1", "2", "3", "4"), ("5", "6", "7", "8"), FEW]


def test_mixed_line_ends(read):
    rows, _ = read(HEADER + b"1,2,3,4\r\n5,6,7,8\r9,0,1,2\n\r\n\r\r3,4,5,6")
    assert len(rows) == 4


def test_rows_with_another_number_of_cells_keep_their_place(read):
    rows, _ = read(HEADER + b"1,2,3,4\n1,2,3\n1,2,3,4,5\n,,,\n")
    assert cells(rows) == [("1", "2", "3", "4"), FEW, MANY, ("", "", "", "")]


def test_quoted_cells(read):
    rows, _ = read(HEADER + b'"1","a ""b"", c","x\r\ny","4"\n1,2"3,"a"b,4\n')
    assert cells(rows) == [("1", 'a "b", c', "x\r\ny", "4"), ("1", '2"3', "ab", "4")]


def test_an_unclosed_quote_costs_its_line_alone(read):
    rows, _ = read(HEADER + b'1,2,"open,4\n' + b"1,2,3,4\n" * 20_000)
    assert cells(rows) == [UNCLOSED] + [("1", "2", "3", "4")] * 20_000


def test_a_stray_quote_is_not_closed_by_the_next_quoted_cell(read):
    rows, _ = read(HEADER + b'1,2,"open,4\n1,2,"closed",4\n1,2,3,4\n')
    assert cells(rows) == [UNCLOSED, ("1", "2", "closed", "4"), ("1", "2", "3", "4")]


def test_an_unclosed_quote_at_the_end(read):
    rows, _ = read(HEADER + b'1,2,3,4\n1,2,3,"4')
    assert cells(rows) == [("1", "2", "3", "4"), UNCLOSED]


def test_a_long_quoted_cell_over_many_lines_is_taken_for_a_slip(read):
    line = b"x" * 1023 + b"\n"
    for cell, fits in (
        (line * 63, True),
        (line * 64, False),
        (b"x\n" * 100, True),
        (b"x\n" * 101, False),
    ):
        rows, _ = read(HEADER + b'1,2,"' + cell + b'",4\n5,6,7,8\n')
        assert rows[0]["problem"] == (None if fits else UNCLOSED)
        assert len(rows) == (2 if fits else cell.count(b"\n") + 2)
        assert cells(rows)[-1] == ("5", "6", "7", "8")


def test_hostile_quotes_do_not_cost_their_square(read):
    names = b",".join([*(name.encode() for name in REQUIRED), *(b"c%d" % index for index in range(19_996))])
    begun = time.monotonic()
    rows, _ = read(names + b"\n" + b'a","\n' * 100_000, columns=())
    assert len(rows) == 100_000
    assert time.monotonic() - begun < 10


def test_a_line_that_is_too_long(read):
    longest = b"1,2,3," + b"x" * (KIB * KIB - 6)
    for chunk_bytes in (8 << 20, 100_000):
        rows, _ = read(HEADER + longest + b"\n" + longest + b"y\r\n5,6,7,8\n", chunk_bytes=chunk_bytes)
        assert [row["problem"] for row in rows] == [None, LONG, None]
        assert len(rows[0]["date_of_birth"]) == KIB * KIB - 6


def test_a_line_of_one_gigabyte_needs_no_memory(tmp_path: Path):
    path = tmp_path / "wide.csv"
    with path.open("wb") as file:
        file.write(HEADER + b"1,2,3,4\n1,2,3,")
        file.seek(1 << 30)  # a hole: zeros that take no room on the disk
        file.write(b"\n5,6,7,8\n")
    code = (
        "import resource, sys, pathlib; from carriers.registry import adapter\n"
        "small = pathlib.Path(sys.argv[1]).with_name('small.csv'); read = adapter('generic').read\n"
        f"small.write_bytes({HEADER + b'1,2,3,4'!r}); list(read(small))\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "before = peak()\n"
        "rows = [p for b in read(pathlib.Path(sys.argv[1])) for p in b.column(1).to_pylist()]\n"
        "print(rows, peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    rows, grown = done.stdout.rsplit(" ", 1)
    assert rows == f"[None, {LONG!r}, None]"
    assert int(grown) < 80  # MiB


def test_nul_bytes(read):
    rows, _ = read(HEADER[:-1] + b",email,x\n1,2,a\0b,4,e,x\n1,2,3,4,e\0,\0\n")
    assert cells(rows) == [HAS_NUL, ("1", "2", "3", "4")]
    assert rows[1]["email"] == "e\0"


def test_a_byte_order_mark_is_dropped_at_the_beginning_only(read):
    mark = b"\xef\xbb\xbf"
    for chunk_bytes in (8 << 20, 1):
        rows, _ = read(mark + HEADER + mark + b"1,2,3,4\n" + mark + b"5,6,7,8\n", chunk_bytes=chunk_bytes)
        assert cells(rows) == [("\ufeff1", "2", "3", "4"), ("\ufeff5", "6", "7", "8")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_is_recognised_by_its_mark(read, encoding):
    text = "\ufeffmsisdn,id_number,full_name,date_of_birth\r\n1,2,Nguyễn,4\r\n"
    rows, reading = read(text.encode(encoding))
    assert cells(rows) == [("1", "2", "Nguyễn", "4")]
    assert reading.encoding == encoding


def test_utf16_that_is_cut_amid_a_character(read):
    data = "\ufeffmsisdn,id_number,full_name,date_of_birth\n1,2,3,4x".encode("utf-16-le")[:-1]
    assert cells(read(data)[0]) == [("1", "2", "3", "4\ufffd")]


def test_itel_without_a_mark_and_with_the_wrong_encoding(read):
    text = "Thue bao\tChu thue bao\tCCCD/CMND/Ho chieu\tSinh ngay\n1\tNguye\u0302\u0303n\t2\t3\n"
    for encoding, seen in (("utf-16-le",) * 2, ("utf-16-be",) * 2, ("utf-8",) * 2):
        rows, reading = read(text.encode(encoding), "itel")
        assert reading.encoding == seen
        assert rows[0]["full_name"] == ("Nguyễn" if encoding != "utf-8" else "Nguye\u0302\u0303n")


def test_lines_that_are_not_utf8_are_read_as_latin1(read):
    data = HEADER + "1,2,Nguyễn,4\n".encode() + b"1,2,Nguy\xd4n,\xad\n" + "1,2,Lê\n1,2,Ê,4\n".encode()
    for chunk_bytes in (8 << 20, 7):
        rows, _ = read(data, chunk_bytes=chunk_bytes)
        assert cells(rows) == [
            ("1", "2", "Nguyễn", "4"),
            ("1", "2", "NguyÔn", "\xad"),
            FEW,
            ("1", "2", "Ê", "4"),
        ]


def test_ten_thousand_columns(read):
    names = [*(f"c{index}" for index in range(9_996)), *REQUIRED]
    data = ",".join(names).encode() + b"\n" + b",".join([b"x"] * 10_000) + b"\n" + b"," * 9_999
    rows, reading = read(data)
    assert cells(rows) == [("x",) * 4, ("",) * 4]
    assert reading.unknown_columns == [*(f"c{index}" for index in range(20)), "and 9976 more"]


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (bytes(range(256)) * 50, "not text"),
        (b"\x7fELF\x02\x01\x01" + bytes(500), "not text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "no columns|not text"),
        (b"x" * (3 << 20), "longer than 1 MiB"),
        (b'msisdn,"id_number,full_name,date_of_birth\n1,2,3,4\n', "does not close"),
        (
            b"0912345678,079203001234,Nguyen,1990\n" * 3,
            "no columns msisdn, id_number, full_name, date_of_birth",
        ),
        (b"PK\x03\x04" + bytes(99), "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "Office"),
        (b"%PDF-1.7\n", "PDF"),
        (b"BZh91AY&SY" + bytes(range(99)), "bzip2"),
    ],
)
def test_what_is_no_csv_is_refused(read, data, cause):
    with pytest.raises(FileRefusedError, match=cause) as caught:
        read(data)
    assert "0912345678" not in str(caught.value)


def test_a_header_that_begins_like_a_signature_is_text(read):
    rows, _ = read(b"ORCID,msisdn,id_number,full_name,date_of_birth\n0,1,2,3,4\n")
    assert cells(rows) == [("1", "2", "3", "4")]


FIELD = re.compile(rb'"(?>(?:[^"]|"")*)"[^,\r\n]*|[^",\r\n][^,\r\n]*|')
RECORD = re.compile(rb"(?>(?:%s)(?:,(?:%s))*)(?=[\r\n]|\Z)" % (FIELD.pattern, FIELD.pattern))
LINE = re.compile(rb"[^\r\n]*")


def model(data: bytes, columns: int) -> list[object]:
    """What rows a text has, by regular expressions: a list of cells for each, or its problem."""
    rows: list[object] = []
    at = 0
    while at < len(data):
        if data[at] in b"\r\n":
            at += 1
            continue
        record, line = RECORD.match(data, at), LINE.match(data, at)
        if record is None:
            rows.append(UNCLOSED)
            at = line.end()
            continue
        fields = split(record.group())
        if record.end() > line.end():  # over several lines: strict
            crossing = next(index for index, field in enumerate(fields) if re.search(rb"[\r\n]", field))
            strict = all(field[:1] != b'"' or balanced(field) for field in fields[crossing:])
            if not strict or len(fields) != columns:
                rows.append(UNCLOSED)
                at = line.end()
                continue
        at = record.end()
        if len(fields) != columns:
            rows.append(FEW if len(fields) < columns else MANY)
        elif any(b"\0" in field for field in fields):
            rows.append(HAS_NUL)
        else:
            rows.append(tuple(map(plain, as_text(record.group(), fields))))
    return rows


def split(record: bytes) -> list[bytes]:
    fields, at = [], 0
    while True:
        field = FIELD.match(record, at)
        fields.append(field.group())
        at = field.end() + 1
        if field.end() == len(record):
            return fields


def balanced(field: bytes) -> bool:
    return re.fullmatch(rb'"(?>(?:[^"]|"")*)"', field) is not None


def as_text(record: bytes, fields: list[bytes]) -> list[str]:
    try:
        record.decode()
    except UnicodeDecodeError:
        return [field.decode("latin-1") for field in fields]
    return [field.decode() for field in fields]


def plain(field: str) -> str:
    if field[:1] != '"':
        return field
    inside, rest = re.fullmatch(r'"((?>(?:[^"]|"")*))"(.*)', field, re.DOTALL).groups()
    return inside.replace('""', '"') + rest


PIECES = st.sampled_from(
    [
        *[b",", b'"', b'""', b"\n", b"\r\n", b"\r", b"a", b"1,2,3,4\n", b"\0", b" ", b"\xc3\xaa", b"\xd4"],
        *[b"\xef\xbb\xbf", b",,,\n", b'"x","y\nz",3,4\n', b"\x80", b",", b",", b'"'],
    ]
)
TEXTS = st.lists(PIECES, max_size=40).map(b"".join) | st.binary(max_size=60)


@settings(max_examples=150, deadline=None)
@given(data=TEXTS, chunk_bytes=st.sampled_from([1, 2, 3, 7, 16, 8 << 20]))
def test_any_bytes_give_the_rows_the_model_counts(read, data, chunk_bytes):
    rows, _ = read(HEADER + data, chunk_bytes=chunk_bytes)
    assert cells(rows) == model(data, 4)


@settings(max_examples=150, deadline=None)
@given(data=TEXTS)
def test_any_bytes_are_rows_or_a_refusal(read, data):
    with suppress(FileRefusedError):
        read(data)


@settings(max_examples=100, deadline=None)
@given(data=TEXTS, columns=st.sampled_from([("msisdn",), CHECKED_COLUMNS]))
def test_what_is_asked_does_not_change_what_is_a_row(read, data, columns):
    few, _ = read(HEADER + data, columns=columns)
    all_of_them, _ = read(HEADER + data)
    assert [row["problem"] for row in few] == [row["problem"] for row in all_of_them]
    assert [row["msisdn"] for row in few] == [row["msisdn"] for row in all_of_them]
