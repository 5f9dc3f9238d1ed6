from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from simcheck.normalise.places_of_sale import MOST_CHARACTERS, normalise


def test_cells():
    column = pa.array(["  ĐL 7 ", None, "", " \t", "a\x00b\r\nc", "ĐL 7", "é" * 80, "e\u0301"])
    assert normalise(column).to_pylist() == ["ĐL 7", None, None, None, "a b c", "ĐL 7", "é" * 64, "é"]
    assert normalise(pa.array([], pa.string())).to_pylist() == []
    assert normalise(pa.array([None, "b", "c"])[1:]).to_pylist() == ["b", "c"]


@given(st.lists(st.none() | st.text(max_size=100), max_size=20))
def test_what_a_database_takes(words):
    for word in normalise(pa.array(words, pa.string())).to_pylist():
        if word is not None:
            assert 0 < len(word) <= MOST_CHARACTERS
            assert word == word.strip()
            assert not any(each < " " for each in word)
