"""A second look at rows whose ID number nobody bears: an older number, or one slip of the hand?

Old 9-digit numbers and cancelled 12-digit ones lead to their bearer through the register; several
citizens may once have borne the same old number, so each is compared and the one that agrees best is
taken. Where nobody is found, a citizen one digit away with the same name and birth date is the likely
meaning: a slip leaves one half of the number whole, so candidates share a half and the birth date.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.crosscheck.compare import Measure, of_holder, word_by_word
from simcheck.crosscheck.findings import Findings, Pending
from simcheck.crosscheck.members import Members, passes
from simcheck.matching import birth_dates
from simcheck.matching.birth_dates import one_digit_slip
from simcheck.matching.rules import VERDICTS
from simcheck.normalise.citizen_ids import CMND_BASE, UNPROVEN
from simcheck.normalise.kernels import kernel
from simcheck.normalise.names import U64, fingerprint
from simcheck.parallel import ordered
from simcheck.reasons import Reason, Verdict
from simcheck.register.snapshot import Citizens, Former

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

PAIRS_AT_ONCE = 1 << 16
_HALF = 10**6
_HEAD, _TAIL, _MIDDLE = 1, 2, 3  # which part of the number a block keeps
_VARIANT = VERDICTS.index(Verdict.VARIANT)
_NOT_FOUND = np.uint64(Reason.ID_NOT_FOUND.mask)
_SUPERSEDED = np.uint64(Reason.ID_SUPERSEDED.mask)
_REPAIRED = np.uint64(Reason.ID_FORMAT_REPAIRED.mask)
_CONFLICT = np.uint64(Reason.ID_STRUCTURE_CONFLICT.mask)
_MALFORMED = np.uint64(Reason.ID_MALFORMED.mask)
_LIKELY_TYPO = np.uint64(Reason.ID_LIKELY_TYPO.mask)


class Candidates(NamedTuple):
    """Citizens that may be meant: `wanted` is the place, among the members looked for, of the number or block
    that led to each."""

    wanted: I32
    id_number: I64
    born: npt.NDArray[np.int32]
    status: npt.NDArray[np.uint8]
    name: pa.StringArray


class Kin(NamedTuple):
    """Whom each block leads to: those of block `i` (by its place among the members) are the pending rows
    `row[first[i] : first[i + 1]]`, whose numbers are `key`."""

    first: I64
    row: I64
    key: I64


class Pairs(NamedTuple):
    """Pending row `row[i]` against candidate `citizen[i]`, with the reasons and the name score."""

    row: I64
    citizen: I64
    reasons: U64
    score: npt.NDArray[np.float32]


def look_again(
    findings: list[Findings],
    pending: list[Pending],
    register: Iterable[tuple[Citizens, Former]],
    measure: Measure,
    threads: int,
) -> None:
    """Give every pending row its reasons, and its person where an older number led to one."""
    rows = _together(pending)
    if not len(rows.key):
        return
    blocks, block_row = _blocks(rows)
    old, near = Members(rows.key), Members(blocks)
    kin = Kin(np.append(np.searchsorted(blocks, near.values), len(blocks)), block_row, rows.key)
    by_old: list[Candidates] = []
    by_block: list[Candidates] = []
    for one, other in ordered(lambda part: _scan(*part, old, near, kin), register, threads):
        by_old.append(one)
        by_block.append(other)
    bearers = _joined(by_old)
    order = np.argsort(rows.key, kind="stable")
    pairs = _compare(rows, bearers, *_expand(bearers, old, rows.key[order], order), measure, threads)
    best = _best(bearers, pairs, measure)
    reasons = np.full(len(rows.key), _NOT_FOUND)
    score = np.full(len(rows.key), np.nan, np.float32)
    person = np.zeros(len(rows.key), np.int64)
    at = pairs.row[best]
    reasons[at] = pairs.reasons[best] | _SUPERSEDED
    score[at] = pairs.score[best]
    person[at] = bearers.id_number[pairs.citizen[best]]
    likely = _joined(by_block)
    pairs_near = _expand(likely, near, blocks, block_row)
    reasons[_likely_typos(rows, person, likely, *pairs_near, measure, threads)] |= _LIKELY_TYPO
    _put_back(findings, rows, reasons, score, person)


def _together(pending: list[Pending]) -> Pending:
    """All pending rows in the order of their batches."""
    if not pending:
        none = np.zeros(0, np.int32)
        return Pending(
            none, none, none.astype(np.int64), pa.array([], pa.string()), none, none, none.astype(np.uint64)
        )
    batch = np.concatenate([each.batch for each in pending])
    order = np.argsort(batch, kind="stable")
    return Pending(
        batch[order],
        np.concatenate([each.at for each in pending])[order],
        np.concatenate([each.key for each in pending])[order],
        pa.concat_arrays([each.name for each in pending]).take(pa.array(order)),
        np.concatenate([each.born for each in pending])[order],
        np.concatenate([each.other_born for each in pending])[order],
        np.concatenate([each.born_flags for each in pending])[order],
    )


def _blocks(rows: Pending) -> tuple[I64, I64]:
    """The blocks of each pending 12-digit number with a whole birth date, and the row of each, sorted by
    block."""
    blocks, row = np.empty(3 * len(rows.key), np.int64), np.empty(3 * len(rows.key), np.int64)
    found = _own_blocks(rows.key, rows.born, blocks, row)
    order = np.argsort(blocks[:found], kind="stable")
    return blocks[order], row[order]


@kernel
def _own_blocks(keys: I64, births: I32, blocks: I64, rows: I64) -> np.int64:
    found = np.int64(0)
    for row in range(len(keys)):
        key, born = keys[row], births[row]
        if born % 100 > 0 and born // 100 % 100 > 0 and key < CMND_BASE:
            middle = key // 10**5 % 100  # the two digits on either side of the cut
            swapped = key + (middle % 10 * 10 + middle // 10 - middle) * 10**5
            blocks[found] = _block(_HEAD, key // _HALF, born)
            blocks[found + 1] = _block(_TAIL, key % _HALF, born)
            blocks[found + 2] = _block(_MIDDLE, swapped, 0)
            rows[found : found + 3] = row
            found += 3
    return found


@kernel
def _block(kind: int, part: int, born: int) -> np.int64:
    """What a number shares with those one slip away: a half and the birth date, or all but the cut."""
    return np.int64(kind) * 10**15 + (part if kind == _MIDDLE else part * 10**8 + born)


def _scan(
    part: Citizens, former: Former, old: Members, near: Members, kin: Kin
) -> tuple[Candidates, Candidates]:
    """The citizens of one part of the register that any pending row may mean: by an older number, and by a
    number that is one slip away from its own."""
    at, wanted = np.empty(2 * len(part.born), np.int64), np.empty(2 * len(part.born), np.int64)
    found = _older(former.old_id, former.previous_id, *old.sieve, at, wanted)
    at, place = at[:found], old.places(wanted[:found])
    by_old = _pick(part, at[place >= 0], place[place >= 0])
    at, wanted = np.empty(3 * len(part.born), np.int64), np.empty(3 * len(part.born), np.int64)
    found = _nearby(part.id_number, part.born, *near.sieve, at, wanted)
    at, place = at[:found], near.places(wanted[:found])
    slips = np.empty(found, np.bool_)
    _meant(part.id_number[at], place, *kin, slips)
    return by_old, _pick(part, at[slips], place[slips])


@kernel
def _older(old_id: I64, previous_id: I64, bits: int, bitmap: U64, at: I64, wanted: I64) -> np.int64:
    """Citizens whose former numbers may be pending: their places, and the numbers; how many there are."""
    found = np.int64(0)
    for row in range(len(old_id)):
        if old_id[row] > 0:
            at[found], wanted[found] = row, old_id[row] + CMND_BASE
            found += passes(wanted[found], bits, bitmap)
        if previous_id[row] > 0:
            at[found], wanted[found] = row, previous_id[row]
            found += passes(wanted[found], bits, bitmap)
    return found


@kernel
def _nearby(ids: I64, births: I32, bits: int, bitmap: U64, at: I64, wanted: I64) -> np.int64:
    """The same for citizens who share a block with a pending row."""
    found = np.int64(0)
    for row in range(len(ids)):
        number, born = ids[row], births[row]
        at[found], wanted[found] = row, _block(_HEAD, number // _HALF, born)
        found += passes(wanted[found], bits, bitmap)
        at[found], wanted[found] = row, _block(_TAIL, number % _HALF, born)
        found += passes(wanted[found], bits, bitmap)
        at[found], wanted[found] = row, _block(_MIDDLE, number, 0)
        found += passes(wanted[found], bits, bitmap)
    return found


@kernel
def _meant(ids: I64, place: I32, first: I64, row: I64, keys: I64, out: npt.NDArray[np.bool_]) -> None:
    """Whether a row of each citizen's block (`place`; -1: of none) is one slip away."""
    for at in range(len(ids)):
        block = place[at]
        out[at] = False
        if block >= 0:
            for other in row[first[block] : first[block + 1]]:
                if one_digit_slip(keys[other], ids[at]):
                    out[at] = True
                    break


def _pick(part: Citizens, at: I64, wanted: I32) -> Candidates:
    return Candidates(
        wanted, part.id_number[at], part.born[at], part.status[at], part.full_name.take(pa.array(at))
    )


def _joined(parts: list[Candidates]) -> Candidates:
    if not parts:
        none = np.zeros(0, np.int64)
        few = none.astype(np.int32)
        return Candidates(few, none, few, none.astype(np.uint8), pa.array([], pa.string()))
    return Candidates(
        np.concatenate([part.wanted for part in parts]),
        np.concatenate([part.id_number for part in parts]),
        np.concatenate([part.born for part in parts]),
        np.concatenate([part.status for part in parts]),
        pa.concat_arrays([part.name for part in parts]),
    )


def _expand(candidates: Candidates, members: Members, keys: I64, row_of_key: I64) -> tuple[I64, I64]:
    """All pairs (row, candidate) of the same number or block; `keys` ascending, `members` those of them."""
    starts = np.searchsorted(keys, members.values)
    first, last = starts[candidates.wanted], np.append(starts, len(keys))[candidates.wanted + 1]
    count = last - first
    citizen = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(citizen)) - np.repeat(np.cumsum(count) - count, count)
    return row_of_key[np.repeat(first, count) + nth], citizen


def _best(candidates: Candidates, pairs: Pairs, measure: Measure) -> I64:
    """Of each row's pairs the one that agrees best; ties go to the lowest ID number."""
    gravity = measure.rules.verdicts(pairs.reasons)
    order = np.lexsort((candidates.id_number[pairs.citizen], -pairs.score, gravity, pairs.row))
    first = np.ones(len(order), np.bool_)
    first[1:] = pairs.row[order][1:] != pairs.row[order][:-1]
    return order[first]


def _compare(
    rows: Pending, candidates: Candidates, row: I64, citizen: I64, measure: Measure, threads: int
) -> Pairs:
    """Compare pairs, on all threads."""

    def compare(part: slice) -> tuple[U64, npt.NDArray[np.float32]]:
        ours = rows.name.take(pa.array(row[part]))
        theirs = candidates.name.take(pa.array(citizen[part]))
        code = fingerprint(ours, measure.keys).code
        differ = np.flatnonzero((code == 0) | (code != fingerprint(theirs, measure.keys).code))
        reasons = np.zeros(len(code), np.uint64)
        score = np.ones(len(code), np.float32)
        if len(differ):
            outcome = word_by_word(ours.take(pa.array(differ)), theirs.take(pa.array(differ)), measure)
            reasons[differ], score[differ] = outcome.reasons, outcome.score
        return reasons, score

    parts = [slice(first, first + PAIRS_AT_ONCE) for first in range(0, len(row), PAIRS_AT_ONCE)]
    compared = list(ordered(compare, parts, threads))
    reasons = np.concatenate([np.zeros(0, np.uint64), *(each for each, _ in compared)])
    score = np.concatenate([np.zeros(0, np.float32), *(each for _, each in compared)])
    born = candidates.born[citizen]
    reasons |= birth_dates.compare(rows.born[row], rows.other_born[row], rows.born_flags[row], born)
    reasons |= of_holder(candidates.status[citizen], born, measure)
    return Pairs(row, citizen, reasons, score)


def _likely_typos(
    rows: Pending,
    person: I64,
    candidates: Candidates,
    row: I64,
    citizen: I64,
    measure: Measure,
    threads: int,
) -> I64:
    """The rows that a citizen one slip away would explain, among pairs that share a block."""
    near = person[row] == 0
    _slips(rows.key[row], candidates.id_number[citizen], near)
    pairs = _compare(rows, candidates, row[near], citizen[near], measure, threads)
    agrees = measure.rules.verdicts(pairs.reasons) <= _VARIANT
    return np.unique(pairs.row[agrees])


@kernel
def _slips(ours: I64, theirs: I64, near: npt.NDArray[np.bool_]) -> None:
    for at in range(len(ours)):
        near[at] = near[at] and one_digit_slip(ours[at], theirs[at])


def _put_back(
    findings: list[Findings], rows: Pending, reasons: U64, score: npt.NDArray[np.float32], person: I64
) -> None:
    starts = np.searchsorted(rows.batch, np.arange(len(findings) + 1))
    for number, batch in enumerate(findings):
        part = slice(starts[number], starts[number + 1])
        at = rows.at[part]
        born_flags = rows.born_flags[part]
        found = person[part] > 0
        _refute(batch, at[reasons[part] == _NOT_FOUND])
        batch.reasons[at[found]] &= ~born_flags[found]  # told again, where still true, by the comparison
        malformed = batch.reasons[at] & _MALFORMED != 0
        batch.reasons[at[~malformed]] |= reasons[part][~malformed]
        batch.score[at] = score[part]
        batch.bearer_at, batch.bearer = at[found], person[part][found]


def _refute(batch: Findings, at: npt.NDArray[np.int32]) -> None:
    """Zeros that were put back without proof, and lead to nobody: the number was malformed."""
    unproven = at[batch.reasons[at] & UNPROVEN != 0]
    batch.reasons[unproven] &= ~(UNPROVEN | _REPAIRED | _CONFLICT)
    batch.reasons[unproven] |= _MALFORMED
    batch.key[unproven] = 0
