"""What tests of runs stand on: batches as a load leaves them, jobs done by a worker, a run's last word."""

from __future__ import annotations

import datetime
import hashlib
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from simcheck import clock
from simcheck.lake.buckets import BucketWriter, read
from simcheck.lake.encryption import Dataset
from simcheck.matching.rules import VERDICTS
from simcheck.normalise import citizen_ids, dates
from simcheck.records import DECLARED_COLUMNS, ROW, declared_schema
from simcheck.register.index import bucket_of
from simcheck.register.keeping import take_in
from tests.building import AS_OF, BatchReading, Citizen, reasons_of, register

# Jobs of a later moment are not due, nor are those of a test whose clock is ahead of the database's.
DUE = sa.text(
    "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND coalesce(scheduled_at <= now(), true)"
)
NOON = datetime.datetime.combine(AS_OF, datetime.time(5), datetime.UTC)  # noon in Viet Nam


class Found(NamedTuple):
    """A row's last word."""

    verdict: str
    reasons: frozenset[str]
    score: float | None


async def a_register(service: Any, folder: Path, citizens: Sequence[Citizen], buckets: int = 4) -> None:
    """Take in a register, as `simcheck register import` does."""
    path = register(folder / f"{uuid.uuid4().hex}.parquet", citizens)
    await take_in(service, path, AS_OF, 1, buckets)


async def a_batch(
    service: Any,
    carrier: str,
    reading: Iterable[pa.RecordBatch],
    present: Iterable[str],
    buckets: int = 4,
    moved: Any = lambda bucket: bucket,
) -> uuid.UUID:
    """Rows of a carrier as a load leaves them: a dataset in the lake, a batch that is to be checked.

    `moved` puts rows into other buckets than their number's.
    """
    from simcheck.access.models import Carrier
    from simcheck.queue import enqueue
    from simcheck.uploads.models import Batch

    batch_id = uuid.uuid4()
    dataset = Dataset.create(service.store, service.keyring, f"declared/{carrier}/{batch_id}")
    rows = 0
    with BucketWriter(dataset, "declared", declared_schema(), buckets) as writer:
        for batch in reading:
            born = dates.normalise(batch["date_of_birth"], AS_OF)
            key = citizen_ids.normalise(
                batch["id_number"], batch["id_type"], born, batch["gender"], AS_OF
            ).key
            row = batch[ROW].to_numpy()
            writer.add(batch, moved(np.where(key > 0, bucket_of(key, buckets), row % buckets)))
            rows += len(batch)
    dataset.publish(
        rows=rows, own=rows, buckets=buckets, as_of=AS_OF.isoformat(), present=sorted(present), ignored=[],
        warnings=[],
    )  # fmt: skip
    now = clock.now()
    async with service.database.transaction("test", carrier, ministry=True) as session:
        if await session.get(Carrier, carrier) is None:
            session.add(Carrier(code=carrier, added_at=now))
            await session.flush()
        session.add(
            Batch(
                id=batch_id,
                carrier=carrier,
                client="test",
                kind="snapshot",
                state="checking",
                size=1,
                digest=hashlib.sha256(batch_id.bytes).digest(),
                rows=rows,
                counts={},
                received_at=now,
                changed_at=now,
            )
        )
        await session.flush()
        await enqueue(session, "runs.start", queueing_lock=f"runs.start/{batch_id}", batch_id=str(batch_id))
    return batch_id


async def a_file(
    service: Any, carrier: str, rows: Sequence[dict[str, str | None]], buckets: int = 4
) -> uuid.UUID:
    """`a_batch` of rows that are given."""
    reading = BatchReading(rows, DECLARED_COLUMNS, 100)
    return await a_batch(service, carrier, reading, reading.present, buckets)


async def work(service: Any, concurrency: int = 1, *, sweeping: bool = False) -> None:
    """Do every job that is due, and those that they enqueue; `sweeping`, all sweeps among them."""
    from jobs.app import run_worker

    while True:
        await run_worker(service, concurrency=concurrency, wait=False, sweeping=sweeping)
        async with service.database.transaction("test") as session:
            if not await session.scalar(DUE):
                return


def final(owner: Any, service: Any, carrier: str) -> list[Found]:
    """The last word of every row of a carrier's newest published run, in the order of its file."""
    run, buckets = owner.execute(
        "SELECT id, buckets FROM run WHERE carrier = %s AND state = 'published' ORDER BY published_at DESC",
        [carrier],
    ).fetchone()
    dataset = Dataset.open(service.store, service.keyring, f"findings/{carrier}/{run}")
    table = pa.concat_tables(
        pa.Table.from_batches(list(read(dataset, "final", bucket)))
        for bucket in range(buckets)
        if dataset.manifest["files"].get(f"final-{bucket:04d}")
    ).sort_by(ROW)
    assert table[ROW].to_pylist() == list(range(1, len(table) + 1))
    return [
        Found(VERDICTS[verdict].value, frozenset(reasons_of(reasons)), score)
        for verdict, reasons, score in zip(
            table["verdict"].to_pylist(),
            table["reasons"].to_pylist(),
            table["score"].to_pylist(),
            strict=True,
        )
    ]


def subscriptions(owner: Any) -> list[tuple[Any, ...]]:
    """All that counts of every subscription, whichever run or batch wrote it."""
    return owner.execute(
        "SELECT carrier, msisdn_token, id_token, contract_token, verdict, reasons, name_score,"
        " status, claimants, activated_on, facts, cells FROM subscription ORDER BY carrier, msisdn_token"
    ).fetchall()
