import csv
import datetime
from importlib.resources import files

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simcheck.normalise import citizen_ids, dates
from simcheck.normalise.citizen_ids import CMND_BASE
from simcheck.reasons import Reason

AS_OF = datetime.date(2026, 11, 23)
MISSING, MALFORMED, UNSUPPORTED, REPAIRED, CONFLICT = (
    Reason.ID_MISSING.mask,
    Reason.ID_MALFORMED.mask,
    Reason.ID_TYPE_UNSUPPORTED.mask,
    Reason.ID_FORMAT_REPAIRED.mask,
    Reason.ID_STRUCTURE_CONFLICT.mask,
)
UNPROVEN = int(citizen_ids.UNPROVEN)


def read(
    cell: str | None,
    id_type: str | None = None,
    born: str = "",
    gender: str | None = None,
    as_of: datetime.date | None = AS_OF,
) -> tuple[int, int]:
    column, types, genders = (pa.array([each], pa.string()) for each in (cell, id_type, gender))
    result = citizen_ids.normalise(column, types, dates.normalise(pa.array([born]), AS_OF), genders, as_of)
    return int(result.key[0]), int(result.flags[0])


@pytest.mark.parametrize(
    "cell",
    ["079090001234", "079 090 001 234", "079.090.001.234", "079-090-001234", " 079090001234\u00a0",
     "'079090001234",
     "\u2019079090001234", '="079090001234"', "０７９０９０００１２３４", "\ufeff079090001234",
     "079\u200b090001234"],
)  # fmt: skip
def test_writings_that_carry_no_information_are_not_flagged(cell):
    assert read(cell, "cccd", "25/05/1990", "M") == (79090001234, 0)
    assert read(cell) == (79090001234, 0)


@pytest.mark.parametrize(
    "cell",
    ["O79O9OOO1234", "o79090001234", "0790900OI234", "079090ool234", "79090001234",
     "79090001234.0", "079090001234.0",
     "7.9090001234E10", "7.9090001234E+10", "79 090 001 234", "7909OOO1234"],
)  # fmt: skip
def test_certain_repairs(cell):
    assert read(cell, "cccd", "1990-05-25", "M") == (79090001234, REPAIRED)
    assert read(cell, None, "1990", None) == (79090001234, REPAIRED)


@pytest.mark.parametrize(
    ("cell", "born", "gender"),
    [
        ("99090001234", "1990-05-25", "M"),  # 099 is no province
        ("0912345678", "1990-05-25", "M"),  # a phone number in the wrong column
        ("3090001234", "1990-05-25", "M"),  # 003 is no province
        ("79490001234", "1990-05-25", "M"),  # the century is 2100
    ],
)
def test_lost_zeros_of_nobody_alive(cell, born, gender):
    assert read(cell, None, born, gender) == (0, MALFORMED)


@pytest.mark.parametrize(
    ("born", "gender", "conflict"),
    [
        ("", "M", 0),  # no birth year to prove it by
        ("1991-05-25", "M", CONFLICT),
        ("1990-05-25", "F", CONFLICT),
        ("2090-05-25", "M", CONFLICT),
    ],
)
def test_lost_zeros_that_only_the_register_can_prove(born, gender, conflict):
    assert read("79090001234", None, born, gender) == (79090001234, REPAIRED | UNPROVEN | conflict)


def test_two_lost_zeros_of_the_first_provinces():
    assert read("1090001234", "cccd", "1990-05-25", "M") == (1090001234, REPAIRED)
    assert read("01090001234", "cccd", "1990-05-25", "M") == (1090001234, REPAIRED)
    assert read("1090001234", "cccd") == (1090001234, REPAIRED | UNPROVEN)


@pytest.mark.parametrize(
    ("cell", "id_type", "number", "flags"),
    [
        ("012345678", "cmnd", 12345678, 0),
        ("012 345 678", None, 12345678, 0),
        ("12345678", "cmnd", 12345678, REPAIRED | UNPROVEN),
        ("1234567", None, 1234567, REPAIRED | UNPROVEN),
        ("12345678.0", None, 12345678, REPAIRED | UNPROVEN),
        ("2.12345678E8", None, 212345678, REPAIRED),
        ("O12345678", None, 12345678, REPAIRED),
        ("01234S678", None, None, MALFORMED),
    ],
)
def test_cmnd(cell, id_type, number, flags):
    assert read(cell, id_type, "1990-05-25", "M") == (0 if number is None else CMND_BASE + number, flags)


def test_a_cmnd_of_twelve_digits_is_a_personal_number():
    assert read("079090001234", "cmnd", "1990", "M") == (79090001234, 0)


@pytest.mark.parametrize(
    ("cell", "id_type"),
    [
        ("B1234567", None), ("C12345678", ""), ("b 1234567", "cccd"), ("AB1234567", None), ("O1234567", None),
        ("E-12345678", None), ("12345678", "passport"), ("012345678", "passport"),
        ("1234567", "Passport"), ("12AB34567", "PASSPORT"),
        ("X", "Hộ chiếu"), ("NG 123", "Hộ chiếu ngoại giao"), ("5",
        "ho\u0323\u0302 chie\u0302\u0301u"), ("1234567890", "diplomatic"),
        ("12345678901", " hc "), ("O12345678", "passport"), ("V-99", "Thẻ thường trú"),
        ("12345678", "CMT quân đội"),
    ],
)  # fmt: skip
def test_papers_the_register_does_not_know(cell, id_type):
    assert read(cell, id_type, "1990-05-25", "M") == (0, UNSUPPORTED)


@pytest.mark.parametrize(
    "cell", [None, "", "  ", "-", "0", "000000000000", "000000000", "null", "N/A", "#N/A", "none", "0.0"]
)
@pytest.mark.parametrize("id_type", [None, "cccd", "passport"])
def test_missing(cell, id_type):
    assert read(cell, id_type) == (0, MISSING)


@pytest.mark.parametrize(
    "cell",
    ["123456", "1", "1234567890123", "07909000123412345678", "abc", "079O9OOO12E4", "07909000123X",
     "7.909E+10", "7.9E11",
     "12AB34567", "ABC123456", "A12345", "AB12345678", "llllllOOOOOO", "079090001234 (CCCD)",
     "079090001234/012345678",
     "079090001234;", "x" * 500, "9" * 400],
)  # fmt: skip
def test_malformed(cell):
    assert read(cell, "cccd", "1990-05-25", "M") == (0, MALFORMED)


@pytest.mark.parametrize(
    ("cell", "born", "gender", "agrees"),
    [
        ("079090001234", "1990-05-25", "M", True),
        ("079190001234", "1990-05-25", "Nữ", True),
        ("079205001234", "2005-05-25", "nam", True),
        ("079305001234", "25/05/05", "FEMALE", True),
        ("295090001234", "1990", None, True),
        ("101090001234", "", None, True),
        ("079090001234", "1991-05-25", "M", False),
        ("079090001234", "1990-05-25", "F", False),
        ("079290001234", "1990-05-25", "M", False),
        ("079390001234", "", None, False),  # 2090 is to come
        ("079490001234", "", None, False),
        ("003090001234", "", None, False),
        ("100090001234", "", None, False),
        ("296090001234", "", None, False),
        ("000090001234", "", None, False),
        ("999999999999", "", None, False),
        ("079090001234", "31/04/1990", "other", True),
        ("079090001234", "unreadable", "", True),
    ],
)
def test_structure(cell, born, gender, agrees):
    assert read(cell, "cccd", born, gender) == (int(cell), 0 if agrees else CONFLICT)


def test_without_the_checks_own_date_a_year_to_come_is_no_conflict():
    assert read("079226001234") == (79226001234, 0)
    assert read("079227001234") == (79227001234, CONFLICT)
    assert read("079227001234", as_of=None) == (79227001234, 0)


def test_the_province_codes_are_those_of_the_circular():
    with files("simcheck.normalise").joinpath("provinces.csv").open(encoding="utf-8") as file:
        codes = {row["code"]: row["province"] for row in csv.DictReader(file)}
    assert len(codes) == 63
    assert (codes["001"], codes["048"], codes["079"], codes["096"]) == (
        "Hà Nội",
        "Đà Nẵng",
        "Hồ Chí Minh",
        "Cà Mau",
    )
    cells = [f"{each:03}090001234" for each in range(1000)]
    result = citizen_ids.normalise(pa.array(cells), None, dates.normalise(pa.array([""] * 1000), AS_OF), None)
    valid = {cell[:3] for cell, flags in zip(cells, result.flags.tolist(), strict=True) if not flags}
    assert valid == set(codes) | {str(each) for each in range(101, 296)}


def test_gender_codes():
    words = [
        "M",
        "f",
        "Nam",
        "NỮ",
        "nu\u031b\u0303",
        "nu",
        "Male",
        "FEMALE",
        " m ",
        "",
        None,
        "1",
        "0",
        "x",
        "Năm?",
    ]
    codes = citizen_ids.gender_codes(pa.array(words))
    assert codes.dtype == np.uint8
    assert codes.tolist() == [1, 2, 1, 2, 2, 2, 1, 2, 1, 0, 0, 0, 0, 0, 0]
    assert citizen_ids.gender_codes(pa.chunked_array([["M"], ["F", None]])).tolist() == [1, 2, 0]
    assert citizen_ids.gender_codes(pa.nulls(2, pa.string())).tolist() == [0, 0]
    assert citizen_ids.gender_codes(pa.nulls(2)).tolist() == [0, 0]
    assert citizen_ids.gender_codes(pa.array([], pa.string())).tolist() == []


def test_format_key():
    strings = citizen_ids.format_key(np.array([79090001234, 0, CMND_BASE + 12345678, 1], np.int64))
    strings.validate(full=True)
    assert strings.to_pylist() == ["079090001234", None, None, "000000000001"]


def test_columns_of_other_lengths_are_refused():
    born = dates.normalise(pa.array(["1990", "1991"]), AS_OF)
    one, two = pa.array(["079090001234"]), pa.array(["079090001234", "x"])
    for ids, types, genders in ((one, None, None), (two, one, None), (two, None, one)):
        with pytest.raises(ValueError, match="same rows"):
            citizen_ids.normalise(ids, types, born, genders)


PROVINCES = sorted(np.flatnonzero(citizen_ids.PROVINCES[:100]).tolist())
CITIZENS = st.tuples(
    st.sampled_from(PROVINCES),
    st.dates(datetime.date(1900, 1, 1), AS_OF),
    st.sampled_from("MF"),
    st.integers(0, 10**6 - 1),
).map(
    lambda of: (
        f"{of[0]:03}{(of[1].year - 1900) // 100 * 2 + (of[2] == 'F')}{of[1].year % 100:02}{of[3]:06}",
        of[1].isoformat(),
        of[2],
    )
)


@settings(deadline=None)  # the first call compiles
@given(CITIZENS, st.sampled_from(["{}", " {}", "'{}", "{}\u00a0"]))
def test_a_lawful_number_agrees_with_its_holder(citizen, writing):
    number, born, gender = citizen
    assert read(writing.format(number), "cccd", born, gender) == (int(number), 0)


@settings(deadline=None)
@given(CITIZENS, st.sampled_from(["{}", "{}.0", " {} "]))
def test_lost_zeros_come_back_for_the_holder_only(citizen, writing):
    number, born, gender = citizen
    cell = writing.format(number.lstrip("0"))
    assert read(cell, "cccd", born, gender) == (int(number), REPAIRED)
    wrong_gender = "M" if gender == "F" else "F"
    assert read(cell, "cccd", born, wrong_gender) == (int(number), REPAIRED | UNPROVEN | CONFLICT)
    assert read(cell, "cccd", "", gender) == (int(number), REPAIRED | UNPROVEN)


@settings(deadline=None)
@given(CITIZENS, st.sets(st.integers(0, 11), max_size=4))
def test_letters_that_look_like_digits_come_back(citizen, places):
    number, born, gender = citizen
    cell = "".join(
        {"0": "O", "1": "l"}.get(each, each) if at in places else each for at, each in enumerate(number)
    )
    assert read(cell, "cccd", born, gender) == (int(number), REPAIRED if cell != number else 0)


@settings(deadline=None)
@given(
    st.lists(st.text(max_size=30) | st.text("0123456789OIlB .-'E", max_size=16) | st.none(), max_size=20),
    st.sampled_from([None, "passport", "cmnd"]),
)
def test_any_text_is_read_or_flagged_and_what_is_read_stays(column, id_type):
    types = pa.array([id_type] * len(column), pa.string())
    unknown = dates.normalise(pa.array([""] * len(column), pa.string()), AS_OF)
    result = citizen_ids.normalise(pa.array(column, pa.string()), types, unknown, None, AS_OF)
    refused = (result.flags & np.uint64(MISSING | MALFORMED | UNSUPPORTED)) > 0
    assert ((result.key > 0) ^ refused).all()
    assert (result.key < CMND_BASE + 10**9).all()
    alone = [read(cell, id_type) for cell in column]
    assert alone == list(zip(result.key.tolist(), result.flags.tolist(), strict=True))
    again = citizen_ids.normalise(citizen_ids.format_key(result.key), types, unknown, None, AS_OF)
    personal = (result.key > 0) & (result.key < CMND_BASE)
    assert (again.key[personal] == result.key[personal]).all()
    assert not (again.flags[personal] & np.uint64(REPAIRED)).any()
