from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.normalise.names import MAX_LETTERS, fingerprint, new_keys
from simcheck.normalise.syllables import canonical
from tests.building import FAMILIES, GIVENS, MIDDLES, SYLLABLES, full_names

KEYS = new_keys()


def code(*names: str | None, keys=KEYS) -> list[int]:
    return [int(each) for each in fingerprint(pa.array(names, pa.string()), keys).code]


def forms(name: str) -> list[str]:
    return [canonical(word) for word in name.split()]


@given(full_names(), full_names())
def test_fingerprints_are_equal_exactly_when_canonical_words_are(one, other):
    first, second = code(one, other)
    assert first
    assert second
    assert (first == second) == (forms(one) == forms(other))


@given(
    full_names(),
    st.sampled_from(["NFC", "NFD"]),
    st.sampled_from([str.upper, str.lower, str.title]),
    st.lists(st.text(" \t", min_size=1, max_size=3), min_size=6, max_size=6),
)
def test_form_case_and_spaces_do_not_matter(name, form, case, spaces):
    written = spaces[5] + "".join(word + space for word, space in zip(name.split(), spaces[:5], strict=False))
    assert code(unicodedata.normalize(form, case(written))) == code(name)


@given(full_names(), st.data())
def test_any_order_of_combining_marks(name, data):
    """CP1258 and old programs leave ê and a tone, e with a tone and a circumflex, and every mixture."""
    marks = {"̂", "̆", "̛"}
    written = ""
    for each in name:
        base, *rest = unicodedata.normalize("NFD", each)
        shapes, tones = [m for m in rest if m in marks], [m for m in rest if m not in marks]
        if data.draw(st.booleans()):
            written += unicodedata.normalize("NFC", base + "".join(shapes)) + "".join(tones)
        else:
            written += base + "".join(shapes) + "".join(tones)
    assert code(written) == code(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Trần Hoà", "Trần Hòa"),
        ("Lê Qúy", "Lê Quý"),
        ("Ðặng An", "Đặng An"),
        ("Nguy\u00ea\u0303n An", "Nguyễn An"),
    ],
)
def test_spelling_that_carries_no_information(one, other):
    assert code(one) == code(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hùng", "Hưng"), ("An", "Anh"), ("Hoa", "Hoà"), ("Lý", "Lí"), ("Ho An", "Hoan"),
        ("An Bình", "Bình An"),
        ("Vũ An", "Võ An"), ("Dung", "Đung"), ("Ơ\u0306n", "Ơn"), ("Hòa An", "Hoa Àn"), ("An", "An An"),
    ],
)  # fmt: skip
def test_spelling_that_carries_information(one, other):
    first, second = code(one, other)
    assert first != second or first == 0  # 0: compared letter by letter instead


def test_two_people_never_share_a_fingerprint():
    """Every family, middle and given name: 21 * 20 * 54 names, each its own."""
    names = [f"{a} {b} {c}" for a in FAMILIES for b in MIDDLES for c in GIVENS]
    codes = fingerprint(pa.array(names), KEYS).code
    assert codes.all()
    assert len(np.unique(codes)) == len({tuple(forms(name)) for name in names}) == len(names)


@pytest.mark.parametrize(
    "name",
    ["Ng. An", "An?", "Nguy\ufffdn", "Nguyen 2", "", "   ", None, "中", "x" * 200],
)
def test_anything_but_plain_letters_has_no_fingerprint(name):
    assert code(name) == [0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("H'Maryam Niê", "h\u2019 maryam  niê"),
        ("An", "A\u200bn"),
        ("Lê Hà", "Lê\u00a0Hà"),
        ("Lê Hà", "\u2003Lê\u3000Hà"),
    ],
)
def test_what_says_nothing_is_not_in_the_fingerprint(one, other):
    assert code(one) == code(other) or code(other) == [0]  # beyond the tables a name has none


def test_an_apostrophe_says_something():
    assert code("H'Maryam") != code("HMaryam") != code("H Maryam")


def test_names_at_the_limit_of_length():
    """No two long names are taken for one: beyond the limit there is no fingerprint at all."""
    for length in range(MAX_LETTERS - 8, MAX_LETTERS + 8):
        one, other = code("a" * length, "a" * (length - 1) + "b")
        assert one != other or one == 0


def test_marked_says_whether_a_name_is_beyond_ascii():
    found = fingerprint(pa.array(["Tran An", "Trần An", None, "", "TRẦN", "Tr\ufffdn"]), KEYS)
    assert found.marked.tolist() == [False, True, False, False, True, True]


def test_codes_depend_on_the_keys_and_on_nothing_else():
    column = pa.array([f"{a} {b}" for a in SYLLABLES for b in SYLLABLES[:5]])
    whole = fingerprint(column, KEYS).code
    assert (fingerprint(column[7:90], KEYS).code == whole[7:90]).all()
    assert (fingerprint(pa.chunked_array([column[:50], column[50:]]), KEYS).code == whole).all()
    assert not (fingerprint(column, new_keys()).code == whole).any()


@given(st.lists(st.text(max_size=120), max_size=5))
def test_any_text_at_all(names):
    codes = code(*names)
    for name, each in zip(names, codes, strict=True):
        assert code(name) == [each]
        if each:
            assert code(unicodedata.normalize("NFC", name)) in ([each], [0])
