"""Who stands on the track of a changed handset is told of it: at once, and again with every step.

There is no case that notices would go with. What was told is proof for the clock, as theirs is (`proofs`).
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.notices import handsets, policy
from simcheck.notices.addresses import Place
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
UNTOLD = sa.text(f"""
WITH untold AS (
    SELECT clock.carrier, clock.msisdn_token, key, status, batch_id, bucket, row
    FROM clock JOIN subscription USING (carrier, msisdn_token)
    CROSS JOIN LATERAL (SELECT {handsets.key_sql("clock.started_at", "clock.step")} AS key) AS said
    WHERE clock.case_id IS NULL AND ended_at IS NULL AND paused_at IS NULL AND next_step IS NOT NULL
      AND (looked_at IS NULL OR looked_at < :again)
      AND NOT EXISTS (SELECT FROM message WHERE message.key = ANY({handsets.ways_sql("said.key")}))
    ORDER BY batch_id, bucket, row LIMIT :most FOR NO KEY UPDATE OF clock SKIP LOCKED
)
UPDATE clock SET looked_at = :at FROM untold
WHERE clock.carrier = untold.carrier AND clock.msisdn_token = untold.msisdn_token
RETURNING untold.key, untold.status, untold.carrier, untold.msisdn_token, batch_id, bucket, row
""").bindparams(  # noqa: S608  (no input of anybody)
    sa.bindparam("at", type_=_STAMP), sa.bindparam("again", type_=_STAMP)
)


async def tell(session: AsyncSession, service: Service) -> int:
    """Tell those who were not, at most `MOST`; how many clocks were looked at."""
    at = clock.now()
    rows = await session.execute(UNTOLD, {"at": at, "again": at - AGAIN, "most": MOST})
    told = [handsets.notice(key, Place(*place), status) for key, status, *place in rows]
    await handsets.say(session, service, policy.of(service.settings), told)
    return len(told)
