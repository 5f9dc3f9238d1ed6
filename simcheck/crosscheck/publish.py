"""Publishing a run: what changed of its subscriptions, in the one transaction that makes the run true.

What the run found is staged in a temporary table and merged: rows of which nothing changed are not touched,
and keep pointing to the batch that last changed them. It is done in parts, by ranges of the numbers' tokens:
a part is sorted and compared in memory, whatever the carrier's size, and the index grows at one place.
What others have to follow stays in the temporary table `changed_subscription`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock, log
from simcheck.crosscheck.finish import Task, Whole
from simcheck.crosscheck.places import Lake
from simcheck.crosscheck.staging import HEADER, OTHERS, OWN, OWN_TEXT, TRAILER, other_rows, own_rows
from simcheck.matching.rules import VERDICTS
from simcheck.normalise import provinces
from simcheck.normalise.statuses import Status
from simcheck.privacy import TOKEN_BYTES
from simcheck.reasons import Verdict

_SQL = {
    "token": "bytea",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "bool": "bool",
    "text": "text",
}
_DATES = {"activated_on"}
_DROP = " ON COMMIT DROP"


def _table(name: str, shape: dict[str, str]) -> str:
    columns = (f"{each} {'date' if each in _DATES else _SQL[kind]}" for each, kind in shape.items())
    return f"CREATE TEMPORARY TABLE {name} ({', '.join(columns)})"


FOUND, FOUND_ELSEWHERE = (
    _table("found", OWN | {OWN_TEXT: "text"}),
    sa.text(_table("found_elsewhere", OTHERS) + _DROP),
)
PART_ROWS = 250_000  # of a part, about: some 60 MB of staged rows
MOST_PARTS = 256
PAST_ALL = b"\xff" * 33  # above any token
# One publishes at a time, and sorts and joins a part of its rows.
ROOM = sa.text("SELECT set_config('work_mem', '128MB', true), set_config('jit', 'off', true)")
# The planner knows nothing of a table that was filled a moment ago.
ANALYZE = sa.text("ANALYZE found")
# `told` as in MERGE; `moved`: its province was another before.
CHANGED = sa.text("""
CREATE TEMPORARY TABLE changed_subscription (
    carrier text, msisdn_token bytea, id_token bytea, contract_token bytea, new_verdict smallint,
    new_reasons bigint, facts bytea, province text, told boolean, moved boolean
) ON COMMIT DROP
""")
# What a decision about a subscription rests on, as one digest.
FACTS = """sha256(
    coalesce(id_token, '\\x') || '\\x00' || int2send(verdict) || int8send(reasons)
    || coalesce(contract_token, '\\x') || '\\x00' || int2send(claimants))"""
# A part of the run's rows beside what is there: those that are new, gone or different. `told` are those whose
# change is told to others; of the rest the declared cells alone changed, or their place in the lake is to be
# given up. Of numbers that are gone or over it is noted since when: what hangs on them is kept for a while.
# What an order preserves is kept as it was before (step 0024).
# Followed are those of them that are not in order now, and those that have or had a case; and those that
# `moved` to another province, whose cases move with them.
MERGE = sa.text(
    """
WITH read AS (
    SELECT msisdn_token, nullif(id_token, :none) AS id_token, nullif(contract_token, :none) AS contract_token,
           verdict, reasons, nullif(name_score, 'NaN') AS name_score,
           (CAST(:statuses AS text[]))[status + 1] AS status, claimants,
           nullif(activated_on, '-infinity') AS activated_on, cells, bucket, row,
           (CAST(:provinces AS text[]))[province + 1] AS province, point_of_sale
    FROM found WHERE msisdn_token >= :low AND msisdn_token < :high
), new AS (
    SELECT *, {FACTS} AS facts FROM read
), old AS (
    SELECT * FROM subscription
    WHERE carrier = :carrier AND msisdn_token >= :low AND msisdn_token < :high
), moved AS MATERIALIZED (
    SELECT coalesce(new.msisdn_token, old.msisdn_token) AS msisdn_token,
           coalesce(new.id_token, CASE WHEN new.msisdn_token IS NULL THEN old.id_token END) AS id_token,
           coalesce(new.contract_token, CASE WHEN new.msisdn_token IS NULL THEN old.contract_token END)
               AS contract_token,
           new.verdict, coalesce(new.reasons, 0) AS reasons, new.name_score, new.status, new.claimants,
           new.activated_on, new.cells, new.bucket, new.row, coalesce(new.facts, old.facts) AS facts,
           new.province, new.point_of_sale,
           new.msisdn_token IS NOT NULL AND old.msisdn_token IS NOT NULL
               AND new.province IS DISTINCT FROM old.province AS moved,
           new.msisdn_token IS NULL AS gone, old.msisdn_token IS NULL AS added,
           new.facts IS DISTINCT FROM old.facts AS told
    FROM new FULL JOIN old ON old.msisdn_token = new.msisdn_token
    WHERE (new.facts, new.cells, new.status, new.name_score, new.province, new.point_of_sale)
        IS DISTINCT FROM
          (old.facts, old.cells, old.status, old.name_score, old.province, old.point_of_sale)
       OR old.batch_id = ANY (:leaving) AND old.batch_id <> :batch
), kept AS (
    INSERT INTO preserved_record (preservation_id, carrier, msisdn_token, kept_at, record, batch_id, bucket,
                                  row)
    SELECT order_id, carrier, subscription.msisdn_token, :now, to_jsonb(subscription), subscription.batch_id,
           subscription.bucket, subscription.row
    FROM preserved_numbers() AS held
    JOIN subscription ON subscription.msisdn_token = held.msisdn_token AND subscription.carrier = :carrier
      AND subscription.msisdn_token >= :low AND subscription.msisdn_token < :high
    JOIN moved ON moved.msisdn_token = held.msisdn_token
), removed AS (
    DELETE FROM subscription USING moved
    WHERE moved.gone AND subscription.msisdn_token = moved.msisdn_token AND subscription.carrier = :carrier
      AND subscription.msisdn_token >= :low AND subscription.msisdn_token < :high
), changed AS (
    UPDATE subscription SET
        id_token = moved.id_token, contract_token = moved.contract_token, verdict = moved.verdict,
        reasons = moved.reasons, name_score = moved.name_score, status = moved.status,
        claimants = moved.claimants, activated_on = moved.activated_on, bucket = moved.bucket,
        row = moved.row, facts = moved.facts, cells = moved.cells, province = moved.province,
        point_of_sale = moved.point_of_sale, batch_id = :batch, run_id = :run, changed_at = :now,
        named_since = CASE WHEN subscription.id_token IS DISTINCT FROM moved.id_token THEN :now
                           ELSE named_since END
    FROM moved
    WHERE NOT moved.gone AND NOT moved.added
      AND subscription.msisdn_token = moved.msisdn_token AND subscription.carrier = :carrier
      AND subscription.msisdn_token >= :low AND subscription.msisdn_token < :high
), added AS (
    INSERT INTO subscription (
        msisdn_token, carrier, id_token, contract_token, verdict, reasons, name_score, status, claimants,
        activated_on, bucket, row, facts, cells, province, point_of_sale, batch_id, run_id, changed_at,
        named_since)
    SELECT msisdn_token, :carrier, id_token, contract_token, verdict, reasons, name_score, status, claimants,
           activated_on, bucket, row, facts, cells, province, point_of_sale, :batch, :run, :now, :now
    FROM moved WHERE added
    ORDER BY msisdn_token
), ended AS (
    INSERT INTO subscription_end (carrier, msisdn_token, ended_at)
    SELECT :carrier, msisdn_token, :now FROM moved WHERE gone OR status = 'over'
    -- What hung on it was removed once, and there is something new: its time begins again.
    ON CONFLICT (carrier, msisdn_token) DO UPDATE SET ended_at = :now, forgotten_at = NULL
        WHERE subscription_end.forgotten_at IS NOT NULL
), back AS (
    DELETE FROM subscription_end USING moved
    WHERE NOT moved.gone AND moved.status <> 'over' AND subscription_end.carrier = :carrier
      AND subscription_end.msisdn_token = moved.msisdn_token
      AND subscription_end.msisdn_token >= :low AND subscription_end.msisdn_token < :high
), followed AS (
    INSERT INTO changed_subscription
    SELECT :carrier, msisdn_token, id_token, contract_token, verdict, reasons, facts, province, told, moved
    FROM moved
    WHERE (told OR moved) AND (verdict IS DISTINCT FROM :verified OR msisdn_token IN (
        SELECT msisdn_token FROM "case" WHERE closed_at IS NULL AND carrier = :carrier
            AND msisdn_token >= :low AND msisdn_token < :high
        UNION ALL SELECT msisdn_token FROM "case" WHERE closed_at IS NOT NULL AND carrier = :carrier
            AND msisdn_token >= :low AND msisdn_token < :high))
)
SELECT count(*) AS written, count(*) FILTER (WHERE told) AS changed FROM moved
""".replace("{FACTS}", FACTS)
).bindparams(
    *(sa.bindparam(name, type_=sa.LargeBinary()) for name in ("none", "low", "high")),
    *(sa.bindparam(name, type_=sa.Uuid()) for name in ("batch", "run")),
    sa.bindparam("leaving", type_=pg.ARRAY(sa.Uuid())), sa.bindparam("carrier", type_=sa.Text()),
    sa.bindparam("now", type_=sa.TIMESTAMP(timezone=True)), sa.bindparam("verified", type_=sa.SmallInteger()),
)  # fmt: skip
# Other carriers' rows whose claims or limits changed by this run.
ELSEWHERE = sa.text(
    """
WITH new AS (
    SELECT old.msisdn_token, old.carrier, old.id_token, old.contract_token, found.verdict, found.reasons,
           found.claimants
    FROM found_elsewhere AS found
    JOIN subscription AS old ON old.msisdn_token = found.msisdn_token
        AND old.carrier = (CAST(:carriers AS text[]))[found.carrier + 1]
    WHERE (old.verdict, old.reasons, old.claimants)
        IS DISTINCT FROM (found.verdict, found.reasons, found.claimants)
), written AS (
    UPDATE subscription SET verdict = new.verdict, reasons = new.reasons, claimants = new.claimants,
        facts = new.facts, run_id = :run, changed_at = :now
    FROM (SELECT *, {FACTS} AS facts FROM new) AS new
    WHERE subscription.msisdn_token = new.msisdn_token AND subscription.carrier = new.carrier
    RETURNING subscription.*
)
INSERT INTO changed_subscription
SELECT carrier, msisdn_token, id_token, contract_token, verdict, reasons, facts, province, true, false
FROM written
""".replace("{FACTS}", FACTS)
)


async def write(
    session: AsyncSession, lake: Lake, task: Task, whole: Whole, leaving: list[Any], threads: int
) -> dict[str, int]:
    """Merge a finished run into `subscription`; how many rows were written there and told as changed.

    `leaving` are batches whose rows are to leave the lake: no subscription points to them afterwards.
    """
    now: datetime = clock.now()
    bounds = _bounds(task.rows)
    await session.execute(ROOM)
    await session.execute(CHANGED)
    for statement in _found(bounds):
        await session.execute(sa.text(statement))
    with log.timed("publish.stage"):
        await _copy(session, "found", own_rows(lake, task, whole, threads))
        await session.execute(ANALYZE)
    values = {
        "carrier": task.carrier, "batch": task.batch, "run": task.run, "now": now, "leaving": leaving,
        "none": bytes(TOKEN_BYTES), "statuses": [status.name.lower() for status in Status],
        "provinces": list(provinces.codes()),
        "verified": VERDICTS.index(Verdict.VERIFIED),
    }  # fmt: skip
    written = changed = 0
    with log.timed("publish.merge"):
        for low, high in pairwise([b"", *bounds, PAST_ALL]):
            part = (await session.execute(MERGE, values | {"low": low, "high": high})).one()
            written, changed = written + part.written, changed + part.changed
    if whole.others:
        await session.execute(FOUND_ELSEWHERE)
        await _copy(session, "found_elsewhere", other_rows(lake.keyring, whole))
        carriers = [rows.carrier for rows, _, _ in whole.others]
        moved = await session.execute(ELSEWHERE, {"carriers": carriers, "run": task.run, "now": now})
        changed += moved.rowcount  # type: ignore[attr-defined]
    return {"written": written, "changed": changed}


def _bounds(rows: int) -> list[bytes]:
    """The tokens at which parts of a run of so many rows end and begin: tokens are spread evenly."""
    parts = min(MOST_PARTS, max(1, rows // PART_ROWS))
    return [bytes([part * 256 // parts]) for part in range(1, parts)]


def _found(bounds: list[bytes]) -> list[str]:
    """The staging table, whose parts are tables of their own: what is asked of one reads that alone."""
    ends = ["MINVALUE", *(rf"'\x{bound.hex()}'" for bound in bounds), "MAXVALUE"]
    return [
        f"{FOUND} PARTITION BY RANGE (msisdn_token){_DROP}",
        *(
            f"CREATE TEMPORARY TABLE found_{at} PARTITION OF found FOR VALUES FROM ({low}) TO ({high})"
            for at, (low, high) in enumerate(pairwise(ends))
        ),
    ]


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
