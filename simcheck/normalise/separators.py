"""Where a name's words begin and end: spaces of all kinds, punctuation, and what is not to be seen.

What looks like a space or like nothing may be a letter of a dead encoding (0xA0 and 0xAD in VISCII, 0xAD in
TCVN3). So a value that holds such a character, and no letter that proves it to be Unicode, is looked at as a
whole before anything is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simcheck.normalise.encodings import LEGACY, utf8_misread
from simcheck.normalise.kernels import Bytes, Offsets, Text, column, kernel, text
from simcheck.normalise.letters import APOSTROPHES, INVISIBLE, LETTER, SPACES, TABLE_SIZE, UNKNOWN
from simcheck.normalise.misread import put_right
from simcheck.normalise.names import code_point
from simcheck.normalise.syllables import canonical, is_syllable

I32 = npt.NDArray[np.int32]


def separated(names: pa.StringArray) -> tuple[Text, npt.NDArray[np.bool_]]:
    """Names as words with plain spaces between, and which of them were UTF-8 misread and have been mended."""
    tidy, odd = _tidied(names)
    encoded = np.zeros(len(names), np.bool_)
    if odd.any():
        values, encoded[odd] = _untangled(names.filter(pa.array(odd)))
        tidy = text(pc.replace_with_mask(column(tidy), pa.array(odd), column(_tidied(values)[0])))
    return tidy, encoded


def _untangled(values: pa.StringArray) -> tuple[pa.StringArray, npt.NDArray[np.bool_]]:
    """`_untangle` for a column: in one go where a value is misread UTF-8 and nothing else."""
    right, misread = put_right(values, _ORDINARY)
    if misread.all():
        return right, misread
    left = ~misread
    distinct = values.filter(pa.array(left)).dictionary_encode()
    untangled = [_untangle(value) for value in distinct.dictionary.to_pylist()]
    others = pa.array([value for value, _ in untangled], pa.string()).take(distinct.indices)
    misread[left] = np.array([was for _, was in untangled], np.bool_)[distinct.indices.to_numpy()]
    return pc.replace_with_mask(right, pa.array(left), others), misread


def _tidied(names: pa.StringArray) -> tuple[Text, npt.NDArray[np.bool_]]:
    """Names with plain separators; and which must be read as a whole first (`_untangle`)."""
    offsets, data = text(names)
    odd = np.zeros(len(names), np.bool_)
    ends = np.zeros(len(names) + 1, np.int32)
    out = np.empty(2 * (int(offsets[-1]) - int(offsets[0])), np.uint8)
    used = _tidy(offsets, data, LETTER, KINDS, odd, ends, out)
    return text(column(Text(ends, out[:used]))), odd


# What is not to be seen. Below 0x100 it may be a letter of a dead encoding, so there it stays in the word,
# and only the word's form is without it.
HIDDEN = re.compile(f"[{INVISIBLE}\x00-\x08\x0e-\x1f\x7f-\x9f]")
_SURELY_HIDDEN = re.compile(f"[{INVISIBLE.replace(chr(0xAD), '')}]")
_SPACE = re.compile(f"[{SPACES.replace(chr(0xA0), '')}]")
_MAYBE_SPACE = re.compile("[\x85\xa0]")  # each also a letter of VISCII


def _untangle(value: str) -> tuple[str, bool]:
    """A value with odd characters: misread UTF-8 put right, else with plain spaces and nothing hidden that
    can be no letter of a dead encoding."""
    read = utf8_misread(value)
    if read is not None and not read.isascii():
        return HIDDEN.sub("", _MAYBE_SPACE.sub(" ", _SPACE.sub(" ", read))), True
    value = _SURELY_HIDDEN.sub("", _SPACE.sub(" ", value))
    if not _MAYBE_SPACE.search(value):
        return value, False
    spaced = _MAYBE_SPACE.sub(" ", value)
    torn = [word for word in value.split(" ") if _MAYBE_SPACE.search(word)]
    letters = [decode(word) for decode in LEGACY for word in torn]
    if _syllables_in(letters) and _syllables_in(spaced.split()) < len(spaced.split()):
        return value, False
    return spaced, False


def _syllables_in(words: Iterable[str | None]) -> int:
    return sum(word is not None and is_syllable(canonical(word)) for word in words)


_PLAIN, _BLANK, _UNSEEN, _STOP, _QUOTE = range(5)


def _kinds() -> Bytes:
    """What a character is to a name, by code point up to U+FFFF."""
    kinds = np.zeros(0x10000, np.uint8)
    for characters, kind in ((SPACES + "-_,;/\x85", _BLANK), (APOSTROPHES, _QUOTE), (".", _STOP)):
        kinds[[ord(character) for character in characters]] = kind
    hidden = HIDDEN.findall("".join(map(chr, range(0x10000))))
    kinds[[ord(character) for character in hidden if character not in SPACES + "\x85"]] = _UNSEEN
    return kinds


KINDS = _kinds()


def _ordinary() -> npt.NDArray[np.bool_]:
    """Characters, by code point up to U+FFFF, that mean the same whatever encoding a value was in."""
    ordinary: npt.NDArray[np.bool_] = (KINDS == _PLAIN) | (KINDS == _STOP) | (KINDS == _QUOTE)
    ordinary[[ord(character) for character in " -_,;/"]] = True
    ordinary[:0x20] = ordinary[0x7F:0xA1] = False
    return ordinary


_ORDINARY = _ordinary()


@kernel
def _proper(point: np.int64) -> bool:
    """Whether a character stands in no dead encoding, so that all of its value is Unicode as it should be."""
    code = int(point)
    return 0x1EA0 <= code <= 0x1EF9 or code in (0x102, 0x103, 0x110, 0x111, 0x1A0, 0x1A1, 0x1AF, 0x1B0)


@kernel
def _is_odd(offset: int, end: int, data: Bytes, letter: Bytes) -> bool:
    """Whether a value holds what may be a letter of a dead encoding although it looks like nothing, or
    what UTF-8 looks like when it is misread."""
    odd = 0
    before = 0
    at = offset
    while at < end:
        code, width = code_point(data, at)
        point = int(code)
        at += width
        if _proper(code):
            return False
        if point < 0x20 or 0x7F <= point <= 0xA0 or point == 0xAD:
            odd += 1
        elif 0xA1 <= point <= 0xBF:
            # a lead byte of misread UTF-8 stands before these; alone they are letters of TCVN3
            odd += int(0xC3 <= before <= 0xC6 or before == 0xE1)
        elif point >= TABLE_SIZE or (point >= 0x152 and int(letter[point]) == UNKNOWN):
            odd += 1
        before = point
    return bool(odd > 0)


@kernel
def _tidy(
    offsets: Offsets,
    data: Bytes,
    letter: Bytes,
    kinds: Bytes,
    odd: npt.NDArray[np.bool_],
    ends: I32,
    out: Bytes,
) -> int:
    """Copy names: separators become spaces, a space follows a full stop, none an apostrophe (H' Maryam)."""
    used = 0
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        odd[row] = _is_odd(at, end, data, letter)
        after = _PLAIN
        while at < end:
            point, width = code_point(data, at)
            kind = kinds[point] if point < len(kinds) and not (odd[row] and 0x7F <= point < 0x100) else _PLAIN
            if kind == _BLANK:
                if after != _QUOTE:
                    out[used] = 0x20
                    used += 1
            elif kind != _UNSEEN:
                if after == _STOP and kind != _STOP:
                    out[used] = 0x20
                    used += 1
                for k in range(width):
                    out[used] = data[at + k]
                    used += 1
            if kind != _UNSEEN and not (kind == _BLANK and after == _QUOTE):
                after = kind
            at += width
        ends[row + 1] = used
    return used
