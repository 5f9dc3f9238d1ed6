"""Where two spellings differ, in words: for whoever does not see the marks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from simcheck.review.difference import Kind, letters
from simcheck.review.records import Row
from simcheck.web.words import Words

MOST_PLACES = 3


class Compared(NamedTuple):
    """A row of both records, and how its sides differ: in words; whether they say the same; whether they have
    so little in common that single letters tell nothing."""

    row: Row
    said: str
    is_same: bool
    is_another: bool


def compared(row: Row, say: Words) -> Compared:
    """Both sides of a row compared for the page."""
    is_another = _is_another(row)
    return Compared(row, _said(row, say, is_another), _is_same(row), is_another)


def _said(row: Row, say: Words, is_another: bool) -> str:
    """The difference of a row: which letter of the declared side, and how. Masked ones are told as dots."""
    if not row.registered:
        return say("case.differs.nothing")
    if not row.declared:
        return say("case.differs.not_declared")
    if is_another:
        return say("case.differs.another")
    places = list(_places(row, say))
    if not places:
        return say("case.differs.same")
    shown = "; ".join(places[:MOST_PLACES])
    rest = len(places) - MOST_PLACES
    return say("case.differs.more", shown=shown, n=rest) if rest > 0 else shown


def _is_same(row: Row) -> bool:
    return bool(row.registered) and all(each.kind is Kind.SAME for each in row.pieces)


def _is_another(row: Row) -> bool:
    """Less than half of the letters are the same."""
    if not row.declared or not row.registered:
        return False
    alike = sum(_count(each.declared) for each in row.pieces if each.kind in {Kind.SAME, Kind.MARK})
    return 2 * alike < max(_count(row.declared), _count(row.registered))


def _count(text: str) -> int:
    """The letters of a text, without what stands between words and parts of a date."""
    return sum(each not in " -/" for each in letters(text))


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
