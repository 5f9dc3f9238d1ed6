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
import pyarrow.compute as pc

from simcheck.crosscheck.findings import Findings, Pending
from simcheck.matching import birth_dates, names
from simcheck.matching.rules import GRAVER, Rules
from simcheck.normalise import citizen_ids, dates, phones
from simcheck.normalise.citizen_ids import CMND_BASE
from simcheck.normalise.kernels import distinct
from simcheck.normalise.names import U64, blank, fingerprint
from simcheck.normalise.words import Vocabulary
from simcheck.reasons import Reason
from simcheck.records import PROBLEM, ROW
from simcheck.register.index import Found, Index, bucket_of
from simcheck.register.snapshot import DECEASED, REVOKED

Mask = npt.NDArray[np.bool_]

# Words by which carriers mark a subscription that is over: it makes no claim on its number.
_OVER = (
    "terminated", "cancelled", "canceled", "closed", "inactive", "recalled", "deactivated", "removed",
    "đã hủy", "hủy", "huỷ", "đã huỷ", "chấm dứt", "thanh lý", "đã thanh lý", "thu hồi", "đã thu hồi",
)  # fmt: skip
_BLANK = Reason.NAME_MISSING.mask


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
        over=_over(batch["status"]),
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
    known = found.row >= 0
    reasons = declared.phones.flags | declared.ids.flags
    reasons[declared.face_missing] |= np.uint64(Reason.FACE_NOT_VERIFIED.mask)
    score = np.full(len(key), np.nan, np.float32)
    reasons |= np.where(known, _against(declared, found, measure), declared.born.flags)
    _names(declared, index, found, measure, reasons, score)
    _unreadable(declared, reasons)
    no_name = ~known & blank(declared.name) & declared.readable
    reasons[no_name] |= np.uint64(_BLANK)
    findings = Findings(
        declared.source, declared.first_row, np.where(declared.readable, declared.phones.national, 0),
        np.where(declared.readable, key, 0), reasons, score, declared.over, declared.row_ref,
    )  # fmt: skip
    return findings, _pending(declared, mine & ~known, batch)


def _against(declared: Declared, found: Found, measure: Measure) -> U64:
    """Birth date, status and age, for rows whose holder is known."""
    reasons = birth_dates.compare(declared.born.ymd, declared.born.other, declared.born.flags, found.born)
    return reasons | of_holder(found.status, found.born, measure)


def of_holder(status: npt.NDArray[np.uint8], born: npt.NDArray[np.int32], measure: Measure) -> U64:
    """Reasons that lie in the holder alone: deceased, revoked, under age."""
    reasons = np.zeros(len(status), np.uint64)
    reasons[status == DECEASED] |= np.uint64(Reason.HOLDER_DECEASED.mask)
    reasons[status == REVOKED] |= np.uint64(Reason.ID_REVOKED.mask)
    rules = measure.rules
    young = np.flatnonzero(born // 10_000 >= measure.as_of.year - rules.guardian_consents_under)
    age = dates.age(born[young], measure.as_of)
    reasons[young[age < rules.guardian_consents_under]] |= np.uint64(Reason.HOLDER_UNDERAGE.mask)
    child = np.uint64(1 << GRAVER[Reason.HOLDER_UNDERAGE])
    reasons[young[age < rules.guardian_registers_under]] |= child
    return reasons


def _names(
    declared: Declared,
    index: Index,
    found: Found,
    measure: Measure,
    reasons: U64,
    score: npt.NDArray[np.float32],
) -> None:
    """Compare names: by fingerprint where both have one, word by word where the fingerprints differ."""
    known = found.row >= 0
    same = known & (declared.name_code != 0) & (declared.name_code == found.name_code)
    score[same] = 1.0
    rest = np.flatnonzero(known & ~same)
    if len(rest):
        outcome = word_by_word(declared.name.take(pa.array(rest)), index.names(found.row[rest]), measure)
        reasons[rest] |= outcome.reasons
        score[rest] = outcome.score


def word_by_word(declared: pa.StringArray, registered: pa.StringArray, measure: Measure) -> names.Compared:
    """Compare names by their words, under the run's rules and vocabulary."""
    return names.compare(declared, registered, measure.vocabulary, measure.rules.minimum_information)


def _unreadable(declared: Declared, reasons: U64) -> None:
    reasons[~declared.readable] = np.uint64(Reason.ROW_MALFORMED.mask)


def _pending(declared: Declared, unknown: Mask, batch: int) -> Pending:
    at = np.flatnonzero(unknown).astype(np.int32)
    return Pending(
        np.full(len(at), batch, np.int32), at, declared.ids.key[at], declared.name.take(pa.array(at)),
        declared.born.ymd[at], declared.born.other[at], declared.born.flags[at],
    )  # fmt: skip


def _over(status: pa.StringArray) -> npt.NDArray[np.int64]:
    words, rows = distinct(status)
    words = pc.utf8_lower(pc.utf8_trim_whitespace(pc.utf8_normalize(words, "NFC")))
    over = pc.is_in(words, pa.array(_OVER)).to_numpy(zero_copy_only=False)
    return np.flatnonzero(over[rows]) if over.any() else np.zeros(0, np.int64)
