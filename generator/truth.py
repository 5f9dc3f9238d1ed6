"""The right answer for every row: verdict and reasons, from what was done to it and from what the register
holds.

It follows the public contract, section 2. `optional` reasons are those of which it is open whether they
apply: naming them is neither right nor wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generator import corrupt_dates, encodings, text
from generator.chance import Flags, Ints
from generator.corrupt_dates import Dates
from generator.errors import GRAVITY, NONE, PARTS, kinds, number
from generator.people import ACTIVE, DAY, DECEASED, REVOKED
from generator.rows import Block
from simcheck.reasons import Reason

_VARIANT, _MISMATCH, _UNVERIFIABLE, _REJECTED = range(1, len(GRAVITY))
_FLAGS = sum(
    reason.mask
    for reason in (
        Reason.ID_STRUCTURE_CONFLICT, Reason.SIM_LIMIT_PER_CARRIER, Reason.SIM_LIMIT_TOTAL,
        Reason.FACE_NOT_VERIFIED, Reason.HOLDER_UNDERAGE,
    )
)  # fmt: skip
# What a reader may say of the holder although the row itself cannot be used.
_OF_HOLDER = (
    Reason.HOLDER_DECEASED.mask
    | Reason.ID_REVOKED.mask
    | Reason.DOB_PARTIAL.mask
    | Reason.DOB_IMPOSSIBLE.mask
)
_NOT_FOUND = Reason.ID_NOT_FOUND.mask | Reason.ID_LIKELY_TYPO.mask | Reason.ID_MALFORMED.mask
PER_CARRIER, IN_ALL = 3, 10  # more than three at one carrier, ten and more in all (DOMAIN 2)
INFANT, MINOR = 6, 15  # Decree 174/2026/NĐ-CP, Art. 34


@dataclass
class Truth:
    """One entry a row. `reasons` and `optional` are masks of `Reason`; `gravity` indexes `errors.GRAVITY`."""

    reasons: Ints
    optional: Ints
    gravity: Ints
    strict: Flags
    citizen: Ints  # the row of the register that the ID leads to, counted from 1; 0 for none


def truth(block: Block) -> Truth:
    """The right answers for a block."""
    rows, size = block.rows, len(block.index)
    masks, zeros = np.zeros((2, size), np.int64), np.zeros((2, size), np.int64)
    out = Truth(masks[0], masks[1], zeros[0], np.ones(size, np.bool_), zeros[1])
    for part in PARTS:
        _of_kinds(out, rows.shown[part])
    out.strict &= ~rows.doubtful
    known = _resolved(block)
    out.citizen = np.where(known, block.citizens.start + rows.holder + 1, 0)
    _holder(out, block, known)
    _dates(out, block, known)
    _hints(out, block)
    _zeros(out, block)
    _narrow(out, block)
    _structure(out, block)
    if not block.country.having("face_verified_at").all():
        lacks = ~block.country.having("face_verified_at")[rows.carrier]
        out.reasons[lacks] &= ~Reason.FACE_NOT_VERIFIED.mask
    _limits(out, block, known)
    unread = out.gravity >= _UNVERIFIABLE
    out.optional |= np.where(unread, _FLAGS | _OF_HOLDER, 0)
    out.reasons &= ~np.where(unread, _FLAGS, 0)
    out.optional &= ~out.reasons
    return out


def _of_kinds(out: Truth, shown: Ints) -> None:
    table = kinds()
    out.reasons |= np.array([kind.reasons for kind in table] + [0])[shown]
    out.optional |= np.array([kind.optional for kind in table] + [0])[shown]
    out.gravity = np.maximum(out.gravity, np.array([kind.gravity for kind in table] + [0])[shown])
    out.strict &= np.array([kind.strict for kind in table] + [True])[shown]


def _resolved(block: Block) -> Flags:
    """Rows that lead to a citizen of the register."""
    rows = block.rows
    abroad = rows.gravity("record") >= _UNVERIFIABLE
    unread = (rows.gravity("row") >= _REJECTED) | (rows.gravity("msisdn") >= _REJECTED)
    return (rows.gravity("id") < _MISMATCH) & ~abroad & ~unread


def _add(out: Truth, where: Flags, reason: Reason, gravity: int) -> None:
    out.reasons[where] |= reason.mask
    out.gravity[where] = np.maximum(out.gravity[where], gravity)


def _holder(out: Truth, block: Block, known: Flags) -> None:
    holder = block.rows.holder
    status, age = block.citizens.status[holder], block.age[holder]
    _add(out, known & (status == DECEASED), Reason.HOLDER_DECEASED, _MISMATCH)
    _add(out, known & (status == REVOKED), Reason.ID_REVOKED, _MISMATCH)
    _add(out, known & (age < MINOR), Reason.HOLDER_UNDERAGE, 0)
    _add(out, known & (age < INFANT), Reason.HOLDER_UNDERAGE, _MISMATCH)


def _dates(out: Truth, block: Block, known: Flags) -> None:
    """What the register's own partial and impossible dates add, and the dates of other people."""
    rows, c = block.rows, block.citizens
    silent = (rows.shown["dob"] == number("dob.missing")) | (rows.shown["dob"] == number("dob.malformed"))
    partial, ghost = c.known[rows.holder] != DAY, ~c.possible[rows.holder]
    own = known & (rows.named == rows.holder) & (rows.shown["record"] == NONE) & ~silent
    _add(out, own & partial, Reason.DOB_PARTIAL, _VARIANT)
    _add(out, own & ghost, Reason.DOB_IMPOSSIBLE, _VARIANT)
    out.strict &= ~(own & rows.same_precision)  # both know the same part: is that partial, or simply equal
    similar = rows.shown["record"] == number("record.similar")
    others = np.flatnonzero(known & ~silent & (similar | (rows.named != rows.holder)))
    held = Dates(c.year[rows.holder[others]], c.month[rows.holder[others]], c.day[rows.holder[others]])
    apart = corrupt_dates.difference(rows.said_date.take(others), held, c.known[rows.holder[others]])
    out.reasons[others] |= apart
    impossible = np.where(ghost[others] | ~c.possible[rows.named[others]], Reason.DOB_IMPOSSIBLE.mask, 0)
    vague = np.where(c.known[rows.named[others]] != DAY, Reason.DOB_PARTIAL.mask, 0)
    out.optional[others] |= impossible | vague | np.where(apart > 0, _ANY_DATE, 0)


def _hints(out: Truth, block: Block) -> None:
    """Whether a hint at the right ID is due where that holder is no plain living adult is open."""
    rows, c = block.rows, block.citizens
    plain = (c.status == ACTIVE) & (c.known == DAY) & c.possible & (block.age >= MINOR)
    hinted = (out.reasons & Reason.ID_LIKELY_TYPO.mask > 0) & ~plain[rows.holder]
    out.reasons &= ~np.where(hinted, Reason.ID_LIKELY_TYPO.mask, 0)
    out.optional |= np.where(hinted, Reason.ID_LIKELY_TYPO.mask, 0)


_ANY_DATE = Reason.DOB_TYPO.mask | Reason.DOB_DIFFERENT.mask | Reason.DOB_DAY_MONTH_SWAPPED.mask


def _zeros(out: Truth, block: Block) -> None:
    """Carriers that store ID numbers as numbers lose the zeros before them, right or wrong numbers alike."""
    loses = np.array([carrier.loses_zeros for carrier in block.country.carriers])[block.rows.carrier]
    if not loses.any():
        return
    cell = block.declared["id_number"]
    zero = pc.match_substring_regex(cell, "^0[0-9]+$").fill_null(False).to_numpy(zero_copy_only=False)
    hit = loses & zero
    found = (block.rows.gravity("id") < _MISMATCH) & hit & (out.gravity < _UNVERIFIABLE)
    _add(out, found, Reason.ID_FORMAT_REPAIRED, _VARIANT)
    # A wrong number that lost its zero may be beyond repair: whether it is malformed or unknown is open.
    open_ = hit & ~found
    out.optional |= np.where(open_, Reason.ID_FORMAT_REPAIRED.mask | _NOT_FOUND, 0)
    out.reasons &= ~np.where(open_, _NOT_FOUND, 0)


def _narrow(out: Truth, block: Block) -> None:
    """Names with letters that the file's encoding lacks (the Highlands' own, for one): a question mark for
    each.
    """
    rows = block.rows
    narrow = np.array([carrier.narrow for carrier in block.country.carriers])[rows.carrier]
    if not narrow.any():
        return
    composed = pc.utf8_normalize(block.declared["full_name"], "NFC")
    outside = pc.match_substring_regex(composed, f"[^\\x00-\\x7f\u00a0{encodings.LETTERS}]").fill_null(False)
    hit = narrow & outside.to_numpy(zero_copy_only=False)
    alone = (
        hit & (rows.gravity("name") == 0) & (rows.gravity("id") < _MISMATCH) & (out.gravity < _UNVERIFIABLE)
    )
    alone &= rows.shown["record"] == NONE
    _add(out, alone, Reason.NAME_ENCODING, _VARIANT)
    out.optional[hit & ~alone] |= Reason.NAME_ENCODING.mask
    out.strict &= ~(hit & ~alone & (out.gravity < _UNVERIFIABLE))


def _structure(out: Truth, block: Block) -> None:
    """Does the ID's century, sex or year disagree with the row's own birth date or sex (a flag)."""
    rows, country = block.rows, block.country
    held = block.citizens.id_number[rows.holder]
    digits = np.where(rows.said_id >= 0, rows.said_id, held)
    code, year = digits // 10**8 % 10, digits // 10**6 % 100
    man = np.where(country.having("gender")[rows.carrier], rows.said_man, -1)
    wrong_year = (rows.said_date.year > 0) & (rows.said_date.year != 1900 + code // 2 * 100 + year)
    conflict = wrong_year | ((man >= 0) & (man != 1 - code % 2))
    sure = (rows.said_id == held) & (rows.gravity("id") < _MISMATCH)
    out.reasons[conflict & sure] |= Reason.ID_STRUCTURE_CONFLICT.mask
    out.optional[conflict & ~sure] |= Reason.ID_STRUCTURE_CONFLICT.mask


def _limits(out: Truth, block: Block, known: Flags) -> None:
    """Too many numbers of one person. A number counts for sure where the row is verified or a variant."""
    rows = block.rows
    good = known & (out.gravity <= _VARIANT)
    for reason, group, least in (
        (
            Reason.SIM_LIMIT_PER_CARRIER,
            rows.holder * len(block.country.carriers) + rows.carrier,
            PER_CARRIER + 1,
        ),
        (Reason.SIM_LIMIT_TOTAL, rows.holder, IN_ALL),
    ):
        many = np.flatnonzero(
            known & (np.bincount(group[known], minlength=int(group.max(initial=0)) + 1)[group] >= least)
        )
        most = _count(group[many], rows.number[many], np.ones(len(many), np.bool_))
        surely = _count(group[many], rows.number[many], good[many])
        out.reasons[many[surely >= least]] |= reason.mask
        out.optional[many[(most >= least) & (surely < least)]] |= reason.mask


def _count(group: Ints, numbers: Ints, which: Flags) -> Ints:
    """How many different numbers the flagged rows of each row's group have."""
    each = np.unique(group[which] * 10**9 + numbers[which]) // 10**9
    return np.searchsorted(each, group, side="right") - np.searchsorted(each, group, side="left")


def table(block: Block, answers: Truth) -> pa.RecordBatch:
    """The answers as columns of `truth.parquet`, without the carrier, the file and the row's number."""
    names = pa.array([kind.name for kind in kinds()])
    shown = np.stack([block.rows.shown[part] for part in PARTS], axis=1)
    offsets = np.zeros(len(shown) + 1, np.int32)
    np.cumsum((shown != NONE).sum(axis=1), out=offsets[1:])
    return pa.RecordBatch.from_pydict(
        {
            "citizen": pa.array(answers.citizen, mask=answers.citizen == 0),
            "kinds": pa.ListArray.from_arrays(pa.array(offsets), names.take(pa.array(shown[shown != NONE]))),
            "verdict": text.chosen([verdict.value for verdict in GRAVITY], answers.gravity),
            "reasons": _named(answers.reasons),
            "optional": _named(answers.optional),
            "strict": pa.array(answers.strict),
        }
    )


def _named(masks: Ints) -> pa.Array:
    """Masks as lists of codes, in the order of `Reason`."""
    used = [reason for reason in Reason if np.bitwise_or.reduce(masks, initial=0) & reason.mask]
    bits = np.zeros((len(masks), len(used)), np.bool_)
    for place, reason in enumerate(used):
        bits[:, place] = masks & reason.mask
    return text.lists(pa.array([reason.name for reason in used], pa.string()), bits)
