"""One batch of declared rows against one bucket of the register.

This is the unit of work: it knows no file and no other batch, so batches run in any order on any
number of threads or machines, and the outcome is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.crosscheck.findings import Findings, Pending
from simcheck.matching import birth_dates, names
from simcheck.matching.rules import GRAVER, Rules
from simcheck.normalise import citizen_ids, dates, phones
from simcheck.normalise.citizen_ids import CMND_BASE
from simcheck.normalise.kernels import kernel
from simcheck.normalise.names import U64, blank, fingerprint
from simcheck.normalise.statuses import Status, statuses
from simcheck.normalise.words import Vocabulary
from simcheck.reasons import Reason
from simcheck.records import PROBLEM, ROW
from simcheck.register.index import Found, Index, bucket_of
from simcheck.register.snapshot import DECEASED, REVOKED

I32 = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

_ROW_MALFORMED, _FACE, _DECEASED, _REVOKED, _UNDERAGE = (
    np.uint64(reason.mask)
    for reason in (
        Reason.ROW_MALFORMED, Reason.FACE_NOT_VERIFIED, Reason.HOLDER_DECEASED, Reason.ID_REVOKED,
        Reason.HOLDER_UNDERAGE,
    )
)  # fmt: skip
_CHILD = np.uint64(1 << GRAVER[Reason.HOLDER_UNDERAGE])


@dataclass(frozen=True)
class Measure:
    """What a run compares by: the rules, the day, the run's secret keys, the words met so far."""

    rules: Rules
    as_of: date
    keys: U64
    vocabulary: Vocabulary


@dataclass(frozen=True)
class Declared:
    """A batch after normalisation, before the register is asked."""

    source: int
    first_row: int
    readable: Mask
    phones: phones.Phones
    born: dates.Dates
    ids: citizen_ids.CitizenIds
    name: pa.StringArray
    name_code: U64
    marked: int
    over: npt.NDArray[np.int64]
    face_missing: Mask
    row_ref: pa.StringArray | None


def normalise(batch: pa.RecordBatch, source: int, measure: Measure) -> Declared:
    """Read the cells of a batch (`records.declared_schema`)."""
    readable = batch[PROBLEM].is_null().to_numpy(zero_copy_only=False)
    born = dates.normalise(batch["date_of_birth"], measure.as_of)
    code, marked = fingerprint(batch["full_name"], measure.keys)
    return Declared(
        source=source,
        first_row=int(batch[ROW][0].as_py()),
        readable=readable,
        phones=phones.normalise(batch["msisdn"]),
        born=born,
        ids=citizen_ids.normalise(batch["id_number"], batch["id_type"], born, batch["gender"], measure.as_of),
        name=batch["full_name"],
        name_code=code,
        marked=int(marked.sum()),
        over=np.flatnonzero(statuses(batch["status"]) == Status.OVER),
        face_missing=blank(batch["face_verified_at"]),
        row_ref=None if batch["row_ref"].null_count == len(batch) else batch["row_ref"],
    )


def compare(
    declared: Declared, index: Index, measure: Measure, batch: int, bucket: int = 0, buckets: int = 1
) -> tuple[Findings, Pending]:
    """What one bucket of the register says of a batch; rows of other buckets keep what they had.

    `batch` is the batch's number in the run, carried along in `Pending`.
    """
    key = declared.ids.key
    mine = declared.readable & (key > 0)
    if buckets > 1:
        mine &= bucket_of(key, buckets) == bucket
    found = index.find(np.where(mine & (key < CMND_BASE), key, 0))
    reasons = np.empty(len(key), np.uint64)
    score = np.full(len(key), np.nan, np.float32)
    other_name, unknown = np.empty(len(key), np.int32), np.empty(len(key), np.int32)
    others, unknowns = _against(
        declared.readable, declared.face_missing, declared.phones.flags, declared.ids.flags, declared.born,
        declared.name_code, mine, found, reasons, score, other_name, unknown,
    )  # fmt: skip
    _under_age(reasons, found.born, measure)
    _names(declared, index, found, measure, other_name[:others], reasons, score)
    _nameless(declared, found, reasons)
    findings = Findings(
        declared.source, declared.first_row, np.where(declared.readable, declared.phones.national, 0),
        np.where(declared.readable, key, 0), reasons, score, declared.over, declared.row_ref,
    )  # fmt: skip
    return findings, _pending(declared, unknown[:unknowns].copy(), batch)


@kernel
def _against(
    readable: Mask, face_missing: Mask, phone: U64, paper: U64, born: dates.Dates, name_code: U64, mine: Mask,
    found: Found, reasons: U64, score: npt.NDArray[np.float32], other_name: I32, unknown: I32,
) -> tuple[int, int]:  # fmt: skip
    """All that numbers alone can tell of a row. Gives, in `other_name` and `unknown`, the rows whose name is
    not the registered one letter for letter, and those whose ID number the bucket should know and does not;
    returns how many they are."""
    (ymd, other, flags), (citizen, code, registered, status) = born, found
    others = 0
    unknowns = 0
    for row in range(len(reasons)):
        if not readable[row]:
            reasons[row] = _ROW_MALFORMED
            continue
        told = phone[row] | paper[row]
        if face_missing[row]:
            told |= _FACE
        if citizen[row] < 0:
            reasons[row] = told | flags[row]
            unknown[unknowns] = row
            unknowns += mine[row]
            continue
        told |= birth_dates.of_pair(ymd[row], other[row], flags[row], registered[row])
        if status[row] == DECEASED:
            told |= _DECEASED
        elif status[row] == REVOKED:
            told |= _REVOKED
        reasons[row] = told
        if name_code[row] and name_code[row] == code[row]:
            score[row] = 1.0
        else:
            other_name[others] = row
            others += 1
    return others, unknowns


def of_holder(status: npt.NDArray[np.uint8], born: npt.NDArray[np.int32], measure: Measure) -> U64:
    """Reasons that lie in the holder alone: deceased, revoked, under age."""
    reasons = np.zeros(len(status), np.uint64)
    reasons[status == DECEASED] |= _DECEASED
    reasons[status == REVOKED] |= _REVOKED
    _under_age(reasons, born, measure)
    return reasons


def _under_age(reasons: U64, born: npt.NDArray[np.int32], measure: Measure) -> None:
    rules = measure.rules
    young = np.flatnonzero(born >= (measure.as_of.year - rules.guardian_consents_under) * 10_000)
    age = dates.age(born[young], measure.as_of)
    reasons[young[age < rules.guardian_consents_under]] |= _UNDERAGE
    reasons[young[age < rules.guardian_registers_under]] |= _CHILD


def _names(
    declared: Declared,
    index: Index,
    found: Found,
    measure: Measure,
    rows: I32,
    reasons: U64,
    score: npt.NDArray[np.float32],
) -> None:
    """Compare word by word the names of rows whose fingerprints differ."""
    if len(rows):
        outcome = word_by_word(declared.name.take(pa.array(rows)), index.names(found.row[rows]), measure)
        reasons[rows] |= outcome.reasons
        score[rows] = outcome.score


def _nameless(declared: Declared, found: Found, reasons: U64) -> None:
    """Rows without a name, where no citizen's name has been compared."""
    rows = np.flatnonzero((found.row < 0) & declared.readable & (declared.name_code == 0))
    reasons[rows[blank(declared.name.take(pa.array(rows)))]] |= np.uint64(Reason.NAME_MISSING.mask)


def word_by_word(declared: pa.StringArray, registered: pa.StringArray, measure: Measure) -> names.Compared:
    """Compare names by their words, under the run's rules and vocabulary."""
    return names.compare(declared, registered, measure.vocabulary, measure.rules.minimum_information)


def _pending(declared: Declared, at: I32, batch: int) -> Pending:
    return Pending(
        np.full(len(at), batch, np.int32), at, declared.ids.key[at], declared.name.take(pa.array(at)),
        declared.born.ymd[at], declared.born.other[at], declared.born.flags[at],
    )  # fmt: skip
