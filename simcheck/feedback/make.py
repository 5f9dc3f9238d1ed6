"""A feedback file's rows, out of a run's findings: a batch's as checked, or a carrier's as it stands now.

Only the carrier's own reference and number, the verdict and the reasons are read and kept. What the register
holds stands in other columns of the findings, which nothing here opens.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.lake import tokens
from simcheck.lake.buckets import MOST_BUCKETS, BucketWriter, file_of, read
from simcheck.lake.encryption import Dataset
from simcheck.lake.files import Store
from simcheck.privacy import TOKEN_BYTES, Keyring
from simcheck.records import ROW

FOLDER = "feedback"  # in the lake
FILE = "rows"  # of a feedback dataset
FINAL = "final"  # stem of a run's last words, as `crosscheck` writes them
SCHEMA = pa.schema(
    [
        pa.field(ROW, pa.int64(), nullable=False),
        pa.field("row_ref", pa.string()),
        pa.field("national", pa.int64(), nullable=False),  # 0: no number could be read
        pa.field("verdict", pa.uint8(), nullable=False),
        pa.field("reasons", pa.uint64(), nullable=False),
    ]
)
# What other carriers' runs have changed in rows of this one. A row of the same batch is known by its number;
# a number on two rows has one subscription. One pass over the ledger: a question for each of the rows would
# cost as much as all else together.
CHANGED_SINCE = sa.text("""
SELECT msisdn_token, CASE WHEN batch_id = :batch THEN row ELSE 0 END AS row, verdict, reasons
FROM subscription
WHERE carrier = :carrier AND run_id NOT IN (SELECT id FROM run WHERE carrier = :carrier)
""").bindparams(sa.bindparam("batch", type_=sa.Uuid()), sa.bindparam("carrier", type_=sa.Text()))
CHANGED = pa.schema(
    [
        pa.field("msisdn_token", pa.binary(TOKEN_BYTES)),
        pa.field(ROW, pa.int64()),  # 0: any row of the number
        pa.field("verdict", pa.uint8()),
        pa.field("reasons", pa.uint64()),
    ]
)
_AT_ONCE = 10_000  # rows from the ledger
SPAN_ROWS = 2_000_000  # numbers of rows that are sorted together; of a file, most are verified
_ROOM_BYTES = 16 << 20  # of rows that wait to be written to their span
_UNSORTED = "unsorted"  # in front of the names of files that are only steps on the way


def findings_name(carrier: str, run_id: uuid.UUID) -> str:
    """The dataset of a run's findings."""
    return f"findings/{carrier}/{run_id}"


def name_of(carrier: str, feedback_id: uuid.UUID) -> str:
    """The dataset of a feedback file."""
    return f"{FOLDER}/{carrier}/{feedback_id}"


async def of_batch(store: Store, keyring: Keyring, findings: str, buckets: int, target: str) -> int:
    """Write the rows of a batch that are not verified, in the order of its file; returns how many.

    A dataset that was begun and not published is begun anew. Raises SealError, OutputError.
    """
    found = Dataset.open(store, keyring, findings)
    return await asyncio.to_thread(_write, store, keyring, target, found, _final(found, buckets))


async def standing(
    session: AsyncSession, store: Store, keyring: Keyring, carrier: str, batch_id: uuid.UUID, findings: str,
    buckets: int, target: str,
) -> int:  # fmt: skip
    """Write what of a carrier is not verified now, as the ledger stands; returns how many rows.

    `findings` are those of its newest published run, on `batch_id`. Raises SealError, OutputError.
    """
    changed = await _changed_since(session, carrier, batch_id)
    found = Dataset.open(store, keyring, findings)
    rows = _final(found, buckets)
    now = (_as_of_now(keyring, changed, batch) for batch in rows) if len(changed) else rows
    return await asyncio.to_thread(_write, store, keyring, target, found, now)


def _final(findings: Dataset, buckets: int) -> Iterator[pa.RecordBatch]:
    for bucket in range(buckets):
        yield from read(findings, FINAL, bucket, SCHEMA.names)


def _write(
    store: Store, keyring: Keyring, target: str, findings: Dataset, batches: Iterator[pa.RecordBatch]
) -> int:
    """Write what is not verified of rows that come bucket by bucket, in the order of their numbers.

    They are cut by spans of numbers, and each span is sorted on its own, so memory is a span's however many
    rows there are.
    """
    dataset, highest = Dataset.create(store, keyring, target), int(findings.manifest["rows"])
    spans = min(MOST_BUCKETS, highest // SPAN_ROWS + 1)
    with BucketWriter(dataset, _UNSORTED, SCHEMA, spans, _ROOM_BYTES) as unsorted:
        for batch in batches:
            wrong = batch.filter(pc.not_equal(batch["verdict"], 0)).cast(SCHEMA)
            row = wrong[ROW].to_numpy()
            unsorted.add(wrong, np.minimum(row * spans // (highest + 1), spans - 1))
    with dataset.writing(FILE, SCHEMA) as writer:
        for span in range(spans):
            table = pa.Table.from_batches(read(dataset, _UNSORTED, span), SCHEMA)
            writer.write_table(table.sort_by(ROW))
            dataset.remove(file_of(_UNSORTED, span))
    rows = int(unsorted.rows.sum())
    dataset.publish(rows=rows)
    return rows


async def _changed_since(session: AsyncSession, carrier: str, batch_id: uuid.UUID) -> pa.Table:
    """The rows of `CHANGED_SINCE`, packed."""
    parts = [CHANGED.empty_table()]
    rows = await session.stream(CHANGED_SINCE, {"carrier": carrier, "batch": batch_id})
    async for some in rows.partitions(_AT_ONCE):
        columns = [
            pa.array(column, field.type)
            for column, field in zip(zip(*some, strict=True), CHANGED, strict=True)
        ]
        parts.append(pa.Table.from_arrays(columns, schema=CHANGED))
    return pa.concat_tables(parts).combine_chunks()


def _as_of_now(keyring: Keyring, changed: pa.Table, batch: pa.RecordBatch) -> pa.RecordBatch:
    """A part of the findings with the verdicts and reasons that the ledger has now."""
    asked = tokens.tokens_of_numbers(keyring, "msisdn", batch["national"].to_numpy())
    place = pc.index_in(asked, changed["msisdn_token"], skip_nulls=True).fill_null(-1).to_numpy()
    row, verdict, reasons = (np.array(batch[name].to_numpy()) for name in (ROW, "verdict", "reasons"))
    only = changed[ROW].to_numpy()[place]
    at = np.flatnonzero((place >= 0) & ((only == 0) | (only == row)))
    verdict[at] = changed["verdict"].to_numpy()[place[at]]
    reasons[at] = changed["reasons"].to_numpy()[place[at]]
    for name, column in {"verdict": verdict, "reasons": reasons}.items():
        batch = batch.set_column(batch.schema.get_field_index(name), SCHEMA.field(name), pa.array(column))
    return batch
