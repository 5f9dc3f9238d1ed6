from __future__ import annotations

import csv
import unicodedata
from importlib.resources import files

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.normalise.encodings import TCVN3
from simcheck.normalise.provinces import UNKNOWN, code_of, codes, names, places


def old() -> list[dict[str, str]]:
    with files("simcheck.normalise").joinpath("provinces.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def bare(name: str) -> str:
    letters = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    return "".join(each for each in letters if not unicodedata.combining(each))


def test_34_of_today_and_where_the_63_went():
    assert len(names()) == 34
    assert {row["now"] for row in old()} == set(names())
    assert codes()[UNKNOWN] is None


def test_a_code_means_the_same_in_both_lists():
    """The seven codes that changed their meaning changed it to the province that took in the old one."""
    assert all(code_of(code) == code for code in names())
    assert all(code_of(row["code"]) == row["now"] for row in old())


FORMS = (
    str, str.upper, str.lower, bare, lambda name: unicodedata.normalize("NFD", name),
    lambda name: f"Tỉnh {name}", lambda name: f"TP. {name}", lambda name: f"TP {bare(name)}",
    lambda name: f"thành phố {name}", lambda name: f"  {name.replace(' ', '')} ",
    lambda name: f"{name}, Việt Nam",
    lambda name: f"T.{name}", lambda name: f"{bare(name)} province",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_province_in_every_spelling(form):
    for row in old():
        assert code_of(form(row["province"])) == row["now"], row
    for code, name in names().items():
        assert code_of(form(name)) == code


def test_no_two_provinces_share_a_spelling():
    assert len({bare(row["province"]).lower().replace(" ", "") for row in old()}) == 63


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("TP.HCM", "079"), ("TPHCM", "079"), ("Sài Gòn", "079"), ("Bà Rịa Vũng Tàu", "079"), ("BR-VT", "079"),
        ("Thừa Thiên-Huế", "046"), ("Huế", "046"), ("Daklak", "066"), ("Đắc Lắc", "066"), ("Kontum", "051"),
        ("1", "001"), ("79", "079"), (" 001 ", "001"), ("70", "075"),
        ("", None), ("0", None), ("000", None), ("003", None), ("abc", None), ("Quảng Đông", None),
        ("Tỉnh", None),
        ("x" * 10_000, None), ("Hà Nội" * 20, None),
    ],
)  # fmt: skip
def test_words(word, code):
    assert code_of(word) == code


def test_a_dead_encoding():
    back = {letter: chr(byte) for byte, letter in TCVN3.items()}
    for row in old():
        written = "".join(back.get(each, each) for each in row["province"])
        assert code_of(written) == row["now"], row
        assert code_of(row["province"].encode().decode("latin-1")) == row["now"], row


def test_a_column():
    column = pa.array(["Hà Nội", None, "", "hue", "Hà Nội", "?"])
    assert [codes()[place] for place in places(column)] == ["001", None, None, "046", "001", None]
    assert len(places(pa.array([], pa.string()))) == 0


@given(st.text(max_size=80))
def test_no_word_breaks_it(word):
    assert code_of(word) in codes()
