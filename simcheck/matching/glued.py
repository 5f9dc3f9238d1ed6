"""Names that lost spaces and nothing else, told by their letters before they are made words.

A glued name (NguyễnVănAn) is a word that nobody else writes: to look at each in full would cost more than all
words that names share. What is told here is what `damage.same_but_spaced` would tell of its words.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.matching.damage import APART, SPACED, SPACED_BARE
from simcheck.normalise.kernels import Bytes, Text, kernel, text
from simcheck.normalise.letters import ALPHABET, APOSTROPHE, LETTER, TABLE_SIZE, TONE
from simcheck.normalise.names import code_point
from simcheck.normalise.syllables import LONGEST_SYLLABLE, bare

_SPACE = 0x20
_TONES = 6  # none and five
_MOST_TONES = 24  # as many as one number tells in their order


class _Alphabet(NamedTuple):
    """Each code point's letter and tone (`normalise.letters`), and each letter's without its shape."""

    letter: Bytes
    tone: Bytes
    bare: Bytes


_LETTERS = _Alphabet(
    LETTER, TONE, np.array([0, *(1 + ALPHABET.index(bare(each)) for each in ALPHABET)], np.uint8)
)


def glued(declared: pa.StringArray, registered: pa.StringArray) -> npt.NDArray[np.uint8]:
    """Of each of n pairs SPACED or SPACED_BARE where the declared name surely is the registered one with
    fewer spaces (and, if bare, without its marks); APART where its words must be looked at (uint8[n])."""
    out = np.full(len(declared), APART, np.uint8)
    _glued(text(declared), text(registered), _LETTERS, out)
    return out


@kernel
def _glued(declared: Text, registered: Text, letters: _Alphabet, out: Bytes) -> None:
    (our_at, ours), (their_at, theirs) = declared, registered
    for row in range(len(out)):
        out[row] = _pair(
            ours, int(our_at[row]), int(our_at[row + 1]), theirs, int(their_at[row]), int(their_at[row + 1]),
            letters,
        )  # fmt: skip


@kernel
def _pair(
    ours: Bytes, o: int, o_end: int, theirs: Bytes, t: int, t_end: int, letters: _Alphabet
) -> int:  # fmt: skip
    """A word counts as glued where it is longer than any syllable and than any word of the registered name:
    then it can be neither a word as it stands nor one of those."""
    our_words, our_longest = _words(ours, o, o_end)
    their_words, their_longest = _words(theirs, t, t_end)
    if our_words >= their_words or our_longest <= max(LONGEST_SYLLABLE, their_longest):
        return APART
    same, marked, tones = True, False, 0
    our_order, their_order = np.int64(0), np.int64(0)
    while True:
        point, o = _next(ours, o, o_end)
        other, t = _next(theirs, t, t_end)
        if point < 0 or other < 0:
            break
        letter, registered = _letter(point, letters), _letter(other, letters)
        if letter == 0 or registered == 0 or letters.bare[letter] != letters.bare[registered]:
            return APART
        our_tone, their_tone = letters.tone[point], letters.tone[other]
        same &= letter == registered
        marked |= letter != letters.bare[letter] or our_tone > 0
        if our_tone:
            our_order = our_order * _TONES + our_tone
        if their_tone:
            their_order = their_order * _TONES + their_tone
        tones += our_tone > 0 or their_tone > 0
    if point >= 0 or other >= 0 or tones > _MOST_TONES:
        return APART
    if same and our_order == their_order:
        return SPACED
    return APART if marked else SPACED_BARE


@kernel
def _words(data: Bytes, start: int, end: int) -> tuple[int, int]:
    """How many words a name has, and how many characters the longest of them."""
    words, longest, characters = 0, 0, 0
    for place in range(start, end):
        if data[place] == _SPACE:
            characters = 0
        elif data[place] & 0xC0 != 0x80:  # where a character begins
            words += characters == 0
            characters += 1
            longest = max(longest, characters)
    return words, longest


@kernel
def _next(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """The next code point that is no space (-1: there is none), and where it ends."""
    while at < end and data[at] == _SPACE:
        at += 1
    if at >= end:
        return -1, at
    point, width = code_point(data, at)
    return int(point), at + width


@kernel
def _letter(point: int, letters: _Alphabet) -> int:
    """The code of a plain letter, 0 for any other character."""
    code = int(letters.letter[point]) if point < TABLE_SIZE else 0
    return code if 0 < code < APOSTROPHE else 0
