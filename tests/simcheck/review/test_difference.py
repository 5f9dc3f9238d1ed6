from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from simcheck.review.difference import Kind, Piece, hidden, letters, pieces
from tests.building import SYLLABLES

NAMES = st.lists(st.sampled_from(SYLLABLES), min_size=1, max_size=4).map(" ".join)
TEXTS = st.text(alphabet=st.sampled_from("aáàăắđdĐeêế oôơ-12\u0301\u0323Ab"), max_size=25) | NAMES


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


@given(TEXTS, TEXTS)
def test_each_side_is_what_it_was_and_each_piece_is_what_it_says(declared, registered):
    found = pieces(declared, registered)
    assert "".join(each.declared for each in found) == nfc(declared)
    assert "".join(each.registered for each in found) == nfc(registered)
    for each in found:
        assert (each.declared == "") == (each.kind is Kind.MISSING)
        assert (each.registered == "") == (each.kind is Kind.EXTRA)
        assert (each.kind is Kind.SAME) == (each.declared.casefold() == each.registered.casefold())
    assert all(each.kind is Kind.SAME for each in found) == (
        nfc(declared).casefold() == nfc(registered).casefold()
    )


@given(NAMES)
def test_marks_alone_are_differences_of_their_own(name):
    bare = "".join(
        each for each in unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
        if unicodedata.category(each) != "Mn"
    )  # fmt: skip
    assert {each.kind for each in pieces(bare, name)} <= {Kind.SAME, Kind.MARK}
    assert pieces(unicodedata.normalize("NFD", name), name) == [Piece(Kind.SAME, nfc(name), nfc(name))]


@given(TEXTS, TEXTS)
def test_what_is_hidden_tells_where_and_not_how(declared, registered):
    found = pieces(declared, registered)
    shown = hidden(found, lambda *_: False)
    assert [each.kind for each in shown] == [each.kind for each in found]
    assert set("".join(each.declared + each.registered for each in shown)) <= set(" -/•")
    assert len("".join(each.declared for each in shown)) == len(letters(declared))


def test_a_few_that_can_be_read():
    assert pieces("Nguyen Van An", "Nguyễn Văn Anh") == [
        Piece(Kind.SAME, "Nguy", "Nguy"), Piece(Kind.MARK, "e", "ễ"), Piece(Kind.SAME, "n V", "n V"),
        Piece(Kind.MARK, "a", "ă"), Piece(Kind.SAME, "n An", "n An"), Piece(Kind.MISSING, "", "h"),
    ]  # fmt: skip
    assert pieces("ĐỖ", "Đỗ") == [Piece(Kind.SAME, "ĐỖ", "Đỗ")]
    assert pieces("1990-05-25", "1990-05-26")[-1] == Piece(Kind.LETTER, "5", "6")
    assert [each.kind for each in pieces("x" * 300, "y")] == [Kind.LETTER]
