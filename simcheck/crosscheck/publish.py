"""Publishing a run: what changed of its subscriptions, in the one transaction that makes the run true.

What the run found is staged in a temporary table and merged: rows of which nothing changed are not touched,
and keep pointing to the batch that last changed them. The changes stay in the temporary table
`changed_subscription` for whoever comes after in the same transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.crosscheck.finish import Task, Whole
from simcheck.crosscheck.places import Lake
from simcheck.crosscheck.staging import HEADER, OTHERS, OWN, TRAILER, other_rows, own_rows
from simcheck.normalise.statuses import Status

_SQL = {
    "token": "bytea",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "bool": "bool",
}
_DATES = {"activated_on"}


def _table(name: str, shape: dict[str, str]) -> str:
    columns = (f"{each} {'date' if each in _DATES else _SQL[kind]}" for each, kind in shape.items())
    return f"CREATE TEMPORARY TABLE {name} ({', '.join(columns)}) ON COMMIT DROP"


FOUND, FOUND_ELSEWHERE = sa.text(_table("found", OWN)), sa.text(_table("found_elsewhere", OTHERS))
# One publishes at a time, and joins millions of rows.
ROOM = sa.text("SET LOCAL work_mem = '192MB'")
# The planner knows nothing of a table that was filled a moment ago.
ANALYZE = sa.text("ANALYZE found")
# What a decision about a subscription rests on, as one digest.
FACTS = """sha256(
    coalesce(id_token, '\\x') || '\\x00' || int2send(verdict) || int8send(reasons)
    || coalesce(contract_token, '\\x') || '\\x00' || int2send(claimants))"""
# The run's rows beside what is there: those that are new, gone or different. `told` are those whose change is
# told to others; of the rest the declared cells alone changed, or their place in the lake is to be given up.
MOVED = sa.text(
    """
CREATE TEMPORARY TABLE moved ON COMMIT DROP AS
WITH read AS (
    SELECT msisdn_token, nullif(id_token, :none) AS id_token, nullif(contract_token, :none) AS contract_token,
           nullif(row_ref_token, :none) AS row_ref_token, verdict, reasons,
           nullif(name_score, 'NaN') AS name_score, (CAST(:statuses AS text[]))[status + 1] AS status,
           claimants, nullif(activated_on, '-infinity') AS activated_on, cells, bucket, row
    FROM found
), new AS (
    SELECT *, {FACTS} AS facts FROM read
), old AS (
    SELECT * FROM subscription WHERE carrier = :carrier
)
SELECT coalesce(new.msisdn_token, old.msisdn_token) AS msisdn_token,
       coalesce(new.id_token, CASE WHEN new.msisdn_token IS NULL THEN old.id_token END) AS id_token,
       coalesce(new.contract_token, CASE WHEN new.msisdn_token IS NULL THEN old.contract_token END)
           AS contract_token,
       new.row_ref_token, new.verdict, coalesce(new.reasons, 0) AS reasons, new.name_score, new.status,
       coalesce(new.claimants, 0::smallint) AS claimants, new.activated_on, new.cells,
       coalesce(new.bucket, old.bucket) AS bucket, coalesce(new.row, old.row) AS row,
       CASE WHEN new.msisdn_token IS NULL THEN old.batch_id ELSE CAST(:batch AS uuid) END AS batch_id,
       coalesce(new.facts, old.facts) AS facts,
       old.verdict AS old_verdict, coalesce(old.reasons, 0) AS old_reasons,
       new.msisdn_token IS NULL AS gone, new.facts IS DISTINCT FROM old.facts AS told
FROM new FULL JOIN old ON old.msisdn_token = new.msisdn_token
WHERE (new.facts, new.cells, new.status, new.name_score) IS DISTINCT FROM
          (old.facts, old.cells, old.status, old.name_score)
   OR old.batch_id = ANY (:leaving) AND old.batch_id <> :batch
""".replace("{FACTS}", FACTS)
)
REMOVE = sa.text("""
DELETE FROM subscription USING moved
WHERE moved.gone AND subscription.msisdn_token = moved.msisdn_token AND subscription.carrier = :carrier
""")
# In the order of the primary key, whose index then grows at one place.
MERGE = sa.text("""
INSERT INTO subscription (
    msisdn_token, carrier, id_token, contract_token, row_ref_token, verdict, reasons, name_score, status,
    claimants, activated_on, bucket, row, facts, cells, batch_id, run_id, changed_at)
SELECT msisdn_token, :carrier, id_token, contract_token, row_ref_token, verdict, reasons, name_score, status,
       claimants, activated_on, bucket, row, facts, cells, batch_id, :run, :now
FROM moved WHERE NOT gone
ORDER BY msisdn_token
ON CONFLICT (msisdn_token, carrier) DO UPDATE SET
    id_token = excluded.id_token, contract_token = excluded.contract_token,
    row_ref_token = excluded.row_ref_token, verdict = excluded.verdict, reasons = excluded.reasons,
    name_score = excluded.name_score, status = excluded.status, claimants = excluded.claimants,
    activated_on = excluded.activated_on, bucket = excluded.bucket, row = excluded.row,
    facts = excluded.facts, cells = excluded.cells, batch_id = excluded.batch_id, run_id = excluded.run_id,
    changed_at = excluded.changed_at
""")
CHANGED = sa.text("""
CREATE TEMPORARY TABLE changed_subscription ON COMMIT DROP AS
SELECT CAST(:carrier AS text) AS carrier, msisdn_token, id_token, contract_token, old_verdict,
       old_reasons, verdict AS new_verdict, reasons AS new_reasons, batch_id,
       bucket, row, claimants, facts
FROM moved WHERE told
""")
# Other carriers' rows whose claims or limits changed by this run.
ELSEWHERE = sa.text(
    """
WITH new AS (
    SELECT old.msisdn_token, old.carrier, old.id_token, old.contract_token, old.verdict AS old_verdict,
           old.reasons AS old_reasons, found.verdict, found.reasons, found.claimants
    FROM found_elsewhere AS found
    JOIN subscription AS old ON old.msisdn_token = found.msisdn_token
        AND old.carrier = (CAST(:carriers AS text[]))[found.carrier + 1]
    WHERE (old.verdict, old.reasons, old.claimants)
        IS DISTINCT FROM (found.verdict, found.reasons, found.claimants)
), written AS (
    UPDATE subscription SET verdict = new.verdict, reasons = new.reasons, claimants = new.claimants,
        facts = new.facts, changed_at = :now
    FROM (SELECT *, {FACTS} AS facts FROM new) AS new
    WHERE subscription.msisdn_token = new.msisdn_token AND subscription.carrier = new.carrier
    RETURNING subscription.*, new.old_verdict, new.old_reasons
)
INSERT INTO changed_subscription
SELECT carrier, msisdn_token, id_token, contract_token, old_verdict, old_reasons, verdict, reasons, batch_id,
       bucket, row, claimants, facts
FROM written
""".replace("{FACTS}", FACTS)
)


async def write(
    session: AsyncSession, lake: Lake, task: Task, whole: Whole, leaving: list[Any]
) -> dict[str, int]:
    """Merge a finished run into `subscription`; how many rows were written there and told as changed.

    `leaving` are batches whose rows are to leave the lake: no subscription points to them afterwards.
    """
    now: datetime = clock.now()
    await session.execute(ROOM)
    await session.execute(FOUND)
    await _copy(session, "found", own_rows(lake, task, whole))
    await session.execute(ANALYZE)
    moved = await session.execute(
        MOVED,
        {"carrier": task.carrier, "batch": task.batch, "leaving": leaving, "none": bytes(32),
         "statuses": [status.name.lower() for status in Status]},
    )  # fmt: skip
    await session.execute(REMOVE, {"carrier": task.carrier})
    await session.execute(MERGE, {"carrier": task.carrier, "run": task.run, "now": now})
    await session.execute(CHANGED, {"carrier": task.carrier})
    if whole.others:
        await session.execute(FOUND_ELSEWHERE)
        await _copy(session, "found_elsewhere", other_rows(lake.keyring, whole))
        carriers = [rows.carrier for rows, _, _ in whole.others]
        await session.execute(ELSEWHERE, {"carriers": carriers, "now": now})
    changed = await session.scalar(sa.text("SELECT count(*) FROM changed_subscription"))
    return {"written": moved.rowcount, "changed": int(changed or 0)}  # type: ignore[attr-defined]


async def _copy(session: AsyncSession, table: str, blocks: Iterable[bytes]) -> None:
    connection = await session.connection()
    raw = (await connection.get_raw_connection()).driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)
    coming = iter(blocks)
    async with raw.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
        await copy.write(HEADER)
        # made in another thread, so that this process gives signs of life meanwhile
        while block := await asyncio.to_thread(next, coming, None):
            await copy.write(block)
        await copy.write(TRAILER)
