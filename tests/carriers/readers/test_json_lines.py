from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simcheck.errors import FileRefusedError

KEYS = {
    "phoneNumber": "msisdn",
    "documentNumber": "id_number",
    "fullName": "full_name",
    "birthDate": "date_of_birth",
}
ROW = {"phoneNumber": "0912", "documentNumber": "079", "fullName": "Lê A", "birthDate": "1990"}
GOOD = json.dumps(ROW).encode() + b"\n"
BAD = "The line is not one JSON object"
DOUBLED = "A key stands twice, or its value is a list or an object"


def line(**changes: object) -> bytes:
    return json.dumps({**ROW, **changes}, ensure_ascii=False).encode() + b"\n"


def test_rows_and_unknown_keys(read):
    data = (
        line(gender="Female", documentType="CITIZEN_ID", x=1)
        + b"\n"
        + line(gender=None, y={"z": [1]}, email="a@b.vn")
    )
    rows, reading = read(data, "vietnamobile")
    assert [row["full_name"] for row in rows] == ["Lê A", "Lê A"]
    assert [(row["gender"], row["id_type"], row["email"]) for row in rows] == [
        ("F", "cccd", None),
        (None, None, "a@b.vn"),
    ]
    assert reading.unknown_columns == ["x", "y"]


def test_numbers_keep_their_digits(read):
    data = b"".join(
        b'{"phoneNumber":%s,"documentNumber":%s,"fullName":"A","birthDate":1990}\n' % pair
        for pair in [(b"912345678", b"79203001234"), (b"84912345678", b"123456789012345678901234567890")]
    )
    for chunk_bytes in (8 << 20, 40):
        rows, _ = read(data, "vietnamobile", chunk_bytes=chunk_bytes)
        assert [row["msisdn"] for row in rows] == ["912345678", "84912345678"]
        assert [row["id_number"] for row in rows] == ["79203001234", "123456789012345678901234567890"]
    rows, _ = read(
        line(documentNumber=True) + b'{"documentNumber":7.90e10}\n{"documentNumber":1.0}\n', "vietnamobile"
    )
    assert [row["id_number"] for row in rows] == ["true", "7.90e10", "1.0"]


@pytest.mark.parametrize(
    "bad",
    [
        b"x", b"{", b"}", b"[]", b'"a"', b"1", b"null", b" ", b'{"phoneNumber":"1"', b'{"phoneNumber":"1"}{}',
        b'{"phoneNumber":1,}', b"{'phoneNumber':'1'}", b'{"phoneNumber":"1" "fullName":"2"}', b'{"a":"\0"}',
        b'{"phoneNumber":"a\tb"}', b'{"phoneNumber":01}', b'{"phoneNumber":NaN}', b'{"phoneNumber":"\\x"}',
        b'{"a":' * 70 + b"1" + b"}" * 70, b'{"x":' + b"[" * 500_000, b'{"phoneNumber":"1"},',
    ],
)  # fmt: skip
def test_a_bad_line_costs_itself_alone(read, bad):
    rows, _ = read(GOOD + bad + b"\n" + GOOD, "vietnamobile")
    assert [row["problem"] for row in rows][::2] == [None, None]
    assert rows[1]["problem"] in {BAD, "A cell contains NUL bytes"}
    assert rows[2]["msisdn"] == "0912"


@pytest.mark.parametrize(
    "bad",
    [
        b'{"phoneNumber":"1","phoneNumber":"2"}',
        b'{"phoneNumber":"1","PHONENUMBER":"2"}',
        b'{"phoneNumber":["1"]}',
        b'{"phoneNumber":{}}',
    ],
)
def test_a_doubled_key_or_an_inner_value_costs_its_line(read, bad):
    for data in (GOOD + bad + b"\n" + GOOD, GOOD * 3 + bad + b"\n"):
        rows, _ = read(data, "vietnamobile")
        assert sorted(row["problem"] or "" for row in rows)[-1] == DOUBLED
        assert sum(row["problem"] is None for row in rows) == len(rows) - 1


def test_two_objects_over_two_lines_are_two_bad_lines(read):
    rows, _ = read(GOOD + b'{"phoneNumber":"1"}{"fullName":\n"x"}\n', "vietnamobile")
    assert [row["problem"] for row in rows] == [None, BAD, BAD]


def test_keys_in_another_case_and_with_escapes(read):
    data = b'{" PHONENUMBER ":"1","document\\u004eumber":"2","fullName":"3","birthDate":"4"}\n' + GOOD
    rows, reading = read(data, "vietnamobile")
    assert [row["msisdn"] for row in rows] == ["1", "0912"]
    assert [row["id_number"] for row in rows] == ["2", "079"]
    assert reading.unknown_columns == []


def test_a_required_key_that_never_comes_refuses_the_file(read):
    with pytest.raises(FileRefusedError, match=r"date_of_birth \(birthDate\)"):
        read(b'{"phoneNumber":"1","documentNumber":"2","fullName":"3"}\n', "vietnamobile")
    with pytest.raises(FileRefusedError, match="no columns"):
        read(b"msisdn,id_number\n1,2\n", "vietnamobile")
    with pytest.raises(FileRefusedError, match="is empty"):
        read(b"\xef\xbb\xbf", "vietnamobile")


def test_lone_surrogates_and_bytes_that_are_not_utf8(read):
    rows, _ = read(
        line(fullName="A") + rb'{"fullName":"\ud800"}' + b"\n" + rb'{"fullName":"\udc00x"}' + b"\n",
        "vietnamobile",
    )
    assert len(rows) == 3
    rows, _ = read(GOOD + b'{"fullName":"Nguy\xd4n"}\n', "vietnamobile")
    assert [row["full_name"] for row in rows] == ["Lê A", "NguyÔn"]


def test_a_new_key_in_every_line_is_refused_before_it_fills_the_memory(read):
    data = GOOD + b"".join(b'{"k%d":1}\n' % index for index in range(30_000))
    with pytest.raises(FileRefusedError, match="more than 20000 different keys"):
        read(data, "vietnamobile")


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.floats(allow_nan=False, allow_infinity=False)
)
NAMES = st.sampled_from([*KEYS, "x", "y"])
OBJECTS = st.dictionaries(NAMES, VALUES | st.lists(VALUES, max_size=2), max_size=5).map(json.dumps)
RUBBISH = st.text(alphabet='{}[]":,\\ a1\t', max_size=12)


def model(text: str) -> object:
    try:
        value = json.loads(text, parse_float=str, parse_constant=lambda word: json.loads("x"))
    except ValueError:
        return BAD
    if not isinstance(value, dict):
        return BAD
    cells = [value.get(key) for key in KEYS]
    if any(isinstance(cell, list | dict) for cell in cells):
        return DOUBLED
    return [
        cell
        if cell is None
        else str(cell).lower()
        if isinstance(cell, bool)
        else str(cell).encode("utf-8", "replace").decode()
        for cell in cells
    ]


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(OBJECTS | RUBBISH, max_size=12), chunk_bytes=st.sampled_from([1, 30, 200, 8 << 20]))
def test_any_lines_give_the_rows_the_model_reads(read, texts, chunk_bytes):
    data = GOOD + "".join(text + "\n" for text in texts).encode()
    rows, _ = read(data, "vietnamobile", chunk_bytes=chunk_bytes)
    got = [row["problem"] or [row[column] for column in KEYS.values()] for row in rows[1:]]
    assert got == [model(text) for text in texts if text]
