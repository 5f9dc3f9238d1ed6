"""Who stands on the track of a changed handset is told of it: at once, and again with every step.

There is no case that notices would go with. What was told is proof for the clock, as theirs is (`proofs`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.notices import handsets, policy
from simcheck.notices.addresses import Place, Reach, reaches
from simcheck.notices.recipients import Told
from simcheck.service import Service

MOST = 5_000
AGAIN = timedelta(hours=1)  # before a number without any address is looked at again
_STAMP = sa.TIMESTAMP(timezone=True)
# All keys of what was said about a clock since its start, at whichever step.
KEYS = f"""ARRAY(
    SELECT unnest({handsets.ways_sql(handsets.key_sql("clock.started_at", "step"))})
    FROM generate_series(0, 2) AS step
)"""  # noqa: S608  (no input of anybody)
# Clocks without a case that run, of which nothing was said at the step that they have come to. They are found
# by the index of cases, where they have none.
_UNTOLD = f"""
    FROM clock JOIN subscription USING (carrier, msisdn_token)
    CROSS JOIN LATERAL (SELECT {handsets.key_sql("clock.started_at", "clock.step")} AS key) AS said
    WHERE clock.case_id IS NULL AND ended_at IS NULL AND paused_at IS NULL AND next_step IS NOT NULL
      AND (looked_at IS NULL OR looked_at < :again)
      AND NOT EXISTS (SELECT FROM message WHERE message.key = ANY({handsets.ways_sql("said.key")}))
"""  # noqa: S608  (no input of anybody)
FIND = sa.text(f"""
SELECT said.key, status, carrier, msisdn_token, batch_id, bucket, row {_UNTOLD}
ORDER BY batch_id, bucket, row LIMIT :most
""").bindparams(sa.bindparam("again", type_=_STAMP))
# Those of them that still are, as they were.
TAKE = sa.text(f"""
WITH still AS (
    SELECT said.key, carrier, msisdn_token {_UNTOLD} AND said.key = ANY(:keys)
      AND clock.carrier = ANY(:carriers) AND clock.msisdn_token = ANY(:tokens)
    ORDER BY msisdn_token, carrier FOR NO KEY UPDATE OF clock SKIP LOCKED
)
UPDATE clock SET looked_at = :at FROM still
WHERE clock.carrier = still.carrier AND clock.msisdn_token = still.msisdn_token
RETURNING still.key
""").bindparams(  # noqa: S608
    sa.bindparam("at", type_=_STAMP), sa.bindparam("again", type_=_STAMP),
    sa.bindparam("keys", type_=pg.ARRAY(sa.Text())), sa.bindparam("carriers", type_=pg.ARRAY(sa.Text())),
    sa.bindparam("tokens", type_=pg.ARRAY(pg.BYTEA())),
)  # fmt: skip


async def untold(session: AsyncSession) -> Sequence[Told]:
    """Those who were not told yet, at most `MOST`. Nothing is locked."""
    rows = await session.execute(FIND, {"again": clock.now() - AGAIN, "most": MOST})
    return [handsets.notice(key, Place(*place), status) for key, status, *place in rows]


async def read(service: Service, found: Sequence[Told]) -> Sequence[Reach]:
    """How each of them can be reached. Called with no transaction open."""
    places = [each.place for each in found]
    rules = policy.of(service.settings)
    return await asyncio.to_thread(reaches, service.store, service.keyring, rules, places)


async def tell(
    session: AsyncSession, service: Service, found: Sequence[Told], reached: Sequence[Reach]
) -> int:
    """Tell those of them who still are to be told; how many clocks were looked at."""
    at = clock.now()
    given = {
        "at": at, "again": at - AGAIN, "keys": [each.key for each in found],
        "carriers": sorted({each.place.carrier for each in found}),
        "tokens": [each.place.msisdn_token for each in found],
    }  # fmt: skip
    still = set(await session.scalars(TAKE, given))
    those = [(each, reach) for each, reach in zip(found, reached, strict=True) if each.key in still]
    await handsets.say(
        session, service, policy.of(service.settings), [each for each, _ in those],
        found=[reach for _, reach in those],
    )  # fmt: skip
    return len(those)
