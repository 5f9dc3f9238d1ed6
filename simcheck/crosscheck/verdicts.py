"""`verdicts.parquet` and the feedback files: from columns of numbers to what people and programs read."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from simcheck.crosscheck.feedback import Feedback
from simcheck.crosscheck.findings import U64, Findings, Source
from simcheck.matching.rules import VERDICTS, Rules, told
from simcheck.normalise import citizen_ids, phones
from simcheck.normalise.kernels import Bytes, kernel
from simcheck.parallel import ordered
from simcheck.reasons import Reason

I8 = npt.NDArray[np.int8]
I32 = npt.NDArray[np.int32]

VERDICT_SCHEMA = pa.schema(
    [
        ("carrier", pa.string()),
        ("file", pa.string()),
        ("row", pa.int64()),
        ("msisdn", pa.string()),
        ("id_number", pa.string()),
        ("verdict", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("name_score", pa.float32()),
    ]
)
_CODED = pa.dictionary(pa.int8(), pa.string())
_ENCODED = {"carrier": _CODED, "file": _CODED, "verdict": _CODED, "reasons": pa.list_(_CODED)}
_ENCODED_SCHEMA = pa.schema([(field.name, _ENCODED.get(field.name, field.type)) for field in VERDICT_SCHEMA])
_CODES = pa.array([reason.name for reason in Reason])
_WORDS = pa.array([verdict.value for verdict in VERDICTS])


@dataclass
class Counts:
    """How many rows: `verdicts[carrier, verdict]` in the order of VERDICTS, `reasons[carrier, reason]`."""

    carriers: list[str]
    verdicts: npt.NDArray[np.int64]
    reasons: npt.NDArray[np.int64]


class _Decided(NamedTuple):
    carrier: int
    table: pa.Table
    feedback: pa.StringArray
    verdicts: npt.NDArray[np.int64]
    reasons: npt.NDArray[np.int64]


def write(
    folder: Path, findings: list[Findings], sources: list[Source], rules: Rules, threads: int
) -> Counts:
    """Write `verdicts.parquet` and one `feedback-<carrier>.csv` a carrier into `folder`, and count.

    Row groups follow the batches, so the bytes depend on the input alone.
    """
    carriers = list(dict.fromkeys(source.carrier for source in sources))
    labels = _labels(sources)
    counts = Counts(
        carriers,
        np.zeros((len(carriers), len(VERDICTS)), np.int64),
        np.zeros((len(carriers), len(Reason)), np.int64),
    )
    feedback = Feedback(rules)

    def decide(batch: Findings) -> _Decided:
        source = sources[batch.source]
        reasons = told(batch.reasons)
        verdicts = rules.verdicts(batch.reasons)
        rows = np.arange(batch.first_row, batch.first_row + len(batch), dtype=np.int64)
        msisdn = phones.e164(batch.national)
        lists, counted = _reason_lists(reasons)
        return _Decided(
            carriers.index(source.carrier),
            _table(batch, source.carrier, labels[batch.source], rows, msisdn, verdicts, lists),
            feedback.lines(labels[batch.source], rows, batch.row_ref, msisdn, verdicts, reasons),
            np.bincount(verdicts, minlength=len(VERDICTS)),
            counted,
        )

    with ExitStack() as stack:
        files = [stack.enter_context((folder / f"feedback-{carrier}.csv").open("wb")) for carrier in carriers]
        for file in files:
            file.write(feedback.header)
        writer = stack.enter_context(_writer(folder / "verdicts.parquet"))
        aside = stack.enter_context(
            ThreadPoolExecutor(1)
        )  # the feedback goes to disk while verdicts are packed
        sent: Future[None] | None = None
        for decided in ordered(decide, findings, threads):
            if sent:
                sent.result()
            sent = aside.submit(_send, decided.feedback, files[decided.carrier])
            writer.write_table(decided.table)
            counts.verdicts[decided.carrier] += decided.verdicts
            counts.reasons[decided.carrier] += decided.reasons
        if sent:
            sent.result()
    return counts


def _send(feedback: pa.StringArray, file: BinaryIO) -> None:
    if len(feedback):
        _, offsets, data = feedback.buffers()
        file.write(data[: int(np.frombuffer(offsets, np.int32)[len(feedback)])])


def _labels(sources: list[Source]) -> list[str]:
    """What each file is called in the results: its name, or its path where names repeat."""
    names = [(source.carrier, source.path.name) for source in sources]
    return [
        source.path.name if names.count(name) == 1 else str(source.path)
        for source, name in zip(sources, names, strict=True)
    ]


def _writer(path: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        path,
        _ENCODED_SCHEMA,
        version="2.6",
        store_schema=False,  # readers see plain strings, however they are handed over here
        compression="none",  # digits at random hardly shrink, and the rest is codes
        use_dictionary=["carrier", "file", "verdict", "reasons.list.element"],
        column_encoding={"row": "DELTA_BINARY_PACKED"},
        write_batch_size=8192,  # fewer calls a column than by default, and it still lies in the cache
        write_statistics=["row"],
    )


def _table(
    batch: Findings, carrier: str, file: str, rows: npt.NDArray[np.int64], msisdn: pa.StringArray,
    verdicts: Bytes, reasons: pa.ListArray,
) -> pa.Table:  # fmt: skip
    score = pa.array(batch.score, mask=np.isnan(batch.score))
    columns = [
        _constant(carrier, len(batch)), _constant(file, len(batch)), pa.array(rows), msisdn,
        citizen_ids.format_key(batch.key),
        pa.DictionaryArray.from_arrays(pa.array(verdicts.view(np.int8)), _WORDS),
        reasons, score,
    ]  # fmt: skip
    return pa.Table.from_arrays(columns, schema=_ENCODED_SCHEMA)


def _constant(value: str, length: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(length, np.int8)), pa.array([value]))


def _reason_lists(reasons: U64) -> tuple[pa.ListArray, npt.NDArray[np.int64]]:
    """The codes of each mask, and how often each code stands.

    The codes' dictionary holds those that stand in the batch, as they come, as a writer would make it.
    """
    offsets = np.zeros(len(reasons) + 1, np.int32)
    places = np.empty(int(np.bitwise_count(reasons).sum()), np.int8)
    place_of, count = np.full(len(Reason), -1, np.int8), np.zeros(len(Reason), np.int64)
    _spread(reasons, offsets, places, place_of, count)
    met = np.flatnonzero(place_of >= 0)
    codes = _CODES.take(pa.array(met[np.argsort(place_of[met])]))
    coded = pa.DictionaryArray.from_arrays(pa.array(places), codes)
    return pa.ListArray.from_arrays(pa.array(offsets), coded), count


@kernel
def _spread(reasons: U64, offsets: I32, places: I8, place_of: I8, count: npt.NDArray[np.int64]) -> None:
    """The bits of each mask in order, each as its reason's place among those met so far (`place_of`)."""
    used = 0
    met = 0
    for row in range(len(reasons)):
        left = reasons[row]
        code = 0
        while left:
            if left & np.uint64(1):
                if place_of[code] < 0:
                    place_of[code] = met
                    met += 1
                places[used] = place_of[code]
                count[code] += 1
                used += 1
            left >>= np.uint64(1)
            code += 1
        offsets[row + 1] = used
