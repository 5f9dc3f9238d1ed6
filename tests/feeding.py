"""A run's final findings in the lake, as the runs leave them; and a published run in the ledger."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
import pyarrow as pa

from simcheck.lake.buckets import BucketWriter
from simcheck.lake.encryption import Dataset
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Reason, Verdict

REGISTERED = 91_000_000_000  # numbers that only the register knows begin here
NATIONAL = 912_000_000
SCHEMA = pa.schema(
    [
        ("row", pa.int64()), ("national", pa.int64()), ("key", pa.int64()), ("verdict", pa.uint8()),
        ("reasons", pa.uint64()), ("score", pa.float32()), ("row_ref", pa.string()), ("person", pa.int64()),
        ("over", pa.bool_()), ("mask", pa.uint64()),
    ]
)  # fmt: skip
KINDS = (
    (Verdict.VERIFIED, ()),
    (Verdict.VARIANT, (Reason.NAME_DIACRITICS,)),
    (Verdict.MISMATCH, (Reason.NAME_DIFFERENT, Reason.DOB_TYPO)),
    (Verdict.REJECTED, (Reason.MSISDN_INVALID,)),
)
REFS = ("KH-{}", '=cmd("{}")', "a,b\n{}", None, "<&\x01{}>")


def kind(row: int) -> tuple[Verdict, tuple[Reason, ...]]:
    return KINDS[row % len(KINDS)]


def reference(row: int) -> str | None:
    text = REFS[row % len(REFS)]
    return text.format(row) if text else None


def findings(store: Any, keyring: Any, name: str, rows: int, buckets: int) -> Dataset:
    """Row i is of `kind(i)`, with `reference(i)` and the number NATIONAL + i; rejected ones have none."""
    row = np.arange(1, rows + 1, dtype=np.int64)
    verdicts = [kind(each)[0] for each in row]
    dataset = Dataset.create(store, keyring, name)
    batch = pa.record_batch(
        [
            row,
            [
                0 if verdict is Verdict.REJECTED else NATIONAL + int(at)
                for at, verdict in zip(row, verdicts, strict=True)
            ],
            row + REGISTERED,
            pa.array([VERDICTS.index(each) for each in verdicts], pa.uint8()),
            pa.array([sum(reason.mask for reason in kind(each)[1]) for each in row], pa.uint64()),
            pa.nulls(rows, pa.float32()),
            [reference(int(each)) for each in row],
            row + 2 * REGISTERED,
            pa.array([False] * rows),
            pa.array([0] * rows, pa.uint64()),
        ],
        schema=SCHEMA,
    )
    with BucketWriter(dataset, "final", SCHEMA, buckets) as writer:
        writer.add(batch, row * 7 % buckets)
    dataset.publish(buckets=buckets, rows=rows)
    return dataset


def published_run(
    owner: Any, service: Any, carrier: str = "viettel", rows: int = 200, kind: str = "batch"
) -> tuple[uuid.UUID, uuid.UUID]:
    """A batch of so many rows whose run is published: (batch, run)."""
    batch, run, register = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    owner.execute("INSERT INTO carrier VALUES (%s, now()) ON CONFLICT DO NOTHING", [carrier])
    owner.execute(
        "INSERT INTO batch (id, carrier, client, kind, state, digest, bytes, received_at, changed_at, "
        "done_at) VALUES (%s, %s, 'c', 'snapshot', 'done', %s, 1, now(), now(), now())",
        [batch, carrier, batch.bytes],
    )
    owner.execute(
        "INSERT INTO register_snapshot (id, state, path, imported_at) VALUES (%s, 'retired', '', now())",
        [register],
    )
    owner.execute(
        "INSERT INTO run (id, kind, carrier, batch_id, register_id, state, buckets, made_at, changed_at, "
        "published_at) VALUES (%s, %s, %s, %s, %s, 'published', 3, now(), now(), now())",
        [run, kind, carrier, batch, register],
    )
    findings(service.store, service.keyring, f"findings/{carrier}/{run}", rows, 3)
    return batch, run
