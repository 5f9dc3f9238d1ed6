import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simcheck.normalise import cells
from simcheck.normalise.kernels import text


def folded(cell: str) -> str | None:
    """A cell after folding, with ¤ for what has no ASCII twin; None if it is too long."""
    column = text(pa.array([cell]))
    out = np.empty(cells.ROOM, np.uint8)
    size = cells.fold(column.data, 0, len(cell.encode()), out)
    return None if size == cells.TOO_LONG else bytes(out[:size]).decode().replace(chr(cells.OTHER), "¤")


def bare(cell: str) -> tuple[str, int]:
    out = np.zeros(cells.ROOM, np.uint8)
    out[: len(cell)] = np.frombuffer(cell.encode(), np.uint8)
    size, how = cells.bare_number(out, len(cell))
    return bytes(out[:size]).decode(), how


@settings(deadline=None)  # the first call compiles
@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=cells.ROOM))
def test_full_width_forms_fold_to_their_ascii_twins(text):
    wide = "".join(chr(ord(each) + 0xFEE0) for each in text)
    assert unicodedata.normalize("NFKC", wide) == text
    assert folded(wide) == folded(text) == text


@pytest.mark.parametrize(
    ("cell", "ascii_form"),
    [
        ("\u00a0 12\u2003\t34 \u3000", "12 34"),
        ("\ufeff12\u200b34\u00ad\u2060", "1234"),
        ("12\u201334\u221256", "12-34-56"),
        ("\u201912\u201d", "'12\""),
        ("năm 1", "n¤m 1"),
        ("1\x002\x7f", "1¤2¤"),
        ("😀1", "¤1"),
        ("x" * cells.ROOM, "x" * cells.ROOM),
        ("x" * cells.ROOM + " " * 99, "x" * cells.ROOM),
        ("x" * (cells.ROOM + 1), None),
        (" " * 500 + "1" + "\u200b" * 500, "1"),
    ],
)
def test_fold(cell, ascii_form):
    assert folded(cell) == ascii_form


@settings(deadline=None)  # the first call compiles
@given(st.text(max_size=40))
def test_fold_is_idempotent_and_trims(text):
    once = folded(text)
    assert once is not None
    assert once == once.strip(" ")
    assert "  " not in once
    if "¤" not in once:
        assert folded(once) == once


@pytest.mark.parametrize(
    ("cell", "number", "how"),
    [
        ("12 34-5.6,7", "1234567", cells.AS_WRITTEN),
        ("'0123", "0123", cells.AS_WRITTEN),
        ('="0123"', "0123", cells.AS_WRITTEN),
        ("123.0", "123", cells.FLOAT_TAIL),
        ("123,00", "123", cells.FLOAT_TAIL),
        ("123.000", "123000", cells.AS_WRITTEN),
        ("1.234.00", "123400", cells.AS_WRITTEN),
        (".0", "0", cells.AS_WRITTEN),
        ("9.12E2", "912", cells.SCIENTIFIC),
        ("9,12e+02", "912", cells.SCIENTIFIC),
        ("9.1200E2", "912", cells.SCIENTIFIC),
        ("912E0", "912", cells.SCIENTIFIC),
        ("12E0E", "12E0E", cells.AS_WRITTEN),
        ("E12", "E12", cells.AS_WRITTEN),
        ("9.12E", "9.12E".replace(".", ""), cells.AS_WRITTEN),
        ("9.12E-2", "912E2", cells.AS_WRITTEN),
    ],
)
def test_bare_number(cell, number, how):
    assert bare(cell) == (number, how)


@pytest.mark.parametrize("cell", ["9.12E3", "9E8", "9.123E2", "1.5E99"])
def test_lost_digits_are_not_made_up(cell):
    assert bare(cell)[1] == cells.DIGITS_LOST


@settings(deadline=None)  # the first call compiles
@given(st.integers(10, 10**17 - 1))
def test_scientific_notation_with_all_digits_is_the_number(number):
    digits = str(number)
    assert bare(f"{digits[0]}.{digits[1:]}E+{len(digits) - 1}") == (digits, cells.SCIENTIFIC)


@pytest.mark.parametrize(
    "cell", ["", " ", "-", "0", "00/00/0000", "null", "NULL", "N/A", "#N/A", "\\N", "None", "nan", "NaT"]
)
def test_blank(cell):
    assert cells.is_blank(np.frombuffer(cell.encode(), np.uint8), len(cell))


@pytest.mark.parametrize("cell", ["1", "x", "nullify", "n0", "nul", "xxnull", "nonenull"])
def test_not_blank(cell):
    assert not cells.is_blank(np.frombuffer(cell.encode(), np.uint8), len(cell))


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.integers(-5, 10**9 - 1), max_size=40))
def test_fixed_width(numbers):
    strings = cells.fixed_width(np.array(numbers, np.int64), "+84", 9)
    strings.validate(full=True)
    assert strings.to_pylist() == [f"+84{each:09}" if each > 0 else None for each in numbers]


def test_fixed_width_refuses_more_than_an_array_holds():
    numbers = np.broadcast_to(np.int64(1), 2**31 // 12 + 1)
    with pytest.raises(ValueError, match="batches"):
        cells.fixed_width(numbers, "+84", 9)
