"""How many notices a second are planned, composed and stored: on an embedded PostgreSQL, from a real lake.

.venv/bin/python tests/bench/notices.py [CASES] [NOTICES]

CASES open cases begin their notices at once; then NOTICES of them are due at one moment, and become sealed
messages. Their records lie in 64 buckets, every other one somebody else's. Beside the time, the processor
time of this process is printed (the rest is PostgreSQL's).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from simcheck import clock, migrations
from simcheck.config import Settings
from simcheck.db.embedded import Embedded
from simcheck.db.engine import Database
from simcheck.lake.buckets import BUCKETS, BucketWriter
from simcheck.lake.encryption import Dataset
from simcheck.lake.files import Store
from simcheck.lake.tokens import tokens_of_numbers
from simcheck.messages import compose
from simcheck.messages.words import Group, Kind, Language, Values
from simcheck.normalise.cells import fixed_width
from simcheck.notices import campaigns, plan, policy, tracks
from simcheck.privacy import Keyring
from simcheck.reasons import Reason
from simcheck.records import ROW, declared_schema
from simcheck.service import Service
from tests import subscribed
from tests.running import NOON

CASES = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
NOTICES = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
FIRST, OTHERS = 900_000_001, 1
MOST_SECONDS = 8.0  # for NOTICES of them
SUBSCRIPTIONS = """
INSERT INTO subscription (msisdn_token, carrier, id_token, verdict, reasons, status, facts, cells, bucket,
                          row, batch_id, run_id, changed_at)
SELECT token, 'viettel', token, 2, %s, 'active', token, 0, bucket, row, %s, %s, now() FROM given
"""
OPENED = """
INSERT INTO "case" (id, code, carrier, msisdn_token, state, acts, verdict, reasons, opened_at, changed_at,
                    severity, clock_left)
SELECT gen_random_uuid(), 'C' || row, 'viettel', token, 'with_holder', 'holder', 2, %s, now(), now(), 1,
       interval '72 hours'
FROM given
"""


@contextmanager
def measured(what: str, rows: int) -> Iterator[list[float]]:
    taken = [0.0]
    began, used = time.perf_counter(), time.process_time()
    yield taken
    taken[0] = time.perf_counter() - began
    own = time.process_time() - used
    print(f"{what:46} {rows / taken[0]:12,.0f} /s {taken[0]:7.2f} s {own:7.2f} s of our own", flush=True)


def country(service: Service, owner: psycopg.Connection) -> None:
    """Declared records, subscriptions and open cases; every (OTHERS + 1)th record is wrong."""
    subscribed.register(owner)
    run = subscribed.published(owner)
    schema = declared_schema()
    dataset = Dataset.create(service.store, service.keyring, f"declared/viettel/{run['batch_id']}")
    with BucketWriter(dataset, "declared", schema, BUCKETS) as writer:
        for start in range(1, CASES * (OTHERS + 1) + 1, 1 << 17):
            rows = np.arange(start, min(start + (1 << 17), CASES * (OTHERS + 1) + 1))
            cells = {ROW: pa.array(rows), "msisdn": fixed_width(FIRST + rows, "0", 9)}
            none = pa.nulls(len(rows), pa.string())
            arrays = [cells.get(name, none) for name in schema.names]
            writer.add(pa.RecordBatch.from_arrays(arrays, schema=schema), rows % BUCKETS)
    dataset.publish()
    wrong = np.arange(1, CASES + 1) * (OTHERS + 1)
    owner.execute("CREATE TEMPORARY TABLE given (token bytea, bucket int, row bigint)")
    tokens = tokens_of_numbers(service.keyring, "msisdn", FIRST + wrong).to_pylist()
    with owner.cursor().copy("COPY given FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["bytea", "int4", "int8"])
        for token, row in zip(tokens, wrong.tolist(), strict=True):
            copy.write_row((token, row % BUCKETS, row))
    mask = Reason.NAME_DIFFERENT.mask
    owner.execute(SUBSCRIPTIONS, [mask, run["batch_id"], run["run_id"]])
    owner.execute(OPENED, [mask])
    owner.execute("ANALYZE")


def composed() -> None:
    values = Values("***678", "K7M2P-9QXRT", NOON.date(), "simcheck.example.vn", "1414", "18008098")
    with measured("texts composed and their parts counted", NOTICES):
        for _ in range(NOTICES):
            compose.sms(Kind.FIRST, Group.NAME, Language.VI, True, values)


async def planned(service: Service, owner: psycopg.Connection) -> float:
    rules = policy.load()

    async def begin(hold: bool) -> int:
        async with service.database.transaction("bench", ministry=True) as session:
            return await tracks.begin(session, rules, hold=hold)

    with measured("cases that begin their notices", CASES):
        begun = CASES
        while begun:
            begun = await begin(True)
    owner.execute("ANALYZE notice_track")
    with measured("cases looked at when nothing has changed", CASES):
        await begin(True)
        async with service.database.transaction("bench", ministry=True) as session:
            await tracks.resume(session, rules, hold=True)
            await tracks.pause(session)
            await tracks.end(session)
    owner.execute(
        "UPDATE notice_track SET state = 'active', next_at = %s "
        "WHERE case_id IN (SELECT case_id FROM notice_track LIMIT %s)",
        [NOON - timedelta(minutes=1), NOTICES],
    )
    with measured("notices found, composed, sealed and stored", NOTICES) as taken:
        async with service.database.transaction("bench", ministry=True) as session:
            due = await plan.find(session, rules)
        assert len(due) == NOTICES
        for start in range(0, len(due), plan.BATCH):
            async with service.database.transaction("bench", ministry=True) as session:
                await plan.make(session, service, rules, due[start : start + plan.BATCH])
    stored = owner.execute("SELECT count(*), sum(parts) FROM message").fetchone()
    assert stored == (NOTICES, NOTICES * 3), stored
    return taken[0]


async def counted(service: Service) -> None:
    """A campaign over all that still wait."""
    waiting = CASES - NOTICES
    with measured("a campaign counted, to the part", waiting):
        async with service.database.transaction("bench", ministry=True) as session:
            made = await campaigns.preview(session, service, policy.load(), "bench", campaigns.Filter())
    assert (made.tracks, made.sms, made.parts) == (waiting, waiting, waiting * 3)


async def main() -> float:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with Embedded(Path(folder)) as embedded:
            migrations.upgrade(embedded.url())
            database = Database(embedded.url(), 4)
            settings = Settings(home=Path(folder), public_url="https://simcheck.example.vn")
            service = Service(settings, Keyring.make(), database, Store(Path(folder) / "lake"))
            try:
                with psycopg.connect(embedded.url(), autocommit=True) as owner:
                    country(service, owner)
                    composed()
                    with clock.fixed(NOON):
                        seconds = await planned(service, owner)
                        await counted(service)
            finally:
                await database.close()
    return seconds


if __name__ == "__main__":
    seconds = asyncio.run(main())
    if seconds > MOST_SECONDS * NOTICES / 20_000:
        sys.exit(f"{NOTICES:,} notices took {seconds:.1f} s, more than {MOST_SECONDS:.0f} s for 20,000")
