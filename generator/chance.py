"""Chance that repeats: the same seed gives the same country, whichever part of it is made first.

Every draw has its own stream, named by the seed, the block and the word that says what is drawn, so
that one more draw somewhere moves nothing else. Numbers that must be unique (IDs, phone numbers) are
not drawn at all: they are a keyed permutation of a running index (a Feistel network with cycle
walking), unique by construction, with no memory of what was given out.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
import numpy.typing as npt

from simcheck.normalise.kernels import kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_Words = npt.NDArray[np.uint64]


def stream(seed: int, block: int, name: str) -> np.random.Generator:
    """The random stream of one draw: a pure function of the seed, the block and the draw's name."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, block, crc32(name.encode())])))


def pick(uniform: Floats, weights: npt.ArrayLike) -> Ints:
    """The index of one weight for every uniform number in [0, 1), with a chance in proportion to it."""
    edges = np.cumsum(np.asarray(weights, np.float64))
    found = np.searchsorted(edges / edges[-1], uniform, side="right")
    which: Ints = np.minimum(found, len(edges) - 1).astype(np.int64)
    return which


def pick_by(group: Ints, uniform: Floats, weights: Floats) -> Ints:
    """`pick`, where row `group[i]` of the matrix `weights` holds the weights of draw i."""
    edges = np.cumsum(weights, axis=1)
    edges = edges / edges[:, -1:] + np.arange(len(weights))[:, None]
    found = np.searchsorted(edges.ravel(), uniform + group, side="right") - group * weights.shape[1]
    which: Ints = np.clip(found, 0, weights.shape[1] - 1)
    return which


def in_any(flags: Flags) -> Flags:
    """For each row of a matrix of flags: is one set."""
    return np.asarray(np.logical_or.reduce(flags, axis=1), np.bool_)


def rank_within(group: Ints) -> Ints:
    """How many earlier entries hold the same value: 0 for the first of each."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    first = np.r_[True, ordered[1:] != ordered[:-1]][: len(group)]
    starts = np.maximum.accumulate(np.where(first, np.arange(len(group)), 0))
    rank = np.empty(len(group), np.int64)
    rank[order] = np.arange(len(group)) - starts
    return rank


@kernel
def _mix(value: np.uint64) -> np.uint64:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@kernel
def _walk(values: _Words, keys: _Words, size: np.uint64, half: np.uint64, back: bool, out: _Words) -> None:
    mask = (np.uint64(1) << half) - np.uint64(1)
    for i in range(values.size):
        x = values[i]
        while True:
            left, right = x >> half, x & mask
            for step in range(4):
                if back:
                    key = _mix(keys[i] + np.uint64(3 - step))
                    left, right = right ^ (_mix(left + key) & mask), left
                else:
                    key = _mix(keys[i] + np.uint64(step))
                    left, right = right, left ^ (_mix(right + key) & mask)
            x = (left << half) | right
            if x < size:
                break
        out[i] = x


def shuffle(values: Ints, size: int, key: int | Ints, *, back: bool = False) -> Ints:
    """A keyed one-to-one map of [0, size) onto itself; `back=True` undoes it.

    `key` is one key for all, or one for each value. Values outside [0, size) are a ValueError.
    """
    if len(values) and (values.min() < 0 or values.max() >= size):
        raise ValueError("a value lies outside the set that is shuffled")
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    out = np.empty(len(values), np.uint64)
    keys = np.full(len(values), key, np.uint64) if isinstance(key, int) else key.astype(np.uint64)
    _walk(values.astype(np.uint64), keys, np.uint64(size), np.uint64(half), back, out)
    return out.astype(np.int64)
