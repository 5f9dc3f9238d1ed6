"""What is told of a glued name at one look is what its words tell."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.matching import names
from simcheck.matching.damage import APART, SPACED, SPACED_BARE
from simcheck.matching.glued import glued
from simcheck.matching.rules import load
from simcheck.normalise.words import Vocabulary
from tests.building import bare, full_names

VOCABULARY, RULES = Vocabulary(), load()


def told(declared: str, registered: str) -> int:
    return int(glued(pa.array([declared]), pa.array([registered]))[0])


@pytest.mark.parametrize(
    ("declared", "registered", "expected"),
    [
        ("NguyễnVănAn", "Nguyễn Văn An", SPACED),
        ("NGUYỄNVĂN AN", "Nguyễn Văn An", SPACED),
        ("  nguyễnvăn  hoà ", "Nguyễn Văn Hòa", SPACED),
        ("NguyenVanAn", "Nguyễn Văn An", SPACED_BARE),
        ("NguyenVanAn", "Nguyen Van An", SPACED),
        ("NguyễnVanAn", "Nguyễn Văn An", APART),  # what has marks says what it has not
        ("NguyễnVănÁn", "Nguyễn Văn An", APART),
        ("NguyễnVănAnh", "Nguyễn Văn An", APART),
        ("NguyễnVănA", "Nguyễn Văn An", APART),
        ("Hoan", "Hồ An", APART),  # a syllable of its own: who can tell?
        ("HồAn", "Hồ An", APART),  # too short to be told from one
        ("Ngu yễn Văn An", "Nguyễn Văn An", APART),  # split, not glued
        ("Nguyễn.VănAn", "Nguyễn Văn An", APART),
        ("NguyễnVăn\u00a0An", "Nguyễn Văn An", APART),
        (unicodedata.normalize("NFD", "NguyễnVănAn"), "Nguyễn Văn An", APART),
        ("H'MaryamNiê", "H'Maryam Niê", APART),
        ("NguyễnVăn😀", "Nguyễn Văn 😀", APART),
        ("", "Nguyễn Văn An", APART),
        ("Nguyễn Văn An", "", APART),
    ],
)
def test_pairs(declared, registered, expected):
    assert told(declared, registered) == expected


@given(full_names(), st.data())
def test_what_is_told_is_what_words_tell(registered, data):
    words = registered.split()
    gaps = data.draw(st.lists(st.sampled_from(["", " ", "  "]), min_size=len(words), max_size=len(words)))
    written = "".join(word + gap for word, gap in zip(words, gaps, strict=True))
    declared = data.draw(st.sampled_from([str, str.upper, str.lower, bare]))(written)
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(declared)))
        declared = declared[:at] + data.draw(st.sampled_from("aâ .'?")) + declared[at + 1 :]
    pair = pa.array([declared]), pa.array([registered])
    found = names.compare(*pair, VOCABULARY, RULES.minimum_information)
    by_words = names._by_words(*pair, VOCABULARY, RULES.minimum_information)
    assert (found.reasons[0], found.score[0]) == (by_words.reasons[0], by_words.score[0])
