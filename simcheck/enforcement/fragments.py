"""The parts that statements about clocks share: how a clock begins, how it is over, what its history is told.

A statement finds clocks, changes them in a part called `moved`, and tells the history of those.
"""

from __future__ import annotations

# Of which subscription a clock is, by the name of what else names one.
SUBSCRIPTION = "clock.carrier = {0}.carrier AND clock.msisdn_token = {0}.msisdn_token"
# A clock may begin anew where the one before is over, and nothing holds that was ordered.
ANEW = "clock.ended_at IS NOT NULL AND (clock.step IN (0, 3) OR clock.end_reason = 'gone')"
TOLD = """
INSERT INTO clock_event (carrier, msisdn_token, case_id, at, kind, detail, actor)
SELECT carrier, msisdn_token, case_id, :at, '{kind}', {detail}, :actor FROM moved
"""
STARTED = """jsonb_build_object('version', policy_version, 'track', track, 'trigger', trigger,
    'started_at', started_at, 'event_at', event_at)"""
_COLUMNS = "carrier, msisdn_token, case_id, province, trigger, track, policy_version, started_at, event_at"
_FRESH = ", ".join(
    [
        *(f"{name} = excluded.{name}" for name in _COLUMNS.split(", ")[2:]),
        "step = 0, step_at = NULL, paused_at = NULL, shift = '0', notice_days = 0, told_at = NULL",
        "warned_at = NULL, proven = false, next_step = NULL, next_at = NULL, reckoned = false",
        "looked_at = NULL, ended_at = NULL, end_reason = NULL, version = clock.version + 1",
    ]
)
BEGIN = f"""
, moved AS (
    INSERT INTO clock ({_COLUMNS}) SELECT {_COLUMNS} FROM wanted
    ON CONFLICT (carrier, msisdn_token) DO UPDATE SET {_FRESH} WHERE {ANEW}
    RETURNING clock.*
)
{TOLD.format(kind="started", detail=STARTED)}
"""  # noqa: S608  (no input of anybody)
OVER = """
    UPDATE clock SET ended_at = :at, end_reason = {reason}, paused_at = NULL, proven = false,
        next_step = NULL, next_at = NULL, reckoned = true, version = clock.version + 1
"""
END = TOLD.format(kind="ended", detail="jsonb_build_object('reason', end_reason)")
