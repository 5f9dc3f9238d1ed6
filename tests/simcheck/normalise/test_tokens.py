from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from simcheck.normalise.kernels import text
from simcheck.normalise.tokens import UNMET, WordNumbers

WORDS = st.text(st.characters(exclude_characters=" ", exclude_categories=["Cs"]), min_size=1, max_size=20)
TEXTS = st.lists(st.lists(st.one_of(WORDS, st.just("")), max_size=5).map(" ".join), max_size=8)


def look_up(table: WordNumbers, texts: list[str]) -> list[list[int | str]]:
    """Each text's words: the number where the table knows one, else the word."""
    offsets, data = text(pa.array(texts, pa.string()))
    word, starts, unmet = table.look_up(offsets, data)
    said: dict[int, str] = {place: data[at:end].tobytes().decode() for place, at, end in unmet.tolist()}
    assert set(said) == set(np.flatnonzero(word == UNMET))
    return [
        [said.get(at, int(word[at])) for at in range(first, last)]
        for first, last in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    ]


@given(TEXTS, st.lists(WORDS, unique=True, max_size=12))
def test_words_are_found_again_and_the_others_are_given_back(texts, known):
    table = WordNumbers()
    half = len(known) // 2
    table.add([word.encode() for word in known[:half]], list(range(half)))
    table.add([word.encode() for word in known[half:]], list(range(half, len(known))))
    number = {word: at for at, word in enumerate(known) if len(word.encode()) < 16}
    padding = ["x" * 32]  # words are read sixteen bytes at a time; the last bytes of a column are not
    found = look_up(table, texts + padding)[:-1]
    assert found == [[number.get(word, word) for word in each.split(" ") if word] for each in texts]


def test_a_table_grows_and_what_was_handed_out_stays():
    table = WordNumbers()
    offsets, data = text(pa.array(["w1 w99999", "x" * 32]))
    table.add([b"w1"], [1])
    before = table.look_up(offsets, data)[0].tolist()
    table.add([f"w{at}".encode() for at in range(2, 100_000)], list(range(2, 100_000)))
    assert before[0] == 1
    assert table.look_up(offsets, data)[0].tolist()[:2] == [1, 99_999]
    assert look_up(table, [f"w{at}" for at in range(1, 100_000)] + ["x" * 32])[:-1] == [
        [at] for at in range(1, 100_000)
    ]


def test_words_that_differ_in_what_is_not_to_be_seen_are_two():
    table = WordNumbers()
    table.add([b"an", b"an\0"], [1, 2])
    assert look_up(table, ["an an\0 \0", "x" * 32])[0] == [1, 2, "\0"]


def test_the_minus_one_of_silent_words_comes_back():
    table = WordNumbers()
    table.add([b"-"], [-1])
    assert look_up(table, ["- -", "x" * 32])[0] == [-1, -1]
