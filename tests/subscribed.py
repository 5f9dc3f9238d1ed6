"""What a published run would have left: a register, a batch, a run, subscriptions. For tests of the gate."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from simcheck.matching.rules import VERDICTS

NUMBER, ID = "+84912345678", "001085000042"
_CURRENT = "SELECT id FROM register_snapshot WHERE state = 'current'"


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def register(owner: Any, as_of: datetime | None = None, imported_at: datetime | None = None) -> uuid.UUID:
    """A new current register; the one before retires."""
    made = uuid.uuid4()
    owner.execute("UPDATE register_snapshot SET state = 'retired' WHERE state = 'current'")
    owner.execute(
        "INSERT INTO register_snapshot (id, state, path, as_of, imported_at) "
        "VALUES (%s, 'current', %s, %s, %s)",
        [made, f"register/{made}", as_of or ago(hours=2), imported_at or ago(hours=1)],
    )
    return made


def published(owner: Any, carrier: str = "viettel", received_at: datetime | None = None) -> dict[str, Any]:
    """A published run of a new batch of the carrier, against the current register."""
    batch, run = uuid.uuid4(), uuid.uuid4()
    owner.execute("SET app.scope = 'ministry'")
    owner.execute("INSERT INTO carrier VALUES (%s, now()) ON CONFLICT DO NOTHING", [carrier])
    owner.execute(
        "INSERT INTO batch (id, carrier, client, kind, state, digest, bytes, received_at, changed_at) "
        "VALUES (%s, %s, 'c', 'snapshot', 'done', %s, 1, %s, now())",
        [batch, carrier, batch.bytes, received_at or ago(hours=1)],
    )
    owner.execute(
        "INSERT INTO run (id, kind, carrier, batch_id, register_id, state, buckets, made_at, changed_at, "
        "published_at) "
        f"VALUES (%s, 'batch', %s, %s, ({_CURRENT}), 'published', 4, now(), now(), now())",
        [run, carrier, batch],
    )  # fmt: skip
    return {"carrier": carrier, "batch_id": batch, "run_id": run}


def subscribed(owner: Any, service: Any, run: dict[str, Any], **cells: Any) -> None:
    """A subscription of that run: verified and active unless `cells` (columns) say otherwise."""
    number, key = cells.pop("number", 912345678), cells.pop("key", int(ID))
    row = {
        "msisdn_token": service.keyring.token("msisdn", number),
        "id_token": key and service.keyring.token("id", key),
        "verdict": VERDICTS.index(cells.pop("verdict", "verified")),
        "reasons": 0, "status": "active", "activated_on": ago(days=400).date(), "bucket": 0, "row": 1,
        "facts": bytes(32), "cells": 0, "changed_at": ago(hours=1), **run, **cells,
    }  # fmt: skip
    owner.execute("SET app.scope = 'ministry'")
    owner.execute(
        f"INSERT INTO subscription ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})",
        list(row.values()),
    )


def declared(service: Any, run: dict[str, Any], rows: list[dict[str, str]], bucket: int = 0) -> None:
    """The run's declared dataset with these rows (numbered from 1) in one bucket, as a load leaves it."""
    from simcheck.lake.buckets import BucketWriter
    from simcheck.lake.encryption import Dataset
    from simcheck.records import DECLARED_COLUMNS, PROBLEM, ROW, declared_schema

    name = f"declared/{run['carrier']}/{run['batch_id']}"
    dataset = Dataset.create(service.store, service.keyring, name)
    table: dict[str, list[Any]] = {ROW: list(range(1, len(rows) + 1)), PROBLEM: [None] * len(rows)}
    table |= {column: [row.get(column) for row in rows] for column in DECLARED_COLUMNS}
    with BucketWriter(dataset, "declared", declared_schema(), 4) as writer:
        writer.add(pa.record_batch(table, declared_schema()), np.full(len(rows), bucket, np.int64))
    dataset.publish(buckets=4)
