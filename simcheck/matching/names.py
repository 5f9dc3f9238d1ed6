"""Two names, word by word: is information lost, or is it contradicted?

A name that lost something (marks, letters, spaces, the order of its words) in a way that a known
process explains agrees still; a name that says something else does not, however alike it looks:
`An` and `Anh`, `Hùng` and `Hưng` are two people. So there is no similarity threshold here. Each way of
losing information is tried in turn over the whole name, and what none explains is a different name.

The kernels work on word numbers (`normalise.words`); a row's outcome is a mask of reasons.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.matching.damage import (
    ALL_LOST,
    APART,
    HOLED,
    LONGEST,
    SPACED_BARE,
    fits_holes,
    one_slip,
    same_but_spaced,
    shortens,
)
from simcheck.matching.glued import glued
from simcheck.normalise.kernels import kernel
from simcheck.normalise.words import (
    ABBREVIATION,
    BARE_FAMILY,
    BARE_VALID,
    BEST_FIT,
    EXACT,
    FAMILY,
    FIRST_READING,
    FLAGS,
    I32,
    I_Y_FORM,
    KEYBOARDS_FROM,
    LOST,
    MARKED,
    NEVER_GIVEN,
    PLAIN,
    READINGS,
    VALID,
    Facts,
    Vocabulary,
    WordTable,
)
from simcheck.reasons import Reason

MISSING = np.uint64(Reason.NAME_MISSING.mask)
DIACRITICS = np.uint64(Reason.NAME_DIACRITICS.mask)
ENCODING = np.uint64(Reason.NAME_ENCODING.mask)
KEYSTROKES = np.uint64(Reason.NAME_KEYSTROKES.mask)
ABBREVIATED = np.uint64(Reason.NAME_ABBREVIATED.mask)
ORDER = np.uint64(Reason.NAME_ORDER.mask)
SPACING = np.uint64(Reason.NAME_SPACING.mask)
TYPO = np.uint64(Reason.NAME_TYPO.mask)
DIFFERENT = np.uint64(Reason.NAME_DIFFERENT.mask)
I_Y = np.uint64(Reason.NAME_I_Y.mask)
NONE = np.uint64(0)
# Set beside NAME_DIFFERENT where a dead encoding would explain the name but it also reads as it stands:
# whether the whole file is in that encoding decides (`crosscheck.whole`). One bit a dead encoding.
DOUBT_SHIFT = 48
DOUBT = np.uint64(((1 << KEYBOARDS_FROM) - 1) << DOUBT_SHIFT)
READ_SHIFT = 52  # which dead encoding explained a row beyond doubt, one bit each: evidence about its file
NO = np.uint64(1 << 63)

RESPACED = 0.95  # the score of a name that differs in its spaces
OTHER_I_Y, NO_MARKS, SHORT, HOLES = 0.98, 0.9, 0.5, 0.8  # how much of a word is confirmed
BACKWARDS = 3
LAST_ORDER = (0, 0, 1, 3, 4)  # by the number of words: with few, the orders are the same
ORDERS = 5  # as it stands; given name first; family name last; backwards; the last two words first


class Compared(NamedTuple):
    """`reasons` masks (0: equal), `score` the share of the registered name's information that is
    confirmed, 0 to 1."""

    reasons: npt.NDArray[np.uint64]
    score: npt.NDArray[np.float32]


def compare(
    declared: pa.StringArray, registered: pa.StringArray, vocabulary: Vocabulary, minimum_information: float
) -> Compared:
    """Compare two columns of names row by row.

    `minimum_information` is the share of a name's information that a name with abbreviated or lost words must
    still spell out. A null or blank declared name is NAME_MISSING with score 0.
    """
    spaced = glued(declared, registered)
    apart = spaced == APART
    reasons = np.where(spaced == SPACED_BARE, SPACING | DIACRITICS, SPACING)
    score = np.full(len(declared), RESPACED, np.float32)
    if apart.any():
        words = pa.array(apart)
        reasons[apart], score[apart] = _by_words(
            declared.filter(words), registered.filter(words), vocabulary, minimum_information
        )
    return Compared(reasons, score)


def _by_words(
    declared: pa.StringArray, registered: pa.StringArray, vocabulary: Vocabulary, minimum_information: float
) -> Compared:
    ours = vocabulary.split(declared)
    theirs = vocabulary.split(registered)
    reasons = np.zeros(len(declared), np.uint64)
    score = np.zeros(len(declared), np.float32)
    _compare(
        ours.word, ours.starts, theirs.word, theirs.starts, vocabulary.table(),
        minimum_information, np.empty((2, LONGEST), np.int32), reasons, score,
    )  # fmt: skip
    repaired = ours.encoded & (reasons & (MISSING | DIFFERENT | TYPO) == 0)
    reasons[repaired] |= ENCODING
    return Compared(reasons, score)


@kernel
def _compare(
    d_word: I32, d_starts: I32, r_word: I32, r_starts: I32, table: WordTable,
    minimum: float, room: I32, reasons: npt.NDArray[np.uint64], score: npt.NDArray[np.float32],
) -> None:  # fmt: skip
    for row in range(len(d_starts) - 1):
        declared = d_word[d_starts[row] : d_starts[row + 1]]
        registered = r_word[r_starts[row] : r_starts[row + 1]]
        reasons[row], score[row] = explain(declared, registered, table, minimum, room)


@kernel
def explain(
    declared: I32, registered: I32, table: WordTable, minimum: float, room: I32
) -> tuple[np.uint64, float]:
    """The reasons of one pair of names, and its score. `room` is for `same_but_spaced`."""
    if len(declared) == 0:
        return MISSING, 0.0
    facts = table.facts
    marked = _is_marked(declared, facts)
    doubt = NONE
    if len(declared) == len(registered):
        for order in range(ORDERS):
            if order and not _may_be_reordered(declared, registered, facts, marked):
                break
            if order == BACKWARDS and not facts[registered[0], FLAGS] & FAMILY:
                continue
            found, score = _as_written(declared, registered, table, order, marked, minimum)
            if found != NO:
                return found, score
            found = _as_read(declared, registered, facts, order, marked)
            if found & DOUBT:
                doubt |= found
            elif found != NO:
                return found, 0.95
            if order >= LAST_ORDER[min(len(declared), len(LAST_ORDER) - 1)]:
                break
    spaced = same_but_spaced(declared, registered, table, room)
    if spaced != APART:
        return SPACING | (DIACRITICS if spaced == SPACED_BARE else NONE), RESPACED
    score = _overlap(declared, registered, table)
    return (TYPO if one_slip(declared, registered, table) else DIFFERENT | doubt), score


@kernel
def _place(at: int, length: int, order: int) -> int:
    """Where, in a declared name of this order, the registered name's word `at` stands."""
    if order == 0:
        return at
    if order == 1:
        return (at + 1) % length
    if order == 2:
        return (at + length - 1) % length
    return length - 1 - at if order == BACKWARDS else (at + 2) % length


@kernel
def _is_marked(name: I32, facts: Facts) -> bool:
    marked = 0
    for word in name:
        marked |= facts[word, FLAGS] & MARKED
    return marked != 0


@kernel
def _may_be_reordered(declared: I32, registered: I32, facts: Facts, marked: bool) -> bool:
    """Whether reading the name family first, as it stands, gives nobody: else it names another person.

    Beside marked words a word without marks is what it says: Ly is not the family name Lý.
    """
    form, family = (EXACT, FAMILY) if marked else (PLAIN, BARE_FAMILY)
    if facts[declared[0], form] == facts[registered[0], form]:
        return False
    first, last = facts[declared[0], FLAGS], facts[declared[-1], FLAGS]
    return not first & family or (len(declared) > 2 and last & NEVER_GIVEN != 0)


@kernel
def _as_written(
    declared: I32, registered: I32, table: WordTable, order: int, marked: bool, minimum: float
) -> tuple[np.uint64, float]:
    facts, told_by = table.facts, table.information
    holes = False
    for word in declared:
        holes |= facts[word, FLAGS] & LOST != 0
    found = ORDER if order else NONE
    length = len(registered)
    told = 0.0
    full = 0.0
    confirmed = 0.0
    for at in range(length):
        theirs = registered[at]
        ours = declared[_place(at, length, order)]
        bits = float(told_by[theirs])
        told += bits
        if facts[ours, EXACT] == facts[theirs, EXACT]:
            full += bits
            confirmed += bits
        elif facts[ours, FLAGS] & LOST:
            left = fits_holes(ours, theirs, table)
            if left == APART or (left == ALL_LOST and at == length - 1):
                return NO, 0.0
            found |= ENCODING
            if left == HOLED:
                full += bits
                confirmed += bits * HOLES
        elif facts[ours, I_Y_FORM] == facts[theirs, I_Y_FORM]:
            found |= I_Y
            full += bits
            confirmed += bits * OTHER_I_Y
        elif facts[ours, PLAIN] == facts[theirs, PLAIN] and (
            (not marked and not holes)
            or (holes and not facts[ours, FLAGS] & MARKED and facts[theirs, FLAGS] & BEST_FIT)
        ):
            found |= ENCODING if holes else DIACRITICS
            full += bits
            confirmed += bits * NO_MARKS
        elif facts[ours, FLAGS] & ABBREVIATION and at < length - 1 and shortens(ours, theirs, table):
            found |= ABBREVIATED
            confirmed += bits * SHORT
        else:
            return NO, 0.0
    if full < minimum * told:
        return NO, 0.0
    return found, confirmed / told


@kernel
def _as_read(declared: I32, registered: I32, facts: Facts, order: int, marked: bool) -> np.uint64:
    """Through a dead encoding, or through the keystrokes of an input method.

    Every word must be the registered one when read: beside Vawn, Dung is Dung and not Dũng.
    """
    length = len(registered)
    valid = True
    for word in declared:
        valid &= facts[word, FLAGS] & VALID != 0
    doubt = NO
    for reading in range(READINGS):
        keyboard = reading >= KEYBOARDS_FROM
        fits = True
        changed = False
        for at in range(length):
            theirs = registered[at]
            ours = declared[_place(at, length, order)]
            read = facts[ours, FIRST_READING + reading]
            if read == facts[theirs, EXACT] and (
                read == facts[ours, EXACT] or not (keyboard and _stands(ours, marked, facts))
            ):
                changed |= read != facts[ours, EXACT]
            elif keyboard and marked and facts[ours, EXACT] == facts[theirs, EXACT]:
                continue
            else:
                fits = False
                break
        if not fits or not changed:
            continue
        found = ORDER if order else NONE
        if keyboard:
            return found | KEYSTROKES
        if not valid:
            return found | ENCODING | np.uint64(1) << np.uint64(READ_SHIFT + reading)
        doubt = (NONE if doubt == NO else doubt) | np.uint64(1) << np.uint64(DOUBT_SHIFT + reading)
    return doubt


@kernel
def _stands(word: int, marked: bool, facts: Facts) -> bool:
    """Whether a word may be meant as it is written: Moong is a family name, not the keystrokes of Mông."""
    return bool(facts[word, FLAGS] & (VALID if marked else BARE_VALID))


@kernel
def _overlap(declared: I32, registered: I32, table: WordTable) -> float:
    """The share of information on both sides that the other side confirms (a weighted Dice)."""
    facts = table.facts
    told = 0.0
    shared = 0.0
    for theirs in registered:
        told += float(table.information[theirs])
        best = 0.0
        for ours in declared:
            if facts[ours, EXACT] == facts[theirs, EXACT]:
                best = 1.0
            elif facts[ours, PLAIN] == facts[theirs, PLAIN]:
                best = max(best, 0.5)
        shared += 2 * best * float(table.information[theirs])
    for ours in declared:
        told += float(table.information[ours])
    return min(shared / told, 1.0) * 0.9 if told else 0.0
