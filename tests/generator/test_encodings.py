"""Against Python's own code page 1258 and the examples of DOMAIN 8.2."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import encodings

LETTERS = st.text(st.sampled_from(encodings.LETTERS + "bcdghnt"), min_size=1, max_size=7)


@pytest.mark.parametrize(
    ("form", "word", "seen"),
    [
        (encodings.tcvn3, "Nguyễn", "NguyÔn"),
        (encodings.tcvn3, "Thị", "ThÞ"),
        (encodings.tcvn3, "Hoà", "Hoµ"),
        (encodings.tcvn3, "Đặng", "§Æng"),
        (encodings.tcvn3, "Ước", "¦íc"),
        (encodings.tcvn3, "Lương", "L\u00ad¬ng"),
        (encodings.tcvn3, "NGUYỄN", "NGUYÔN"),
        (encodings.viscii, "Nguyễn", "Nguy\u00adn"),
        (encodings.viscii, "Thị", "Th¸"),
        (encodings.viscii, "Đặng", "Ð£ng"),
        (encodings.vni, "chào", "chaøo"),
        (encodings.vni, "các", "caùc"),
        (encodings.vni, "bạn", "baïn"),
        (encodings.vni, "Nguyễn", "Nguyeãn"),
        (encodings.vni, "Đường", "Ñöôøng"),
        (encodings.vni, "Sĩ", "Só"),
        (encodings.cp1258, "Nguyễn", "NguyêÞn"),
        (encodings.cp1258, "Đức", "Ðýìc"),
        (encodings.utf8_as_1252, "Nguyễn", "Nguyá»…n"),
        (encodings.utf8_as_latin1, "Đặng", "Ä\x90áº·ng"),
        (encodings.question_marks, "Nguyễn", "Nguy?n"),
        (encodings.question_marks, "Hà", "Hà"),
        (encodings.replacement_marks, "Thị", "Th\ufffd"),
    ],
)
def test_known_words(form: Callable[[str], str], word: str, seen: str) -> None:
    assert form(word) == seen
    assert form(unicodedata.normalize("NFD", word)) == seen


@given(LETTERS)
def test_code_page_1258_is_pythons(word: str) -> None:
    mixed = encodings.cp1258_form(word)
    assert unicodedata.normalize("NFC", mixed) == unicodedata.normalize("NFC", word)
    assert encodings.cp1258(word).encode("cp1252", "replace").decode("cp1258", "replace") == mixed


@given(LETTERS)
def test_nothing_is_lost_where_the_reader_keeps_every_byte(word: str) -> None:
    composed = unicodedata.normalize("NFC", word)
    assert encodings.utf8_as_latin1(composed).encode("latin-1").decode() == composed


def test_small_letters_stay_apart_in_every_encoding() -> None:
    small = sorted(set(encodings.LETTERS.lower()))
    for form in (encodings.tcvn3, encodings.viscii, encodings.vni, encodings.cp1258, encodings.utf8_as_1252):
        assert len({form(letter) for letter in small}) == len(small)
