from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.messages import alphabets
from simcheck.messages.alphabets import clean, gsm, read_gsm, ucs2, without_marks
from tests.building import full_names

VIETNAMESE = "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵđ"


def test_the_default_alphabet_stands_as_in_the_standard():
    assert len(alphabets.DEFAULT) == 128
    assert len(set(alphabets.DEFAULT)) == 128
    assert gsm("@\n\rÉ ?¡§¿à") == bytes([0x00, 0x0A, 0x0D, 0x1F, 0x20, 0x3F, 0x40, 0x5F, 0x60, 0x7F])
    assert gsm("Az09") == b"Az09"
    assert gsm("€[") == b"\x1b\x65\x1b\x3c"
    assert gsm("`") is None
    assert gsm("\x1b") is None


@given(st.text(st.sampled_from(sorted(alphabets.SEPTETS))))
def test_what_is_in_the_default_alphabet_comes_back(text):
    septets = gsm(text)
    assert septets is not None
    assert len(septets) == sum(1 + (each in alphabets.EXTENSION) for each in text)
    assert max(septets, default=0) < 128
    assert read_gsm(septets) == text


def test_octets_that_are_no_septets():
    assert read_gsm(b"a\x1b\x01\x1b") == "a  "
    with pytest.raises(ValueError, match="127"):
        read_gsm(b"\x80")


@given(full_names())
def test_names_go_through_both_alphabets(name):
    assert ucs2(name).decode("utf-16-be") == name
    assert read_gsm(gsm(without_marks(name)) or b"") == without_marks(name)


def test_every_vietnamese_letter_has_a_bare_one():
    both = VIETNAMESE + VIETNAMESE.upper()
    for form in ("NFC", "NFD"):
        bare = without_marks(unicodedata.normalize(form, both))
        assert bare.isascii()
        assert len(bare) == len(both)
    assert without_marks("Đường Ðặng, ơ̆") == "Duong Dang, o"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("a\u202eb\u2066c\u200bd\ufeff", "abcd"),
        ("Subject\r\nBcc: x", "Subject Bcc: x"),
        ("a\x00b\x1b\x7f", "ab"),
        ("  a \u00a0\u3000 b\t", "a b"),
        ("e\u0302\u0301", "ế"),
        ("\ud800x", "x"),
    ],
)
def test_a_value_holds_nothing_unseen(value, wanted):
    assert clean(value) == wanted


def test_lines_stay_where_they_may():
    assert clean("a \r\n\r\n\u2028 b\rc ", lines=True) == "a\nb\nc"


@given(st.text(), st.booleans())
def test_a_clean_value_is_clean(value, lines):
    cleaned = clean(value, lines=lines)
    assert clean(cleaned, lines=lines) == cleaned
    assert (
        all(unicodedata.category(each)[0] != "C" for each in cleaned.replace("\n", "") if lines) or not lines
    )
    assert lines or "\n" not in cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
