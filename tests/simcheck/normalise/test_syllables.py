from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.normalise.syllables import bare, canonical, information, is_bare_syllable, is_syllable
from tests.building import FAMILIES, SYLLABLES
from tests.building import bare as without_marks

MORE = (
    "Uông Khuông Nghiêm Nghị Giang Gìn Gia Quốc Quyết Quỳnh Quế Qúy Quý Quới Huỳnh Khuyên "
    "Khuya Uyên Ỷ Ý Y Ơn Ưng Út "
    "Oanh Oai Hoè Hòe Loát Ngoạn Xoan Tuyển Truyền Chuẩn Luân Thuở Duệ Nhuệ Thuần Tuất Phước "
    "Rượu Hươu Biếc Diệp Kiêm "
    "Nghiệp Chích Đích Ích Inh Thịnh Kíp Ngọc Óc Trọng Ông Cộng Bổng Lộng Hợp Lợi Khởi Mừng Tứ "
    "Dựng Xứ Bích Phích"
).split()


@pytest.mark.parametrize("word", sorted({*SYLLABLES, *MORE}))
def test_names_are_syllables(word):
    assert is_syllable(canonical(word))
    assert is_bare_syllable(bare(canonical(word)))


@pytest.mark.parametrize(
    "word",
    ["Namm", "Nsm", "Ngyuễn", "Nguyn4x", "Trn", "Vawn", "Nguyeenx", "Maryam", "Jut", "Êđêh", "Zoon", "Fan",
             "Hà2̀", "Lác̀", "", "?", "Nguyễ", "Hoạc̉"],
)  # fmt: skip
def test_slips_and_foreign_words_are_none(word):
    assert not is_syllable(canonical(word))


@pytest.mark.parametrize("word", ["bàc", "bảt", "bãp", "hoằch", "bac", "bat", "bap", "bach"])
def test_a_stopped_syllable_bears_only_sharp_or_heavy_tones(word):
    assert not is_syllable(canonical(word))


@pytest.mark.parametrize("word", ["bác", "bạc", "mát", "một", "pháp", "thập", "sách", "bạch"])
def test_a_stopped_syllable_with_those_tones(word):
    assert is_syllable(canonical(word))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Hoà", "hòa"), ("Quý", "Qúy"), ("THUÝ", "thúy"), ("Đông", "Ðông"), ("Khoẻ", "Khỏe"), ("Thuỷ", "Thủy")],
)
def test_forms_that_are_the_same(one, other):
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Hùng", "Hưng"), ("An", "Anh"), ("An", "Ân"), ("Hoa", "Hoà"), ("Dung", "Đung"), ("Lý", "Lí"),
     ("Mỹ", "Mĩ"),
     ("Hỏa", "Hoã"), ("ơ", "ơ\u0306"), ("Vũ", "Võ"), ("Tu1", "Tù"), ("Vu4", "Vũ"), ("n\u0303", "n")],
)  # fmt: skip
def test_forms_that_are_not(one, other):
    assert canonical(one) != canonical(other)


@given(st.sampled_from(SYLLABLES + MORE), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]), st.booleans())
def test_unicode_form_and_case_do_not_matter(word, form, upper):
    written = unicodedata.normalize(form, word.upper() if upper else word.lower())
    assert canonical(written) == canonical(word)


@given(st.text(max_size=12))
def test_case_and_unicode_form_never_matter(text):
    once = canonical(text)
    assert canonical(unicodedata.normalize("NFD", text)) == once
    assert canonical(unicodedata.normalize("NFC", text)) == once


@given(st.sampled_from(SYLLABLES + MORE))
def test_bare_is_what_is_left_without_marks(word):
    assert bare(canonical(word)) == without_marks(word).lower()
    assert bare(canonical(without_marks(word))) == without_marks(word).lower()


def test_information_is_the_share_of_bearers_in_bits():
    """DOMAIN 8.1: nguyen in 28.8 % of names, thi in 25.5 %."""
    assert information("nguyen") == pytest.approx(1.796, abs=0.01)
    assert information("thi") == pytest.approx(1.971, abs=0.01)
    assert information("nguyen") < information("thi") < information("hoang") < information("xyz")
    assert all(information(without_marks(each).lower()) > 0 for each in FAMILIES)
