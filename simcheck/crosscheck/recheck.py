"""One row checked alone, in milliseconds: by the same rules and the same code as a run.

What only the whole tells (numbers declared twice, limits, a file's encoding) is taken over from the run that
saw the whole; nothing that one row cannot know is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simcheck.crosscheck.buckets import against_answers
from simcheck.crosscheck.compare import Declared, Measure, normalise
from simcheck.crosscheck.whole import settled
from simcheck.matching.rules import GRAVER, VERDICTS, told
from simcheck.reasons import Reason, Verdict
from simcheck.records import CHECKED_COLUMNS, PROBLEM, ROW, declared_schema
from simcheck.register.protocol import Register

# Reasons that a row has from the whole, in all their forms.
OF_THE_WHOLE = (
    sum(
        reason.mask
        for reason in (
            Reason.MSISDN_DUPLICATE_IN_CARRIER, Reason.MSISDN_CLAIMED_BY_OTHER_CARRIER,
            Reason.SIM_LIMIT_PER_CARRIER, Reason.SIM_LIMIT_TOTAL,
        )
    )
    | 1 << GRAVER[Reason.MSISDN_DUPLICATE_IN_CARRIER]
)  # fmt: skip


@dataclass(frozen=True)
class OfFile:
    """What is known of the row's file: whether it tells of face checks, and which dead encodings
    (`normalise.words`) it was settled to be written in."""

    tells_faces: bool = True
    encodings: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Rechecked:
    """The outcome for one row: the verdict, the mask of its reasons as told, the name score (None: no
    name was compared), the 9-digit number and whom the row names (0: none)."""

    verdict: Verdict
    reasons: int
    name_score: float | None
    national: int
    person: int


def one(
    cells: Mapping[str, str | None], register: Register, measure: Measure, whole: int = 0,
    file: OfFile | None = None,
) -> Rechecked:  # fmt: skip
    """Check one subscription's declared `cells` (columns of `records.CHECKED_COLUMNS`; others are ignored).

    `register` is asked for this row's number and those one slip away. `whole` is the mask of the row in its
    run's final findings; of it the reasons `OF_THE_WHOLE` are taken over, which fits while the number and the
    person stay the same. A `measure` may be kept for a day: it learns words. Raises SealError.
    """
    return of(read(cells, measure), register, measure, whole, file)


def read(cells: Mapping[str, str | None], measure: Measure) -> Declared:
    """One subscription's declared cells, read: a batch of one row."""
    columns = {name: [cells.get(name)] for name in CHECKED_COLUMNS} | {ROW: [1], PROBLEM: [None]}
    return normalise(pa.RecordBatch.from_pydict(columns, declared_schema(CHECKED_COLUMNS)), 0, measure)


def of(
    row: Declared, register: Register, measure: Measure, whole: int = 0, file: OfFile | None = None
) -> Rechecked:
    """Check a row that was read: see `one`."""
    found = against_answers(row, register, measure)
    known = file or OfFile()
    reasons = settled(found.reasons, known.tells_faces, known.encodings) | np.uint64(whole & OF_THE_WHOLE)
    score = float(found.score[0])
    return Rechecked(
        VERDICTS[int(measure.rules.verdicts(reasons)[0])], int(told(reasons)[0]),
        None if np.isnan(score) else score, int(found.national[0]), int(found.person[0]),
    )  # fmt: skip
