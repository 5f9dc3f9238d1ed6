"""Tokens of whole columns (`privacy.Keyring.token`, HMAC-SHA-256), millions a second on one core.

Sixteen messages are hashed side by side: the loop over `LANES` becomes vector instructions. SHA-256 is FIPS
180-4, HMAC is FIPS 198-1; the names below are theirs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.normalise.kernels import Bytes, kernel, text
from simcheck.privacy import NUMBER, TEXT, TOKEN_BYTES, Keyring, token_prefix

I64 = npt.NDArray[np.int64]
U32 = npt.NDArray[np.uint32]

LANES = 16
BLOCK_BYTES = 64
_LENGTH_BYTES = 8  # at the end of the last block: the message's length in bits


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _root_bits(number: int, root: int) -> int:
    """The first 32 bits of the fractional part of a square or cube root."""
    if root == 2:
        return math.isqrt(number << 64) & 0xFFFFFFFF
    low, high = 0, 1 << 36
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**3 <= number << 96 else (low, middle)
    return low & 0xFFFFFFFF


INITIAL = np.array([_root_bits(prime, 2) for prime in _primes(8)], np.uint32)
ROUND = np.array([_root_bits(prime, 3) for prime in _primes(64)], np.uint32)


class _Key(NamedTuple):
    """The hash's state after the key's inner and outer block."""

    inner: U32
    outer: U32


class _Room(NamedTuple):
    """What the kernel works in: message words, states on their way, ready and being turned, blocks a lane."""

    words: U32
    state: U32
    done: U32
    turned: U32
    blocks: I64


def tokens_of_numbers(keyring: Keyring, kind: str, numbers: I64) -> pa.FixedSizeBinaryArray:
    """The token of each number (int64[n]) as 32 bytes; null for 0 and below, which name nobody."""
    data = numbers.astype(">i8").view(np.uint8)
    offsets = np.arange(0, 8 * len(numbers) + 1, 8, dtype=np.int64)
    return _tokens(keyring, token_prefix(kind, NUMBER), offsets, data, numbers > 0)


def tokens_of_text(keyring: Keyring, kind: str, column: pa.StringArray) -> pa.FixedSizeBinaryArray:
    """The token of each text; null for null and for the empty text."""
    offsets, data = text(column)
    return _tokens(
        keyring, token_prefix(kind, TEXT), offsets.astype(np.int64), data, offsets[1:] > offsets[:-1]
    )


def _tokens(
    keyring: Keyring, prefix: bytes, offsets: I64, data: Bytes, valid: npt.NDArray[np.bool_]
) -> pa.FixedSizeBinaryArray:
    out = np.empty((len(valid), TOKEN_BYTES), np.uint8)
    said = np.frombuffer(prefix, np.uint8).copy()
    _hmac(_key(keyring.index), ROUND, said, offsets, data.copy(), out, _room())
    bits = pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(pa.binary(TOKEN_BYTES), len(valid), [bits, pa.py_buffer(out)])


def _room() -> _Room:
    state, done, turned = np.zeros((3, 8, LANES), np.uint32)
    return _Room(np.zeros((64, LANES), np.uint32), state, done, turned, np.zeros(LANES, np.int64))


def _key(key: bytes) -> _Key:
    padded = np.frombuffer(key.ljust(BLOCK_BYTES, b"\0"), np.uint8)
    states = np.tile(INITIAL[:, None], LANES)
    words = np.zeros((64, LANES), np.uint32)
    for lane, pad in enumerate((0x36, 0x5C)):
        words[:16, lane] = (padded ^ np.uint8(pad)).view(">u4")
    _compress(states, words, ROUND, np.empty_like(states))
    return _Key(states[:, 0].copy(), states[:, 1].copy())


@kernel
def _right(word: np.uint32, by: int) -> np.uint32:
    """A word turned right by so many bits."""
    return np.uint32((word >> np.uint32(by)) | (word << np.uint32(32 - by)))


@kernel
def _compress(state: U32, words: U32, constants: U32, v: U32) -> None:
    """Take one block a lane into the state (uint32[8, LANES]); `words` uint32[64, LANES], the first 16 given.

    The eight working variables, in `v`, keep their places: round `t` calls them by other names instead.
    """
    for t in range(16, 64):
        for lane in range(LANES):
            early, late = words[t - 15, lane], words[t - 2, lane]
            s0 = _right(early, 7) ^ _right(early, 18) ^ (early >> np.uint32(3))
            s1 = _right(late, 17) ^ _right(late, 19) ^ (late >> np.uint32(10))
            words[t, lane] = words[t - 16, lane] + s0 + words[t - 7, lane] + s1
    for place in range(8):
        for lane in range(LANES):
            v[place, lane] = state[place, lane]
    for start in range(0, 64, 8):
        for turn in range(8):
            a, b, c, d = -turn & 7, (1 - turn) & 7, (2 - turn) & 7, (3 - turn) & 7
            e, f, g, h = (4 - turn) & 7, (5 - turn) & 7, (6 - turn) & 7, (7 - turn) & 7
            constant = constants[start + turn]
            for lane in range(LANES):
                s1 = _right(v[e, lane], 6) ^ _right(v[e, lane], 11) ^ _right(v[e, lane], 25)
                choice = (v[e, lane] & v[f, lane]) ^ (~v[e, lane] & v[g, lane])
                t1 = v[h, lane] + s1 + choice + constant + words[start + turn, lane]
                s0 = _right(v[a, lane], 2) ^ _right(v[a, lane], 13) ^ _right(v[a, lane], 22)
                majority = (v[a, lane] & v[b, lane]) ^ (v[a, lane] & v[c, lane]) ^ (v[b, lane] & v[c, lane])
                v[d, lane] += t1
                v[h, lane] = t1 + s0 + majority
    for place in range(8):
        for lane in range(LANES):
            state[place, lane] += v[place, lane]


@kernel
def _byte(prefix: Bytes, data: Bytes, start: int, size: int, at: int) -> np.uint32:
    """Byte `at` of a padded message: the prefix, the value, a one bit, zeros."""
    if at < len(prefix):
        return np.uint32(prefix[at])
    if at < size:
        return np.uint32(data[start + at - len(prefix)])
    return np.uint32(0x80 if at == size else 0)


@kernel
def _load(prefix: Bytes, data: Bytes, start: int, size: int, block: int, words: U32, lane: int) -> None:
    """One block of a padded message, as big-endian words, into its lane."""
    first = block * BLOCK_BYTES
    for word in range(16):
        at = first + 4 * word
        words[word, lane] = (
            _byte(prefix, data, start, size, at) << np.uint32(24)
            | _byte(prefix, data, start, size, at + 1) << np.uint32(16)
            | _byte(prefix, data, start, size, at + 2) << np.uint32(8)
            | _byte(prefix, data, start, size, at + 3)
        )
    if first + BLOCK_BYTES >= size + 1 + _LENGTH_BYTES:  # the last block; the key's block counts too
        words[15, lane] = np.uint32((BLOCK_BYTES + size) * 8)


@kernel
def _hmac(
    key: _Key, constants: U32, prefix: Bytes, offsets: I64, data: Bytes, out: Bytes, room: _Room
) -> None:
    words, state, done, v, blocks = room
    inner, outer = key
    rows = len(offsets) - 1
    for first in range(0, rows, LANES):
        used = min(LANES, rows - first)
        most = 0
        for lane in range(used):
            size = len(prefix) + offsets[first + lane + 1] - offsets[first + lane]
            blocks[lane] = (size + _LENGTH_BYTES) // BLOCK_BYTES + 1
            most = max(most, blocks[lane])
        for place in range(8):
            for lane in range(LANES):
                state[place, lane] = inner[place]
        for block in range(most):
            for lane in range(used):
                if block < blocks[lane]:
                    start = offsets[first + lane]
                    size = len(prefix) + offsets[first + lane + 1] - start
                    _load(prefix, data, start, size, block, words, lane)
            _compress(state, words, constants, v)
            for lane in range(used):
                if block == blocks[lane] - 1:
                    for place in range(8):
                        done[place, lane] = state[place, lane]
        for lane in range(LANES):
            for place in range(8):
                words[place, lane] = done[place, lane]
                words[8 + place, lane] = 0
                state[place, lane] = outer[place]
            words[8, lane] = np.uint32(0x80000000)
            words[15, lane] = np.uint32((BLOCK_BYTES + TOKEN_BYTES) * 8)
        _compress(state, words, constants, v)
        for lane in range(used):
            for place in range(8):
                for byte in range(4):
                    out[first + lane, 4 * place + byte] = state[place, lane] >> np.uint32(24 - 8 * byte)
