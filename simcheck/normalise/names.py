"""Names as a column: a fingerprint of the spelling that carries information.

Two names have the same fingerprint when they differ only in case, Unicode form, spaces and the place
of the tone mark. It is a multilinear hash under keys drawn anew for every run (Lemire and Kaser, *Strongly
universal string hashing is fast*, 2014): letters make a word's code, words' codes make the name's. Two
different names collide with probability 2**-38, and nobody can prepare a pair that does.

A country writes its names with some ten thousand words, so the words met last are kept with their codes.
"""

from __future__ import annotations

import secrets
import threading
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.normalise.kernels import EIGHT, Bytes, Offsets, kernel, text
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
from simcheck.normalise.tokens import BEYOND_ASCII, TOO_LONG, place_of, word_bytes

U64 = npt.NDArray[np.uint64]

# Characters beyond ASCII that say nothing; the last entry ends the search.
SILENT = np.array([*sorted({ord(c) for c in SPACES + INVISIBLE if not c.isascii()}), 1 << 32])
MAX_LETTERS = 64  # of a word, and
MAX_WORDS = 32  # of a name; what is longer is compared letter by letter instead
CODE_BITS = 38
_TONE_CODE = 240  # codes of the tones, beside those of letters and marks
_N = 14  # the code of the letter n: n and a combining tilde is the Spanish letter, no tone
_KEPT_BITS = 14  # so many words at hand, as a power of two


_at_hand = threading.local()


class Fingerprints(NamedTuple):
    """`code[i]`, of CODE_BITS bits, is 0 where the name is empty or holds anything but plain letters;
    `marked[i]` says whether row `i` holds a character beyond ASCII."""

    code: U64
    marked: npt.NDArray[np.bool_]


class Letters(NamedTuple):
    """What a code point is to a name (`normalise.letters`), and the run's keys for a word's letters."""

    kind: Bytes
    tone: Bytes
    compose: Bytes
    keys: U64


def new_keys() -> U64:
    """Secret keys for one run: MAX_LETTERS + 2 for letters, then 4 for each of MAX_WORDS words."""
    return np.frombuffer(secrets.token_bytes(EIGHT * (MAX_LETTERS + 2 + 4 * MAX_WORDS)), np.uint64)


def fingerprint(names: pa.StringArray | pa.ChunkedArray, keys: U64) -> Fingerprints:
    """The fingerprints of a column of names under `keys`."""
    offsets, data = text(names)
    code = np.zeros(len(offsets) - 1, np.uint64)
    marked = np.zeros(len(offsets) - 1, np.bool_)
    letters = Letters(LETTER, TONE, COMPOSE, keys[: MAX_LETTERS + 2])
    word_keys = keys[MAX_LETTERS + 2 :].reshape(MAX_WORDS, 4)
    _fingerprint(offsets, data, letters, word_keys, _kept(keys), code, marked)
    return Fingerprints(code, marked)


def _kept(keys: U64) -> U64:
    """The words that this thread has met under `keys`: two numbers of bytes (`tokens`) and the code, each."""
    if getattr(_at_hand, "keys", None) is not keys:
        _at_hand.keys, _at_hand.words = keys, np.zeros((1 << _KEPT_BITS, 3), np.uint64)
    words: U64 = _at_hand.words
    return words


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
    letters: Letters,
    keys: U64,
    kept: U64,
    code: U64,
    marked: npt.NDArray[np.bool_],
) -> None:
    for row in range(len(offsets) - 1):
        start, end = int(offsets[row]), int(offsets[row + 1])
        one, two, beyond = np.uint64(0), np.uint64(0), np.uint64(0)
        words = 0
        at = start
        while at < end:
            if at + 2 * EIGHT > len(data) or words == MAX_WORDS:
                break
            first, second, size = word_bytes(data, at, end)
            if size == 0:
                at += 1
                continue
            beyond |= first | second
            slot = place_of(first, second, _KEPT_BITS)
            is_kept = kept[slot, 0] == first and kept[slot, 1] == second
            if not (is_kept or _keep(data, at, size, first, second, letters, kept)):
                break
            one, two = _add_word(one, two, kept[slot, 2], keys, words)
            words += 1
            at += size + 1  # what ends a word is a space or the end
        marked[row] = beyond & np.uint64(BEYOND_ASCII) != 0
        if at < end:  # a break: the name is more than plain words
            one, two, words = _letter_by_letter(data, start, end, letters, keys)
            marked[row] = _beyond_ascii(data, start, end)
        if words:
            mixed = (one >> np.uint64(45)) << np.uint64(19) | two >> np.uint64(45)
            code[row] = mixed if mixed else np.uint64(1)


@kernel
def _keep(
    data: Bytes, at: int, size: int, first: np.uint64, second: np.uint64, letters: Letters, kept: U64
) -> bool:
    """Work out a word's code and keep it; false where the name must be read letter by letter."""
    if size == TOO_LONG:
        return False
    spelled, after, whole = _spell(data, at, at + size, letters)
    if not whole or after < at + size:
        return False
    slot = place_of(first, second, _KEPT_BITS)
    kept[slot, 0], kept[slot, 1], kept[slot, 2] = first, second, spelled
    return True


@kernel
def _add_word(
    one: np.uint64, two: np.uint64, spelled: np.uint64, keys: U64, word: int
) -> tuple[np.uint64, np.uint64]:
    low, high = spelled & np.uint64(0xFFFFFFF), spelled >> np.uint64(28)
    one += keys[word, 0] * low + keys[word, 1] * high
    return one, two + keys[word, 2] * low + keys[word, 3] * high


@kernel
def _letter_by_letter(
    data: Bytes, at: int, end: int, letters: Letters, keys: U64
) -> tuple[np.uint64, np.uint64, int]:
    """The two sums and the number of words of a name that has more than plain words; 0 words if no code."""
    one, two = np.uint64(0), np.uint64(0)
    words = 0
    while at < end:
        spelled, at, _ = _spell(data, at, end, letters)
        if spelled == 0:
            return one, two, 0
        if spelled == 1:
            continue
        if words == MAX_WORDS:
            return one, two, 0
        one, two = _add_word(one, two, spelled, keys, words)
        words += 1
    return one, two, words


@kernel
def _beyond_ascii(data: Bytes, at: int, end: int) -> bool:
    found = False
    for place in range(at, end):
        found |= data[place] >= 0x80
    return found


@kernel
def _spell(data: Bytes, at: int, end: int, letters: Letters) -> tuple[np.uint64, int, bool]:
    """The code of one word (56 bits; 1 for a word without letters, 0 where a character is no plain letter),
    where it ends, and whether it does not end in an apostrophe, which joins what follows: H' Maryam."""
    kinds, tones, compose, keys = letters
    total = keys[MAX_LETTERS]
    used = 0
    pending = np.int64(0)  # the letter read last, not yet counted: a combining mark may still change it
    tone = np.int64(0)
    while at < end:
        point, width = code_point(data, at)
        at += width
        kind = np.int64(kinds[point] if point < TABLE_SIZE else UNKNOWN)
        if kind < FIRST_MARK:
            if pending:
                total += keys[used] * np.uint64(pending)
                used += 1
            pending = kind
            its_tone = np.int64(tones[point])
            if used == MAX_LETTERS or (its_tone and tone):
                return np.uint64(0), at, False
            tone = max(tone, its_tone)
        elif kind == SEPARATOR:
            if pending and pending != APOSTROPHE:
                break
        elif kind == TONE_MARK:
            if not pending or tone or (pending == _N and tones[point] == 4):
                return np.uint64(0), at, False
            tone = np.int64(tones[point])
        elif kind == UNKNOWN:
            return np.uint64(0), at, False
        elif kind != SKIPPED:
            pending = np.int64(compose[pending, kind - FIRST_MARK] if pending else 0)
            if not pending:
                return np.uint64(0), at, False
    if not pending:
        return np.uint64(1), at, False
    total += keys[used] * np.uint64(pending)
    total += keys[MAX_LETTERS + 1] * np.uint64(_TONE_CODE + tone)
    return max(total >> np.uint64(8), np.uint64(2)), at, pending != APOSTROPHE
