"""A feedback file's rows, out of a run's findings: a batch's as checked, or a carrier's as it stands now.

Only the carrier's own reference and number, the verdict and the reasons are read and kept. What the register
holds stands in other columns of the findings, which nothing here opens.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.lake import tokens
from simcheck.lake.buckets import in_order
from simcheck.lake.encryption import Dataset
from simcheck.lake.files import Store
from simcheck.privacy import Keyring
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
# What other carriers' runs have changed since in rows of this one. A row of the same batch is known by its
# number; a number on two rows has one subscription.
CHANGED_SINCE = sa.text("""
SELECT coalesce(array_agg(asked.at - 1), '{}') AS at,
       coalesce(array_agg(subscription.verdict), '{}') AS verdict,
       coalesce(array_agg(subscription.reasons), '{}') AS reasons
FROM unnest(:tokens, :rows, :verdicts, :reasons) WITH ORDINALITY AS asked (token, row, verdict, reasons, at)
JOIN subscription ON subscription.msisdn_token = asked.token AND subscription.carrier = :carrier
WHERE (subscription.verdict, subscription.reasons) IS DISTINCT FROM (asked.verdict, asked.reasons)
  AND (subscription.batch_id <> :batch OR subscription.row = asked.row)
""").bindparams(
    sa.bindparam("tokens", type_=pg.ARRAY(sa.LargeBinary())),
    sa.bindparam("rows", type_=pg.ARRAY(sa.BigInteger())),
    sa.bindparam("verdicts", type_=pg.ARRAY(sa.SmallInteger())),
    sa.bindparam("reasons", type_=pg.ARRAY(sa.BigInteger())),
    sa.bindparam("batch", type_=sa.Uuid()),
)


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
    rows = _final(Dataset.open(store, keyring, findings), buckets)
    return await _write(store, keyring, target, _awaited(rows))


async def standing(
    session: AsyncSession, store: Store, keyring: Keyring, carrier: str, batch_id: uuid.UUID, findings: str,
    buckets: int, target: str,
) -> int:  # fmt: skip
    """Write what of a carrier is not verified now, as the ledger stands; returns how many rows.

    `findings` are those of its newest published run, on `batch_id`. Raises SealError, OutputError.
    """
    rows = _final(Dataset.open(store, keyring, findings), buckets)

    async def now() -> AsyncIterator[pa.Table]:
        async for table in _awaited(rows):
            yield await _as_of_now(session, keyring, carrier, batch_id, table)

    return await _write(store, keyring, target, now())


def _final(findings: Dataset, buckets: int) -> Iterator[pa.Table]:
    return in_order(findings, FINAL, buckets, SCHEMA.names)


async def _awaited(tables: Iterator[pa.Table]) -> AsyncIterator[pa.Table]:
    """The tables, each read in a thread."""
    while (table := await asyncio.to_thread(next, tables, None)) is not None:
        yield table


async def _write(store: Store, keyring: Keyring, target: str, tables: AsyncIterator[pa.Table]) -> int:
    dataset = Dataset.create(store, keyring, target)
    rows = 0
    with dataset.writing(FILE, SCHEMA) as writer:
        async for table in tables:
            wrong = table.filter(pc.not_equal(table["verdict"], 0)).cast(SCHEMA)
            rows += len(wrong)
            if len(wrong):
                await asyncio.to_thread(writer.write_table, wrong)
    await asyncio.to_thread(dataset.publish, rows=rows)
    return rows


async def _as_of_now(
    session: AsyncSession, keyring: Keyring, carrier: str, batch_id: uuid.UUID, table: pa.Table
) -> pa.Table:
    """A part of the findings with the verdicts and reasons that the ledger has now."""
    national = table["national"].to_numpy()
    read = np.flatnonzero(national)
    asked = tokens.tokens_of_numbers(keyring, "msisdn", national[read])
    row, verdict, reasons = (np.array(table[name].to_numpy()) for name in (ROW, "verdict", "reasons"))
    words = {
        "tokens": asked.to_pylist(), "rows": row[read].tolist(), "verdicts": verdict[read].tolist(),
        "reasons": reasons[read].tolist(), "carrier": carrier, "batch": batch_id,
    }  # fmt: skip
    changed = (await session.execute(CHANGED_SINCE, words)).one()
    at = read[np.array(changed.at, np.int64)]
    verdict[at], reasons[at] = changed.verdict, changed.reasons
    columns = {"verdict": verdict, "reasons": reasons}
    for name, column in columns.items():
        table = table.set_column(table.schema.get_field_index(name), SCHEMA.field(name), pa.array(column))
    return table
