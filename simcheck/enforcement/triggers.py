"""What SQL has to know of triggers and of a policy's rules."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from simcheck.cases.states import State, holders_reasons
from simcheck.enforcement import clocks
from simcheck.enforcement.policy import Policy, Track
from simcheck.enforcement.words import Starts, Trigger
from simcheck.matching import rules
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Reason, Verdict

# The trigger of a case, from its state, verdict and reasons; null: nothing that its holder has to answer for.
# What a register did not answer contradicts nobody. Where a record contradicts it, holders are told of that.
TRIGGER = f"""CASE
    WHEN state = '{State.SUSPENSION}' THEN '{Trigger.SUSPENSION}'
    WHEN state = '{State.DISOWNED}' THEN '{Trigger.DISOWNED}'
    WHEN reasons & {Reason.REGISTER_UNANSWERED.mask} <> 0 THEN NULL
    WHEN reasons & {Reason.ID_TYPE_UNSUPPORTED.mask} <> 0 THEN '{Trigger.FOREIGN_PASSPORT}'
    WHEN verdict = {VERDICTS.index(Verdict.MISMATCH)} AND reasons & :holders <> 0
        THEN '{Trigger.NOT_COMPLIANT}'
    WHEN verdict = {VERDICTS.index(Verdict.MISMATCH)} THEN NULL
    WHEN reasons & {Reason.ID_SUPERSEDED.mask} <> 0 THEN '{Trigger.OLD_ID}'
    WHEN verdict = {VERDICTS.index(Verdict.UNVERIFIABLE)} OR reasons & {Reason.FACE_NOT_VERIFIED.mask} <> 0
        THEN '{Trigger.NOT_VERIFIED}'
END"""
# The rules of the policy in force, one a trigger; and those of every track that a clock may be on.
RULE = """
rule AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rules AS jsonb))
    AS each (trigger text, track text, starts text, since timestamptz, runs_in jsonb)
)
"""
HELD = """
own AS (
    SELECT * FROM jsonb_to_recordset(CAST(:held AS jsonb))
    AS each (policy_version text, track text, runs_in jsonb, resets jsonb, pauses_for jsonb,
             face_ends boolean)
)
"""
# When a case became what brought it onto a track that begins with an event.
EVENT_AT = f"""CASE WHEN trigger IN ('{Trigger.SUSPENSION}', '{Trigger.DISOWNED}')
    THEN coalesce(decided_at, changed_at) END"""
# From when a clock counts: never before its holder was told, unless an event begins it. Where a decision
# does, it is the first notice after it: what was told before was about something else.
START = f"""CASE
    WHEN starts = '{Starts.EVENT}' THEN {EVENT_AT}
    WHEN first_at >= coalesce({EVENT_AT}, first_at) THEN greatest(first_at, since)
END"""


def words(policy: Policy, day: date) -> dict[str, Any]:
    """The parameters of `RULE` and `TRIGGER`: what the policy says on a day."""
    found = [
        {
            "trigger": trigger.value, "track": track.id, "starts": _starts(track),
            "since": _since(track), "runs_in": sorted(track.runs_in),
        }
        for trigger in Trigger
        if (track := policy.track_for(trigger, day)) is not None and track.steps
    ]  # fmt: skip
    return {"rules": json.dumps(found), "version": policy.version, "holders": holders_reasons(rules.load())}


def held(policies: Iterable[Policy]) -> dict[str, Any]:
    """The parameters of `HELD`: every track of these policies."""
    found = [
        {
            "policy_version": policy.version, "track": track.id, "runs_in": sorted(track.runs_in),
            "resets": sorted(track.resets), "pauses_for": sorted(track.pauses_for),
            "face_ends": track.face_ends,
        }
        for policy in policies
        for track in policy.tracks
    ]  # fmt: skip
    return {"held": json.dumps(found)}


def _starts(track: Track) -> str:
    return track.starts.value if isinstance(track.starts, Starts) else Starts.FIRST_NOTICE.value


def _since(track: Track) -> str | None:
    at: datetime | None = clocks.begins(track.starts) if type(track.starts) is date else None
    return at.isoformat() if at else None
