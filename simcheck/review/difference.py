"""Two spellings of a value side by side, letter by letter. A mark that is there or not is a difference of its
own.

A letter is a grapheme: what a reader takes for one, whatever code points write it. Capitals are no
difference.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

MOST = 200  # letters of a value that are compared; what is longer is compared as a whole
_ZERO_WIDTH_JOINER = "\u200d"
_STROKES = str.maketrans("đĐ", "dD")
_LETTER, _MARK = 4, 1  # what it costs to take one for another; half of the first to leave one out


class Kind(StrEnum):
    """How a piece of the two differs: not; in marks alone (a and á, d and đ); in its letters; it stands in
    the first alone; in the second alone.
    """

    SAME = "same"
    MARK = "mark"
    LETTER = "letter"
    EXTRA = "extra"
    MISSING = "missing"


class Piece(NamedTuple):
    """Letters of both sides that stand beside each other; one side may be empty."""

    kind: Kind
    declared: str
    registered: str


def letters(text: str) -> list[str]:
    """The graphemes of a text, in NFC."""
    if text.isascii():
        return list(text)
    found: list[str] = []
    for each in unicodedata.normalize("NFC", text):
        joins = bool(found) and found[-1].endswith(_ZERO_WIDTH_JOINER)
        if found and (joins or each == _ZERO_WIDTH_JOINER or unicodedata.category(each)[0] == "M"):
            found[-1] += each
        else:
            found.append(each)
    return found


def pieces(declared: str, registered: str) -> list[Piece]:
    """The two texts cut where they differ: joined again, each side is what it was (in NFC).

    Of all ways to lay them beside each other it is one with the fewest differences, where a mark counts less
    than a letter.
    """
    ours, theirs = letters(declared), letters(registered)
    if max(len(ours), len(theirs)) > MOST:
        whole = (_compared("".join(side)) for side in (ours, theirs))
        return [Piece(_kind(*whole), "".join(ours), "".join(theirs))]
    merged: list[Piece] = []
    for each in _laid(ours, theirs):
        if merged and merged[-1].kind is each.kind and each.kind is not Kind.MARK:
            last = merged[-1]
            merged[-1] = Piece(each.kind, last.declared + each.declared, last.registered + each.registered)
        else:
            merged.append(each)
    return merged


def hidden(found: Sequence[Piece], shows: Callable[[str, int, int], bool]) -> list[Piece]:
    """The pieces with their letters as dots, but for spaces, hyphens and slashes and those that `shows` (the
    side as a text, a letter's place in it, how many letters it has) lets be seen: where they differ is told,
    not how.
    """
    sides = ("".join(each.declared for each in found), "".join(each.registered for each in found))
    counts = [len(letters(side)) for side in sides]
    places, out = [0, 0], []
    for each in found:
        said = []
        for side, part in enumerate((each.declared, each.registered)):
            shown = ""
            for letter in letters(part):
                keep = letter in " -/" or shows(sides[side], places[side], counts[side])
                shown += letter if keep else "•"
                places[side] += 1
            said.append(shown)
        out.append(Piece(each.kind, *said))
    return out


class _Letter(NamedTuple):
    """A letter and what it is compared by: without case, and without marks too."""

    text: str
    folded: str
    bare: str


def _compared(text: str) -> _Letter:
    apart = unicodedata.normalize("NFD", text.translate(_STROKES))
    bare = "".join(each for each in apart if unicodedata.category(each)[0] != "M").casefold()
    return _Letter(text, text.casefold(), bare)


_letter = lru_cache(4096)(_compared)  # a language has few


def _kind(ours: _Letter, theirs: _Letter) -> Kind:
    if ours.folded == theirs.folded:
        return Kind.SAME
    return Kind.MARK if ours.bare == theirs.bare else Kind.LETTER


def _laid(ours: list[str], theirs: list[str]) -> list[Piece]:
    """One pair of letters a piece, by the least costs (Levenshtein's way)."""
    left, right = [_letter(each) for each in ours], [_letter(each) for each in theirs]
    end: list[Piece] = []
    while left and right and left[-1].folded == right[-1].folded:  # the same at the end costs nothing
        end.append(Piece(Kind.SAME, left.pop().text, right.pop().text))
    return _least(left, right) + end[::-1]


def _least(ours: list[_Letter], theirs: list[_Letter]) -> list[Piece]:
    cost = {Kind.SAME: 0, Kind.MARK: _MARK, Kind.LETTER: _LETTER}
    gap = _LETTER // 2 + 1
    kinds = [[_kind(our, their) for their in theirs] for our in ours]
    table = [[column * gap for column in range(len(theirs) + 1)]]
    for row, kinds_of in enumerate(kinds, 1):
        above, here = table[-1], [row * gap]
        for column, kind in enumerate(kinds_of, 1):
            here.append(min(above[column - 1] + cost[kind], above[column] + gap, here[column - 1] + gap))
        table.append(here)
    laid: list[Piece] = []
    row, column = len(ours), len(theirs)
    while row or column:
        both = kinds[row - 1][column - 1] if row and column else None
        if both is not None and table[row][column] == table[row - 1][column - 1] + cost[both]:
            row, column = row - 1, column - 1
            laid.append(Piece(both, ours[row].text, theirs[column].text))
        elif row and table[row][column] == table[row - 1][column] + gap:
            row -= 1
            laid.append(Piece(Kind.EXTRA, ours[row].text, ""))
        else:
            column -= 1
            laid.append(Piece(Kind.MISSING, "", theirs[column].text))
    return laid[::-1]
