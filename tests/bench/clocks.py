"""How long it takes to reckon and to simulate a country's clocks, on an embedded PostgreSQL.

.venv/bin/python tests/bench/clocks.py [CLOCKS] [DAYS]

CLOCKS open clocks of ten carriers and 34 provinces lie on all tracks of the shipped policy, more or less far.
They are reckoned (the job: a fiftieth of them), simulated over DAYS from the database, and projected one by
one.
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

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from simcheck import clock, migrations
from simcheck.config import Settings
from simcheck.db.embedded import Embedded
from simcheck.db.engine import Database
from simcheck.enforcement import columns, policy, project, store
from simcheck.enforcement.clocks import NEVER, Columns
from simcheck.enforcement.simulate import simulate
from simcheck.lake.files import Store
from simcheck.privacy import Keyring
from simcheck.service import Service
from tests import clocking
from tests.running import NOON

CLOCKS = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
DAYS = int(sys.argv[2]) if len(sys.argv) > 2 else 120
MOST_SECONDS = 60.0  # for the simulation of CLOCKS
TRACKS = {
    "D163_2024": "not_compliant", "C08_ART10_OTHER_H2H": "not_verified", "C08_ART10_NOT_MINE": "disowned",
    "C08_ART10_CMND9": "old_id", "C08_ART8_DEVICE": "device_change",
}  # fmt: skip
# Clocks of 200 days, to the second; of ten, six have reached nothing, three one step and one two.
FILL = """
INSERT INTO clock (carrier, msisdn_token, province, trigger, track, policy_version, started_at, event_at,
                   step, step_at, shift, notice_days, told_at, warned_at, reckoned)
SELECT 'carrier' || n %% 10, decode(lpad(to_hex(n), 64, '0'), 'hex'), lpad((n %% 34)::text, 3, '0'),
       (%(triggers)s::text[])[1 + n %% 5], (%(tracks)s::text[])[1 + n %% 5], %(version)s, started, started,
       step, CASE WHEN step > 0 THEN started + interval '20 days' END,
       CASE WHEN n %% 7 = 0 THEN interval '50 hours' ELSE '0' END, n %% 9, started, started, n %% 50 > 0
FROM (SELECT n, (ARRAY[0, 0, 0, 0, 0, 0, 1, 1, 1, 2])[1 + (n / 5) %% 10] AS step,
             %(at)s - (n * 7919 %% 17280000) * interval '1 second' AS started
      FROM generate_series(1::bigint, %(clocks)s) AS n) AS each
"""

INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = 'clock'::regclass
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""


@contextmanager
def measured(what: str, rows: int) -> Iterator[list[float]]:
    taken = [0.0]
    began, used = time.perf_counter(), time.process_time()
    yield taken
    taken[0] = time.perf_counter() - began
    own = time.process_time() - used
    print(f"{what:46} {rows / taken[0]:12,.0f} /s {taken[0]:7.2f} s {own:7.2f} s of our own", flush=True)


def fill(owner: psycopg.Connection) -> None:
    owner.execute("SET app.scope = 'ministry'")
    words = {
        "tracks": list(TRACKS), "triggers": list(TRACKS.values()), "version": policy.SHIPPED, "at": NOON,
        "clocks": CLOCKS,
    }  # fmt: skip
    indexes = owner.execute(INDEXES).fetchall()  # built in the end, they take a tenth of the time
    for name, _ in indexes:
        owner.execute(f"DROP INDEX {name}")
    owner.execute(FILL, words)
    owner.execute("SET maintenance_work_mem = '256MB'")
    for _, made in indexes:
        owner.execute(made)
    owner.execute("VACUUM ANALYZE clock")


async def worked(service: Service) -> float:
    stale = CLOCKS // 50
    with measured("clocks reckoned and written", stale):
        done = stale
        while done:
            async with service.database.transaction("bench", ministry=True) as session:
                done = await columns.reckon(session, await store.policies(session))
    with measured("clocks looked at when nothing has changed", CLOCKS):
        await clocking.follow(service, clock.now())
    with measured(f"clocks simulated over {DAYS} days", CLOCKS) as taken:
        async with service.database.transaction("bench", ministry=True) as session:
            rules = await store.in_force(session)
            assert rules is not None
            found = await simulate(session, rules, store.today(), DAYS)
    print(f"{found.clocks:,} clocks, {int(found.counts.sum()):,} orders, {sum(found.brakes)} brake days")
    assert found.clocks == CLOCKS
    with measured("clocks projected one by one", CLOCKS):
        project.project(drawn(), rules, store.today(), DAYS)
    return taken[0]


def drawn() -> Columns:
    chance = np.random.default_rng(1)
    begun = project.opening(store._read(policy.shipped()), store.today())
    moments = begun - chance.integers(0, 200 * 86_400, CLOCKS) * 1_000_000
    step = chance.integers(0, 3, CLOCKS)
    never = np.full(CLOCKS, NEVER)
    return Columns(
        track=chance.integers(0, 9, CLOCKS), step=step, started_at=moments, step_at=moments,
        shift=chance.integers(0, 10**11, CLOCKS), notice_days=chance.integers(0, 9, CLOCKS), told_at=never,
        warned_at=never, event_at=moments,
    )  # fmt: skip


async def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        fast = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        Path(place).chmod(0o755)
        with Embedded(Path(place), fast) as server:
            url = server.url("postgres")
            migrations.upgrade(url)
            settings = Settings(home=Path(place) / "home", database_url=url)
            service = Service(settings, Keyring.make(), Database(url, 4), Store(settings.lake_location))
            try:
                await clocking.in_force(service)
                with psycopg.connect(url, autocommit=True) as owner, measured("clocks made", CLOCKS):
                    fill(owner)
                with clock.fixed(NOON + timedelta(hours=1)):
                    taken = await worked(service)
            finally:
                await service.database.close()
    assert taken <= MOST_SECONDS, f"{taken:.1f} s: more than {MOST_SECONDS:.0f} s"


if __name__ == "__main__":
    asyncio.run(main())
