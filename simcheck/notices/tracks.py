"""Notices begin, pause, go on and end with their cases: a few statements for all of them.

Every statement meets all open cases with all tracks, which is a hash join: a second for a million of either.
So nothing that moves a case has to know of notices, and nothing is lost when a job is.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.cases.models import Acts
from simcheck.cases.states import State, holders_reasons
from simcheck.matching import rules
from simcheck.messages.words import Group, group_sql
from simcheck.notices import schedule
from simcheck.notices.models import TrackState
from simcheck.notices.policy import Policy
from simcheck.sending import intents

MOST = 100_000  # tracks of a statement
MOST_ENDED = 5_000
# Room for the hash of a million rows, and no compiler, for these few statements. A nested loop would be
# chosen as long as nobody has measured the tables, and take minutes.
SETTLE = sa.text("""
SELECT set_config('work_mem', '128MB', true), set_config('jit', 'off', true),
       set_config('enable_nestloop', :loops, true)
""")
# Cases whose holders hear of it: where it is their turn, and where a number is to be cut off because nobody
# stands for it, or staff decided so. There the carrier acts, but nobody is cut off without having been told.
_TO_BE_CUT = f"('{State.DISOWNED}', '{State.SUSPENSION}')"
HEARS = f"""(acts = :holder OR "case".state IN {_TO_BE_CUT})"""
# What a holder is told of: the reasons that are theirs; all, where staff ask about a record that has none.
# Of a number whose person disowns it, that it does not stand in the name of whoever uses it.
GROUP = f"""(SELECT CASE "case".state WHEN '{State.DISOWNED}' THEN '{Group.DECEASED}'
                    ELSE {group_sql("told.mask")} END FROM (
    SELECT coalesce(nullif("case".reasons & :holders, 0), "case".reasons) AS mask
) AS told)"""  # noqa: S608
_STAMP = sa.TIMESTAMP(timezone=True)
_WHEN: tuple[sa.BindParameter[Any], ...] = (
    sa.bindparam("start", type_=_STAMP),
    sa.bindparam("seconds", type_=sa.Double()),
)
_SPREAD = f""":start + {schedule.share_sql('"case".id')} * make_interval(secs => :seconds)"""
# Notices that had begun need no campaign to go on.
_GOES_ON = "notice_track.state = 'paused' AND (campaign_id IS NOT NULL OR count > 0)"
BEGIN = sa.text(f"""
INSERT INTO notice_track (case_id, carrier, msisdn_token, reason_group, state, next_at)
SELECT id, carrier, msisdn_token, {GROUP}, :state, CASE WHEN :state = 'active' THEN {_SPREAD} END
FROM "case"
WHERE closed_at IS NULL AND {HEARS}
  AND NOT EXISTS (SELECT FROM notice_track WHERE case_id = "case".id)
LIMIT :most
ON CONFLICT DO NOTHING
""").bindparams(*_WHEN)  # noqa: S608  (no input of anybody)
# A case that comes back after it was closed begins anew; one that was with somebody else goes on.
RESUME = sa.text(f"""
WITH back AS (
    SELECT case_id FROM notice_track JOIN "case" ON "case".id = case_id
    WHERE notice_track.state IN ('paused', 'ended') AND closed_at IS NULL AND {HEARS}
    LIMIT :most FOR UPDATE OF notice_track SKIP LOCKED
)
UPDATE notice_track SET
    reason_group = {GROUP},
    state = CASE WHEN {_GOES_ON} THEN 'active' ELSE :state END,
    next_at = CASE WHEN :state = 'active' OR ({_GOES_ON})
                   THEN greatest({_SPREAD}, last_at + interval '1 day') END,
    round = CASE notice_track.state WHEN 'ended' THEN round + 1 ELSE round END,
    count = CASE notice_track.state WHEN 'ended' THEN 0 ELSE count END,
    first_at = CASE notice_track.state WHEN 'ended' THEN NULL ELSE first_at END,
    campaign_id = CASE notice_track.state WHEN 'ended' THEN NULL ELSE campaign_id END
FROM back, "case" WHERE notice_track.case_id = back.case_id AND "case".id = back.case_id
""").bindparams(*_WHEN)  # noqa: S608
# What is wrong may have changed while notices waited.
REGROUP = sa.text(f"""
UPDATE notice_track SET reason_group = {GROUP} FROM "case"
WHERE "case".id = case_id AND notice_track.state = 'waiting' AND reason_group <> {GROUP}
""")  # noqa: S608
PAUSE = sa.text(f"""
WITH gone AS (
    SELECT case_id FROM notice_track JOIN "case" ON "case".id = case_id
    WHERE notice_track.state IN ('waiting', 'active', 'unreachable') AND closed_at IS NULL
      AND NOT {HEARS}
    LIMIT :most FOR UPDATE OF notice_track SKIP LOCKED
)
UPDATE notice_track SET state = 'paused', next_at = NULL
FROM gone WHERE notice_track.case_id = gone.case_id
RETURNING notice_track.case_id
""")  # noqa: S608
# What was told before a decision to cut a number off was about something else: it is told anew.
RESTART = sa.text(f"""
WITH decided AS (
    SELECT case_id FROM notice_track JOIN "case" ON "case".id = case_id
    WHERE notice_track.state IN ('active', 'paused', 'unreachable', 'done') AND closed_at IS NULL
      AND "case".state IN {_TO_BE_CUT} AND first_at < decided_at
    LIMIT :most FOR UPDATE OF notice_track SKIP LOCKED
)
UPDATE notice_track SET reason_group = {GROUP}, state = 'active', round = round + 1, count = 0,
    first_at = NULL, next_at = greatest({_SPREAD}, last_at + interval '1 day')
FROM decided, "case" WHERE notice_track.case_id = decided.case_id AND "case".id = decided.case_id
RETURNING notice_track.case_id
""").bindparams(*_WHEN)  # noqa: S608
# With where the record is now; a subscription that is gone has none.
_END = """
WITH over AS (
    SELECT case_id, count, notice_track.round, close_reason, code, "case".carrier, "case".msisdn_token
    FROM notice_track JOIN "case" ON "case".id = case_id
    WHERE notice_track.state <> 'ended' AND closed_at IS NOT NULL
      AND {which}
    LIMIT :most FOR UPDATE OF notice_track SKIP LOCKED
), ended AS (
    UPDATE notice_track SET state = 'ended', next_at = NULL
    FROM over WHERE notice_track.case_id = over.case_id
)
SELECT case_id, code, over.carrier, over.msisdn_token, count, round, close_reason, status,
       batch_id, bucket, row
FROM over LEFT JOIN subscription USING (carrier, msisdn_token)
"""
END = sa.text(_END.format(which="true"))
END_SOME = sa.text(_END.format(which="case_id = ANY(CAST(:only AS uuid[]))"))


class Ended(NamedTuple):
    """A case that was closed: how many notices it had had, why it was closed, where its record is."""

    case_id: uuid.UUID
    code: str
    carrier: str
    msisdn_token: bytes
    sent: int
    round: int
    close_reason: str
    status: str | None
    batch_id: uuid.UUID | None
    bucket: int | None
    row: int | None


async def begin(session: AsyncSession, policy: Policy, *, hold: bool) -> int:
    """Begin the notices of holders' cases that have none yet, at most `MOST`; how many there were.

    With `hold`, they wait for a campaign.
    """
    async with hashing(session):
        begun = await session.execute(BEGIN, {**_words(policy, hold=hold), "most": MOST})
    return int(begun.rowcount)  # type: ignore[attr-defined]


async def resume(session: AsyncSession, policy: Policy, *, hold: bool) -> int:
    """Go on with cases that came back to their holders, at most `MOST`; how many there were."""
    async with hashing(session):
        back = await session.execute(RESUME, {**_words(policy, hold=hold), "most": MOST})
    return int(back.rowcount)  # type: ignore[attr-defined]


async def restart(session: AsyncSession, policy: Policy) -> int:
    """Begin a new round of notices where a decision is to cut a number off, and call off what has not left of
    the one before; at most `MOST_ENDED`, how many there were.
    """
    async with hashing(session):
        words = {**_words(policy, hold=False), "most": MOST_ENDED}
        again = list(await session.scalars(RESTART, words))
    if again:
        await intents.cancel(session, again)
    return len(again)


async def regroup(session: AsyncSession) -> None:
    """Let the groups of what waits be those of now."""
    async with hashing(session):
        await session.execute(REGROUP, {"holders": holders_reasons(rules.load())})


async def pause(session: AsyncSession) -> int:
    """Stop with open cases whose holders do not hear of them now; what has not left is called off."""
    async with hashing(session):
        gone = list(await session.scalars(PAUSE, {"holder": Acts.HOLDER.value, "most": MOST_ENDED}))
    if gone:
        await intents.cancel(session, gone)
    return len(gone)


async def end(session: AsyncSession, only: list[uuid.UUID] | None = None) -> list[Ended]:
    """Stop with closed cases, of those or of all, at most `MOST_ENDED`; what has not left is called off."""
    if only is None:
        async with hashing(session):
            rows = await session.execute(END, {"most": MOST_ENDED})
    else:
        rows = await session.execute(END_SOME, {"only": only, "most": MOST_ENDED})
    ended = [Ended(*row) for row in rows]
    if ended:
        await intents.cancel(session, [each.case_id for each in ended])
    return ended


@asynccontextmanager
async def hashing(session: AsyncSession) -> AsyncIterator[None]:
    """Within: statements that meet all cases with all tracks."""
    await session.execute(SETTLE, {"loops": "off"})
    yield
    await session.execute(SETTLE, {"loops": "on"})


def when(policy: Policy, at: datetime) -> Mapping[str, object]:
    """What `next_at` of many cases is made from: at once, or spread over the next day's hours."""
    due = schedule.first_due(policy, at)
    return (
        {"start": at, "seconds": 0.0} if due is None else {"start": due[0], "seconds": due[1].total_seconds()}
    )


def _words(policy: Policy, *, hold: bool) -> dict[str, object]:
    return {
        **when(policy, clock.now()),
        "state": (TrackState.WAITING if hold else TrackState.ACTIVE).value,
        "holder": Acts.HOLDER.value,
        "holders": holders_reasons(rules.load()),
    }
