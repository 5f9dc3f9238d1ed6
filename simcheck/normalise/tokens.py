"""Words as bytes: up to fifteen of them fit two numbers, and a table over these gives a word its number.

A country's names hold some ten thousand words, so a word is nearly always one that was met before, and to
know it again costs one look at a small table.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simcheck.normalise.kernels import EIGHT, Bytes, Offsets, eight_bytes, kernel

I32 = npt.NDArray[np.int32]
U64 = npt.NDArray[np.uint64]

SPACE = 0x20
BEYOND_ASCII = 0x8080808080808080  # the bits that some byte of eight has when it is not ASCII
UNMET = -2  # the number of a word that the table does not know
TOO_LONG = 2 * EIGHT  # the size of a word of more bytes than two numbers hold beside its size
_SPACES, _ONES = 0x2020202020202020, 0x0101010101010101
_LEAST_BITS = 14


class WordNumbers:
    """Numbers of words of at most fifteen bytes. What a reader holds never changes: adding makes a new
    table."""

    def __init__(self) -> None:
        self._used = 0
        self._bits = _LEAST_BITS
        self._slots = np.zeros((1 << _LEAST_BITS, 3), np.uint64)

    def look_up(self, offsets: Offsets, data: Bytes) -> tuple[I32, I32, npt.NDArray[np.int64]]:
        """The words of `n` texts, which plain spaces part: their numbers (or UNMET), where each text's begin
        (n + 1), and for every UNMET word its place among the words, first byte and end, shape (u, 3)."""
        most = (int(offsets[-1]) - int(offsets[0])) // 2 + len(offsets)
        word = np.empty(most, np.int32)
        starts = np.empty(len(offsets), np.int32)
        unmet = np.empty((most, 3), np.int64)
        used, missing = _look_up(offsets, data, self._slots, self._bits, word, starts, unmet)
        return word[:used], starts, unmet[:missing]

    def add(self, words: list[bytes], numbers: list[int]) -> None:
        """Add words that are not in the table; longer ones than it holds are left out."""
        short = [(word, number) for word, number in zip(words, numbers, strict=True) if len(word) < 2 * EIGHT]
        if not short:
            return
        self._used += len(short)
        bits = max(self._bits, (2 * self._used).bit_length())
        slots = np.zeros((1 << bits, 3), np.uint64)
        if bits == self._bits:
            slots[:] = self._slots
        else:
            old = self._slots[self._slots[:, 0] != 0]
            _insert(slots, bits, old)
        padded = b"".join(word.ljust(2 * EIGHT - 1, b"\0") + bytes([len(word)]) for word, _ in short)
        new = np.empty((len(short), 3), np.uint64)
        new[:, :2] = np.frombuffer(padded, "<u8").reshape(-1, 2)
        new[:, 2] = np.array([number for _, number in short], np.int64).view(np.uint64)
        _insert(slots, bits, new)
        self._slots, self._bits = slots, bits


@kernel
def word_bytes(data: Bytes, at: int, end: int) -> tuple[np.uint64, np.uint64, int]:
    """The word that begins at `at`, up to a space or `end`: its bytes as two numbers (the last byte is its
    size), and its size, 0 where there is a space; TOO_LONG where it has more than fifteen. Sixteen bytes
    from `at` on must be there to be read.

    Nothing here branches: where a word ends is what a processor cannot foresee.
    """
    left = end - at
    first, size = _before_space(eight_bytes(data, at), left)
    second, more = _before_space(eight_bytes(data, at + EIGHT), left - EIGHT)
    whole = size == EIGHT
    size += more if whole else 0
    second = second if whole else np.uint64(0)
    return first, second | np.uint64(size) << np.uint64(56), size


@kernel
def _before_space(word: np.uint64, most: int) -> tuple[np.uint64, int]:
    """The bytes of eight before the first space, at most so many, and how many they are."""
    spaces = word ^ np.uint64(_SPACES)
    # the high bit of the first space's byte (Mycroft's test for a zero byte), and that of the end
    found = (spaces - np.uint64(_ONES)) & ~spaces & np.uint64(BEYOND_ASCII)
    found |= np.uint64(0x80 if 0 <= most < EIGHT else 0) << np.uint64(8 * most & 63)
    below = ((found & (~found + np.uint64(1))) >> np.uint64(7)) - np.uint64(1)
    return word & below, int(np.int64((below & np.uint64(_ONES)) * np.uint64(_ONES) >> np.uint64(56)))


@kernel
def place_of(first: np.uint64, second: np.uint64, bits: int) -> np.int64:
    """A word's place in a table of `2**bits`."""
    mixed = (first ^ second * np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xD6E8FEB86659FD93)
    mixed = (mixed ^ mixed >> np.uint64(29)) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64(mixed >> np.uint64(64 - bits))


@kernel
def _insert(slots: U64, bits: int, entries: U64) -> None:
    for at in range(len(entries)):
        slot = place_of(entries[at, 0], entries[at, 1], bits)
        while slots[slot, 0] != 0:
            slot = (slot + 1) & ((1 << bits) - 1)
        for part in range(3):
            slots[slot, part] = entries[at, part]


@kernel
def _look_up(
    offsets: Offsets, data: Bytes, slots: U64, bits: int, word: I32, starts: I32, unmet: npt.NDArray[np.int64]
) -> tuple[int, int]:
    used = 0
    missing = 0
    for row in range(len(offsets) - 1):
        at, end = int(offsets[row]), int(offsets[row + 1])
        starts[row] = used
        while at < end:
            number, size = UNMET, TOO_LONG
            if at + 2 * EIGHT <= len(data):
                first, second, size = word_bytes(data, at, end)
                if size < TOO_LONG:
                    slot = place_of(first, second, bits)
                    while slots[slot, 0] != 0:
                        if slots[slot, 0] == first and slots[slot, 1] == second:
                            number = int(np.int64(slots[slot, 2]))
                            break
                        slot = (slot + 1) & ((1 << bits) - 1)
            elif data[at] == SPACE:
                size = 0
            if size == 0:
                at += 1
                continue
            if number == UNMET:
                after = at + 1
                while after < end and data[after] != SPACE:
                    after += 1
                unmet[missing, 0], unmet[missing, 1], unmet[missing, 2] = used, at, after
                missing += 1
                size = after - at
            word[used] = number
            used += 1
            at += size + 1  # what ends a word is a space or the end
    starts[len(offsets) - 1] = used
    return used, missing
