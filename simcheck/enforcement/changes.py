"""Statements about the clocks of changed handsets (Circular 08/2026 Art. 8: `C08_ART8_DEVICE`).

A change is answered by a face check that is not older. The lock is due by the oldest change that nobody has
answered: who changes handsets every hour is locked all the same. Once it is locked, the newest one counts:
the carrier asks for a face again, and whoever is asked has the whole time for it, and hears of it.
"""

from __future__ import annotations

import sqlalchemy as sa

from simcheck.enforcement import fragments
from simcheck.enforcement.triggers import HELD, RULE
from simcheck.enforcement.words import Trigger
from simcheck.gate.models import SimEventKind

_STAMP = sa.TIMESTAMP(timezone=True)
_AT = sa.bindparam("at", type_=_STAMP)
_SINCE = sa.bindparam("since", type_=_STAMP)
# The face checks since a moment, of whom `{0}` names.
_FACES = f"""SELECT FROM sim_event AS face WHERE face.msisdn_token = {{0}}.msisdn_token
          AND face.carrier = {{0}}.carrier AND face.kind = '{SimEventKind.FACE_VERIFIED}'
          AND face.at >= {{1}}"""
# Changes that carriers told lately and that no face check has answered. What lies in the future is none yet.
_CHANGED = f"""
changed AS (
    SELECT carrier, msisdn_token, at FROM sim_event AS told
    WHERE received_at > :since AND received_at <= :at AND at <= :at
      AND kind = '{SimEventKind.DEVICE_CHANGED}' AND NOT EXISTS ({_FACES.format("told", "told.at")})
)"""  # noqa: S608
# Numbers without a clock. A change that comes late, or again, begins nothing that is over already.
BEGIN = sa.text(f"""
WITH {RULE}, {_CHANGED}, fresh AS (
    SELECT changed.carrier, changed.msisdn_token, min(at) AS started_at, max(at) AS event_at
    FROM changed LEFT JOIN clock USING (carrier, msisdn_token)
    WHERE clock.carrier IS NULL OR ({fragments.ANEW} AND at > CASE WHEN clock.case_id IS NULL
                                    THEN clock.event_at ELSE clock.ended_at END)
    GROUP BY changed.carrier, changed.msisdn_token
), wanted AS (
    SELECT fresh.carrier, fresh.msisdn_token, CAST(NULL AS uuid) AS case_id, subscription.province,
           rule.trigger, rule.track, :version AS policy_version, fresh.started_at, fresh.event_at
    FROM fresh JOIN subscription USING (carrier, msisdn_token)
    JOIN rule ON rule.trigger = '{Trigger.DEVICE_CHANGE}'
    LIMIT :most
) {fragments.BEGIN}
""").bindparams(_AT, _SINCE)  # noqa: S608
# Another change, of a number whose clock runs, or is over while something holds that was ordered: a face
# check from before it answers nothing any more. Where that makes the clock count from a later moment, what
# was proved counts no more. A clock that was over goes on.
RENEW = sa.text(f"""
WITH {_CHANGED}, newer AS (
    SELECT carrier, msisdn_token, min(at) AS first_at, max(at) AS event_at
    FROM changed GROUP BY carrier, msisdn_token
), found AS (
    SELECT clock.carrier, clock.msisdn_token, newer.event_at, ended_at IS NOT NULL AS reopened,
           CASE WHEN EXISTS ({_FACES.format("clock", "clock.started_at")})
                THEN greatest(first_at, clock.started_at) ELSE clock.started_at END AS open_since
    FROM newer JOIN clock USING (carrier, msisdn_token)
    WHERE case_id IS NULL AND newer.event_at >= clock.event_at
      AND (ended_at IS NULL OR step IN (1, 2) AND end_reason <> 'gone')
), again AS (
    SELECT found.*, CASE WHEN step = 0 THEN open_since
                         WHEN found.event_at > step_at THEN greatest(found.event_at, clock.started_at)
                         ELSE clock.started_at END AS base
    FROM found JOIN clock USING (carrier, msisdn_token)
    WHERE found.event_at > clock.event_at OR step = 0 AND ended_at IS NULL AND open_since > clock.started_at
    LIMIT :most FOR NO KEY UPDATE OF clock SKIP LOCKED
), moved AS (
    UPDATE clock SET event_at = again.event_at, started_at = again.base, ended_at = NULL, end_reason = NULL,
        shift = CASE WHEN again.base = clock.started_at THEN shift
                     WHEN step = 0 THEN '0' ELSE again.base - step_at END,
        paused_at = CASE WHEN again.base = clock.started_at THEN paused_at
                         WHEN paused_at IS NOT NULL THEN greatest(paused_at, again.base) END,
        notice_days = CASE WHEN again.base = clock.started_at THEN notice_days ELSE 0 END,
        told_at = CASE WHEN again.base = clock.started_at THEN told_at END,
        warned_at = CASE WHEN again.base = clock.started_at THEN warned_at END,
        looked_at = NULL, reckoned = false, version = version + 1
    FROM again WHERE {fragments.SUBSCRIPTION.format("again")} RETURNING clock.*, reopened, open_since
)
{
    fragments.TOLD.format(
        kind="reset",
        detail="jsonb_build_object('reopened', reopened, 'open_since', open_since, 'event_at', event_at)",
    )
}
""").bindparams(_AT, _SINCE)  # noqa: S608
END = sa.text(f"""
WITH {HELD}, over AS (
    SELECT clock.carrier, clock.msisdn_token FROM clock JOIN own USING (policy_version, track)
    WHERE ended_at IS NULL AND face_ends
      AND EXISTS ({_FACES.format("clock", "clock.event_at")} AND face.at <= :at)
    LIMIT :most FOR NO KEY UPDATE OF clock SKIP LOCKED
), moved AS (
    {fragments.OVER.format(reason="'" + SimEventKind.FACE_VERIFIED + "'")}
    FROM over WHERE {fragments.SUBSCRIPTION.format("over")} RETURNING clock.*
) {fragments.END}
""").bindparams(_AT)  # noqa: S608
