"""What a holder was told, counted for the clocks that want to know: those whose time has come, or nearly.

A notice counts when it was delivered, or when every way to the holder was tried in vain: each of its messages
has come to its end, and notices have looked at that and found no other way.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.db.engine import actor_of
from simcheck.enforcement import handsets
from simcheck.messages.words import Kind

MOST = 20_000  # clocks of a statement
SOON, AGAIN = timedelta(days=1), timedelta(hours=1)
_STAMP = sa.TIMESTAMP(timezone=True)
# Notices of the clock's own time, by their keys `notice/CASE/ROUND/NUMBER/ROUTE`; of a changed handset, what
# `handsets` says under `handset/NUMBER/START/STEP/ROUTE`. Days are local.
LOOK = sa.text(f"""
WITH asked AS (
    SELECT carrier, msisdn_token, case_id, started_at,
           CASE WHEN case_id IS NULL THEN {handsets.KEYS} END AS keys
    FROM clock
    WHERE ended_at IS NULL AND paused_at IS NULL AND next_at <= :soon AND NOT proven AND reckoned
      AND (looked_at IS NULL OR looked_at < :again)
    ORDER BY next_at LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
), heard AS (
    SELECT carrier, msisdn_token, count(DISTINCT day) AS days, max(made_at) AS told_at,
           max(made_at) FILTER (WHERE warns) AS warned_at
    FROM asked LEFT JOIN LATERAL (
        SELECT min(made_at) AS made_at, CAST(min(made_at) AT TIME ZONE interval '7 hours' AS date) AS day,
               bool_or(kind = '{Kind.BEFORE_SUSPENSION}') AS warns
        FROM (
            SELECT key, made_at, kind, state, settled_at, told_on FROM message
            WHERE message.case_id = asked.case_id AND key LIKE 'notice/%'
            UNION ALL
            SELECT key, made_at, kind, state, settled_at, told_on FROM message
            WHERE message.key = ANY(asked.keys)
        ) AS message
        WHERE made_at >= asked.started_at
        GROUP BY split_part(key, '/', 3), split_part(key, '/', 4)
        HAVING bool_or(state = 'delivered') OR bool_and(settled_at IS NOT NULL AND told_on
            AND state IN ('sent', 'failed', 'expired', 'unknown'))
    ) AS told ON true
    GROUP BY carrier, msisdn_token
), looked AS (
    UPDATE clock SET looked_at = :at
    FROM heard WHERE clock.carrier = heard.carrier AND clock.msisdn_token = heard.msisdn_token
      AND (clock.notice_days, clock.told_at, clock.warned_at)
          IS NOT DISTINCT FROM (heard.days, heard.told_at, heard.warned_at)
), moved AS (
    UPDATE clock SET looked_at = :at, reckoned = false, version = version + 1,
        notice_days = greatest(notice_days, days), told_at = greatest(clock.told_at, heard.told_at),
        warned_at = greatest(clock.warned_at, heard.warned_at)
    FROM heard WHERE clock.carrier = heard.carrier AND clock.msisdn_token = heard.msisdn_token
      AND (clock.notice_days, clock.told_at, clock.warned_at)
          IS DISTINCT FROM (heard.days, heard.told_at, heard.warned_at)
    RETURNING clock.*
), noted AS (
    INSERT INTO clock_event (carrier, msisdn_token, case_id, at, kind, detail, actor)
    SELECT carrier, msisdn_token, case_id, :at, 'noticed', jsonb_build_object(
        'notice_days', notice_days, 'told_at', told_at, 'warned_at', warned_at), :actor
    FROM moved
)
SELECT count(*) FROM asked
""").bindparams(*(sa.bindparam(each, type_=_STAMP) for each in ("at", "soon", "again")))  # noqa: S608


async def look(session: AsyncSession) -> int:
    """Count for clocks that are due within `SOON` and not proven, each once in `AGAIN`; how many."""
    at = clock.now()
    words = {"at": at, "soon": at + SOON, "again": at - AGAIN, "most": MOST, "actor": actor_of(session)}
    return await session.scalar(LOOK, words) or 0
