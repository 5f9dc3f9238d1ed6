from __future__ import annotations

import pytest

from simcheck.desks.case import differing
from simcheck.desks.frame.pages import WORDS
from simcheck.messages.words import Language
from simcheck.review.difference import pieces
from simcheck.review.records import Row


def row(declared: str, registered: str) -> Row:
    return Row("full_name", declared, declared, registered, tuple(pieces(declared, registered)))


@pytest.mark.parametrize(
    ("declared", "registered", "said"),
    [
        ("Trần An", "Trần An", "The same"),
        ("TRẦN AN", "Trần An", "The same"),
        ("Tran An", "Trần An", "another mark at letter 3 (a / ầ)"),
        ("Trần Anh", "Trần An", "too much from place 8 (h)"),
        ("Trần An", "Trần Anh", "missing after place 7 (h)"),
        ("rần An", "Trần An", "missing at the start (T)"),
        ("TrầnAn", "Trần An", "missing after place 4 (␣)"),
        ("Trần Bn", "Trần An", "other letters from place 6 (B / A)"),
        ("aaa", "áaá", "another mark at letter 1 (a / á); another mark at letter 3 (a / á)"),
        ("ma ma ma ma", "mb mc md me",
         "other letters from place 2 (a / b); other letters from place 5 (a / c); "
         "other letters from place 8 (a / d); and 1 more places"),
        ("Phạm Quốc Khánh", "Lê Thị Bình", "Altogether different"),
        ("Trần An", "", "Nothing to compare with"),
        ("", "Trần An", "Not declared"),
    ],
)  # fmt: skip
def test_where_two_spellings_differ(declared, registered, said):
    found = row(declared, registered)
    compared = differing.compared(found, WORDS[Language.EN])
    assert compared.said == said
    assert compared.is_same is (said == "The same")
    assert differing.compared(found, WORDS[Language.VI]).said
