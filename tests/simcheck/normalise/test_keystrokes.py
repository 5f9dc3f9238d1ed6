from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.normalise.keystrokes import telex, vni_keys
from simcheck.normalise.syllables import canonical, is_syllable
from tests.building import SYLLABLES, bare
from tests.simcheck import mangling


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("Nguyeenx", "nguyễn"), ("Nguyênx", "nguyễn"), ("nguyeexn", "nguyễn"),
        ("NGUYEENX", "nguyễn"), ("Vawn", "văn"),
        ("Vanw", "văn"), ("DDoong", "đông"), ("Doongd", "đông"), ("Ddawng", "đăng"), ("Huwowng", "hương"),
        ("Huowng", "hương"), ("Hungf", "hùng"), ("Quys", "quý"), ("Hoaf", "hoà"), ("Uwowcs", "ước"),
        ("Thij", "thị"),
        ("Wng", "ưng"), ("Nguwx", "ngữ"), ("Thuyr", "thuỷ"),
    ],
)  # fmt: skip
def test_telex(typed, word):
    assert canonical(telex(typed) or "") == canonical(word)


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("Nguye6n4", "nguyễn"), ("Nguye64n", "nguyễn"), ("Nguyen64", "nguyễn"), ("Va8n", "văn"),
        ("Van8", "văn"),
        ("D9o6ng", "đông"), ("Do6ng9", "đông"), ("Hu7o7ng", "hương"), ("Huo7ng", "hương"), ("Hung2", "hùng"),
        ("Tu1", "tú"), ("Ha3i", "hải"), ("U7o7c1", "ước"), ("Thi5", "thị"),
    ],
)  # fmt: skip
def test_vni_keys(typed, word):
    assert canonical(vni_keys(typed) or "") == canonical(word)


@pytest.mark.parametrize(
    "word", ["An", "Nam", "Tran", "Xxx", "Max", "Fs", "Jr", "w", "12", "", "Bob", "Wwwx"]
)
def test_words_that_are_no_keystrokes(word):
    assert telex(word) is None or is_syllable(canonical(telex(word)))
    assert vni_keys(word) is None
    if word not in {"w", "Max"}:
        assert telex(word) is None


@given(st.sampled_from(SYLLABLES), st.booleans(), st.booleans())
def test_every_syllable_comes_back(word, late, upper):
    for typing, reading in ((mangling.telex, telex), (mangling.vni_keys, vni_keys)):
        typed = typing(word, late)
        read = reading(typed.upper() if upper else typed)
        if is_syllable(canonical(typed)):  # nothing was typed, or a syllable of its own: Coong stays Coong
            assert read is None
        else:
            assert canonical(read or "") == canonical(word)


@given(st.sampled_from(SYLLABLES))
def test_a_word_without_keystrokes_stands_for_itself(word):
    assert vni_keys(bare(word)) is None
    assert telex(bare(word)) is None


@given(st.text(st.characters(codec="latin-1"), max_size=12))
def test_what_comes_out_is_a_syllable(text):
    for reading in (telex, vni_keys):
        read = reading(text)
        assert read is None or is_syllable(canonical(read))
