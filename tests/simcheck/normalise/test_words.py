from __future__ import annotations

import threading

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.normalise.words import (
    ABBREVIATION,
    BARE_FAMILY,
    BARE_VALID,
    EXACT,
    FAMILY,
    FLAGS,
    LOST,
    MARKED,
    PLAIN,
    VALID,
    Vocabulary,
)
from tests.building import SYLLABLES, bare, full_names


def words(names: list[str | None]) -> list[list[str]]:
    """Each name's words, as the vocabulary took them apart (in their forms)."""
    vocabulary = Vocabulary()
    split = vocabulary.split(pa.array(names, pa.string()))
    table = vocabulary.table()
    spelled = [
        "".join(map(chr, table.forms[table.form_at[word] : table.form_at[word + 1]])) for word in split.word
    ]
    return [spelled[split.starts[row] : split.starts[row + 1]] for row in range(len(names))]


@pytest.mark.parametrize(
    ("written", "like"),
    [
        ("  Nguyễn   Văn\tAn ", "Nguyễn Văn An"), ("Nguyễn\u00a0An", "Nguyễn An"), ("Ng.V.An", "Ng. V. An"),
        ("Nguyễn-Văn-An", "Nguyễn Văn An"), ("Nguyễn_Văn,An", "Nguyễn Văn An"), ("H’ Maryam", "H'Maryam"),
        ("An\u200b \ufeffBình", "An Bình"), ("A\u00adn", "An"), ("Nguyễn\u3000An", "Nguyễn An"),
        ("An\n", "An"),
    ],
)  # fmt: skip
def test_the_words_of_a_name(written, like):
    assert words([written]) == words([like])


@pytest.mark.parametrize("nothing", [None, "", " ", "\u00a0", "\u200b", "-", "_ ,"])
def test_names_without_a_word(nothing):
    assert words([nothing, "An"]) == [[], *words(["An"])]


def test_flags():
    vocabulary = Vocabulary()
    listed = "Nguyễn Nguyen Hoan Hoàn Namm Ng. V. Th Nguy?n An\ufffd Châu Lý".split()
    split = vocabulary.split(pa.array(listed))
    flags = vocabulary.table().facts[split.word, FLAGS]
    of = dict(zip(listed, (int(each) for each in flags), strict=True))
    assert {word for word, each in of.items() if each & MARKED} == {"Nguyễn", "Hoàn", "Châu", "Lý"}
    assert {word for word, each in of.items() if each & FAMILY} == {"Nguyễn", "Châu", "Lý"}
    assert {word for word, each in of.items() if each & BARE_FAMILY} == {"Nguyễn", "Nguyen", "Châu", "Lý"}
    assert {word for word, each in of.items() if each & LOST} == {"Nguy?n", "An\ufffd"}
    assert {word for word, each in of.items() if each & ABBREVIATION} == {"Ng.", "V.", "Th"}
    assert {"Nguyễn", "Hoan", "Hoàn", "Châu", "Lý"} <= {word for word, each in of.items() if each & VALID}
    assert not of["Namm"] & (VALID | BARE_VALID)
    assert of["Nguyen"] & BARE_VALID


@given(st.lists(st.one_of(st.none(), full_names(), st.text(max_size=20)), max_size=8))
def test_a_column_is_split_row_by_row(names):
    assert words(names) == [words([name])[0] for name in names]


def test_a_slice_of_a_column():
    names = pa.array(["Trần An", None, "Lê Văn Bình", "Võ Hà", ""])
    vocabulary = Vocabulary()
    whole, part = vocabulary.split(names), vocabulary.split(names[2:4])
    assert part.word.tolist() == whole.word[whole.starts[2] : whole.starts[4]].tolist()
    assert part.starts.tolist() == [0, 3, 5]


def test_words_get_one_number_from_any_number_of_threads():
    """Eight threads meet the same new words at once; each word is numbered once, whoever came first."""
    vocabulary = Vocabulary()
    column = pa.array([f"{word}{suffix}" for suffix in ("", "a", "x", "?") for word in SYLLABLES])
    start = threading.Barrier(8)
    seen: list[np.ndarray] = []

    def meet() -> None:
        start.wait()
        seen.append(vocabulary.split(column).word)

    threads = [threading.Thread(target=meet) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(seen) == 8
    assert all((each == seen[0]).all() for each in seen)
    assert len(vocabulary.table().facts) == len(set(column.to_pylist()))


def test_the_table_grows_and_old_numbers_stay():
    vocabulary = Vocabulary()
    first = vocabulary.split(pa.array(["Trần An"])).word
    before = vocabulary.table()
    vocabulary.split(pa.array(["Lê Bình"]))
    after = vocabulary.table()
    assert len(after.facts) == len(before.facts) + 2
    assert (after.facts[first] == before.facts[first]).all()
    assert (vocabulary.split(pa.array(["Trần An"])).word == first).all()


def test_forms_with_and_without_marks():
    vocabulary = Vocabulary()
    one, other = vocabulary.split(pa.array([f"Hoà {bare('Hoà')}"])).word
    facts = vocabulary.table().facts
    assert facts[one, EXACT] != facts[other, EXACT]
    assert facts[one, PLAIN] == facts[other, PLAIN] == facts[other, EXACT]


def test_case_makes_no_other_word_but_where_a_byte_may_be_another_letter():
    number = Vocabulary().split(pa.array(["Nguyễn nguyễn NGUYỄN", "An AN", "NguyÔn NGUYÔN", "Hòa HÒA"])).word
    assert number.tolist() == [0, 0, 0, 1, 1, 2, 3, 4, 5]
    lower_is_a_byte = "\u1e9e \u00df"  # capital and small sharp s, of which one is a byte of CP1252
    assert len(set(Vocabulary().split(pa.array([lower_is_a_byte])).word.tolist())) == 2
