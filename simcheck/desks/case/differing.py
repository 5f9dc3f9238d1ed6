"""Where two spellings differ, in words: for whoever does not see the marks."""

from __future__ import annotations

from collections.abc import Iterator

from simcheck.review.difference import Kind, letters
from simcheck.review.records import Row
from simcheck.web.words import Words

MOST_PLACES = 3


def said(row: Row, say: Words) -> str:
    """The difference of a row: which letter of the declared side, and how. Masked ones are told as dots."""
    if not row.registered:
        return say("case.differs.nothing")
    if not row.declared:
        return say("case.differs.not_declared")
    places = list(_places(row, say))
    if not places:
        return say("case.differs.same")
    shown = "; ".join(places[:MOST_PLACES])
    rest = len(places) - MOST_PLACES
    return say("case.differs.more", shown=shown, n=rest) if rest > 0 else shown


def is_same(row: Row) -> bool:
    """Whether both sides say the same."""
    return bool(row.registered) and all(each.kind is Kind.SAME for each in row.pieces)


def _places(row: Row, say: Words) -> Iterator[str]:
    at = 0
    for piece in row.pieces:
        here, count = at + 1, len(letters(piece.declared))
        at += count
        if piece.kind is Kind.SAME:
            continue
        key = "missing_first" if piece.kind is Kind.MISSING and here == 1 else piece.kind.value
        yield say(
            f"case.differs.{key}", at=here if count else here - 1, declared=piece.declared.strip() or "␣",
            registered=piece.registered.strip() or "␣",
        )  # fmt: skip
