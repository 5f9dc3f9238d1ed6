"""Names as a column: a fingerprint of the spelling that carries information.

Two names have the same fingerprint when they differ only in case, Unicode form, spaces and the place
of the tone mark. The fingerprint is a multilinear hash of the canonical letters with keys drawn anew
for every run (Lemire and Kaser, *Strongly universal string hashing is fast*, 2014): two different names
collide with probability 2**-63, and nobody can prepare a pair that does.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.normalise.kernels import Bytes, Offsets, kernel, text
from simcheck.normalise.letters import (
    APOSTROPHE,
    COMPOSE,
    FIRST_MARK,
    INVISIBLE,
    LETTER,
    SEPARATOR,
    SKIPPED,
    SPACES,
    TABLE_SIZE,
    TONE,
    TONE_MARK,
    UNKNOWN,
)

U64 = npt.NDArray[np.uint64]

# Characters beyond ASCII that say nothing; the last entry ends the search.
SILENT = np.array([*sorted({ord(c) for c in SPACES + INVISIBLE if not c.isascii()}), 1 << 32])
MAX_LETTERS = 96  # a longer name is compared letter by letter instead
_TONE_CODE = 240  # codes of the tones, beside those of letters and marks
_N = 14  # the code of the letter n: n and a combining tilde is the Spanish letter, no tone


class Fingerprints(NamedTuple):
    """`code[i]` is 0 where the name is empty or holds anything but plain letters; `marked[i]` says
    whether row `i` holds a character beyond ASCII."""

    code: U64
    marked: npt.NDArray[np.bool_]


def new_keys() -> U64:
    """Secret keys for one run, shape (2, MAX_LETTERS + 1)."""
    return np.frombuffer(secrets.token_bytes(16 * (MAX_LETTERS + 1)), np.uint64).reshape(2, -1)


def fingerprint(names: pa.StringArray | pa.ChunkedArray, keys: U64) -> Fingerprints:
    """The fingerprints of a column of names under `keys`."""
    offsets, data = text(names)
    code = np.zeros(len(offsets) - 1, np.uint64)
    marked = np.zeros(len(offsets) - 1, np.bool_)
    _fingerprint(offsets, data, keys, LETTER, TONE, COMPOSE, code, marked)
    return Fingerprints(code, marked)


def blank(column: pa.StringArray | pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Which values hold no letter and no digit: null, empty, spaces, invisible characters, punctuation."""
    offsets, data = text(column)
    out = np.ones(len(offsets) - 1, np.bool_)
    _blank(offsets, data, SILENT, out)
    return out


@kernel
def _blank(offsets: Offsets, data: Bytes, silent: npt.NDArray[np.int64], out: npt.NDArray[np.bool_]) -> None:
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        while at < end and out[row]:
            point, width = code_point(data, at)
            at += width
            if point < 0x80:
                letter = 0x41 <= (point & ~0x20) <= 0x5A
                out[row] = not (letter or 0x30 <= point <= 0x39 or point == 0x3F)
            else:
                out[row] = silent[np.searchsorted(silent, point)] == point


@kernel
def code_point(data: Bytes, at: int) -> tuple[np.int64, int]:
    """The code point that begins at byte `at` of valid UTF-8, and how many bytes it takes."""
    first = np.int64(data[at])
    if first < 0x80:
        return first, 1
    if first < 0xE0:
        return (first & 0x1F) << 6 | (np.int64(data[at + 1]) & 0x3F), 2
    if first < 0xF0:
        return (
            (first & 0x0F) << 12 | (np.int64(data[at + 1]) & 0x3F) << 6 | (np.int64(data[at + 2]) & 0x3F),
            3,
        )
    return np.int64(TABLE_SIZE), 4


@kernel
def _fingerprint(
    offsets: Offsets,
    data: Bytes,
    keys: U64,
    letter: Bytes,
    tones: Bytes,
    compose: Bytes,
    code: U64,
    marked: npt.NDArray[np.bool_],
) -> None:
    high = np.uint64(0xFFFFFFFF00000000)
    half = np.uint64(32)
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        one, two = keys[0, MAX_LETTERS], keys[1, MAX_LETTERS]
        used = 0
        pending = np.int64(0)  # the letter read last, not yet counted: a combining mark may still change it
        tone = np.int64(0)
        plain = True
        while at < end and plain:
            point = np.int64(data[at])
            width = 1
            if point >= 0x80:
                marked[row] = True
                point, width = code_point(data, at)
            at += width
            kind = np.int64(letter[point] if point < TABLE_SIZE else UNKNOWN)
            if kind < FIRST_MARK:
                if used + 3 >= MAX_LETTERS:
                    plain = False
                if pending:
                    one += keys[0, used] * np.uint64(pending)
                    two += keys[1, used] * np.uint64(pending)
                    used += 1
                pending = kind
                its_tone = np.int64(tones[point])
                if its_tone:
                    plain = plain and tone == 0
                    tone = its_tone
            elif kind == SEPARATOR:
                if pending and pending != APOSTROPHE:  # H' Maryam is H'Maryam
                    if used + 3 >= MAX_LETTERS:
                        plain = False
                    one += keys[0, used] * np.uint64(pending)
                    two += keys[1, used] * np.uint64(pending)
                    used += 1
                    one += keys[0, used] * np.uint64(_TONE_CODE + tone)
                    two += keys[1, used] * np.uint64(_TONE_CODE + tone)
                    used += 1
                    pending = np.int64(0)
                    tone = np.int64(0)
            elif kind == TONE_MARK:
                plain = pending != 0 and tone == 0 and not (pending == _N and tones[point] == 4)
                tone = np.int64(tones[point])
            elif kind == UNKNOWN:
                plain = False
            elif kind == SKIPPED:
                continue
            else:
                composed = np.int64(compose[pending, kind - FIRST_MARK] if pending else 0)
                plain = composed != 0
                pending = composed
        if pending:
            one += keys[0, used] * np.uint64(pending)
            two += keys[1, used] * np.uint64(pending)
            used += 1
            one += keys[0, used] * np.uint64(_TONE_CODE + tone)
            two += keys[1, used] * np.uint64(_TONE_CODE + tone)
            used += 1
        if plain and used:
            mixed = (one & high) | (two >> half)
            code[row] = mixed if mixed else np.uint64(1)
