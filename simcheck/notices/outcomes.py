"""Another way where one failed: what became of messages is looked at once, each.

A message that failed, expired or stayed unknown is said again by the next way there is, as long as it still
stands: the case is open and its holder's turn, and no newer notice was made; or it is a case's last message.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.cases.models import Acts
from simcheck.messages.words import Kind
from simcheck.notices import closing, handsets, plan, schedule, tracks
from simcheck.notices.letters import Result, tell
from simcheck.notices.plan import Due
from simcheck.notices.policy import Policy
from simcheck.notices.recipients import Route, Told
from simcheck.notices.tracks import Ended
from simcheck.sending import intents
from simcheck.sending.intents import Status
from simcheck.sending.models import State
from simcheck.service import Service

MOST = 5_000
NOT_HEARD = {State.FAILED, State.EXPIRED, State.UNKNOWN}
_KEY = re.compile(r"(notice|closed)/([0-9a-f-]{36})/(\d+)(?:/(\d+))?/(own|contact|email)")
_LIES = """
LEFT JOIN (SELECT carrier, msisdn_token, status, batch_id, bucket, row FROM subscription) AS lies
  ON lies.carrier = "case".carrier AND lies.msisdn_token = "case".msisdn_token
"""
_CASES = sa.bindparam("cases", type_=pg.ARRAY(sa.Uuid()))
STANDING = sa.text(f"""
SELECT case_id, notice_track.round, count, first_at, code, "case".carrier, "case".msisdn_token, reasons,
       status, batch_id, bucket, row, "case".state
FROM notice_track JOIN "case" ON "case".id = case_id {_LIES}
WHERE case_id = ANY(:cases) AND batch_id IS NOT NULL AND closed_at IS NULL AND {tracks.HEARS}
""").bindparams(_CASES)  # noqa: S608  (no input of anybody)
OVER = sa.text(f"""
SELECT case_id, code, "case".carrier, "case".msisdn_token, count, notice_track.round, close_reason, status,
       batch_id, bucket, row
FROM notice_track JOIN "case" ON "case".id = case_id {_LIES}
WHERE case_id = ANY(:cases) AND closed_at IS NOT NULL
""").bindparams(_CASES)  # noqa: S608


class Missed(NamedTuple):
    """A message of ours that did not reach anybody, as its key names it."""

    last: bool
    case_id: uuid.UUID
    round: int
    sent: int
    route: Route
    kind: Kind


def missed(status: Status) -> Missed | None:
    """What a settled message means; None where it arrived, or is none of ours."""
    found = _KEY.fullmatch(status.key)
    if found is None or status.state not in NOT_HEARD:
        return None
    what, case_id, turn, count, route = found.groups()
    return Missed(
        what == "closed", uuid.UUID(case_id), int(turn), int(count or 0), Route(route), Kind(status.kind)
    )


async def follow(session: AsyncSession, service: Service, policy: Policy) -> tuple[int, int]:
    """Look at what was settled since the last time: (how many, how many are said again another way)."""
    settled = await intents.untold(session, MOST)
    await intents.told(session, [each.id for each in settled])
    found = [each for each in map(missed, settled) if each is not None]
    again = await _standing(session, policy, [each for each in found if not each.last])
    again |= await _over(session, [each for each in found if each.last])
    at = schedule.opens(policy, clock.now())
    after = {told.key: route for told, route in again.values()}
    told = [told for told, _ in again.values()]
    results = await tell(session, service, policy, told, at=at, after=after)
    others = [each for each in map(handsets.missed, settled) if each is not None]
    said = await handsets.again(session, service, policy, others)
    return len(settled), results.count(Result.TOLD) + said


async def _standing(
    session: AsyncSession, policy: Policy, found: Sequence[Missed]
) -> dict[uuid.UUID, tuple[Told, Route]]:
    """Notices that are still their cases' newest, as they were: the same kind under the same key."""
    of = {each.case_id: each for each in found}
    words = {"cases": list(of), "holder": Acts.HOLDER.value}
    due = [Due(*row) for row in await session.execute(STANDING, words)] if of else []
    at = clock.now()
    again: dict[uuid.UUID, tuple[Told, Route]] = {}
    for each in due:
        its = of[each.case_id]
        if (each.round, each.sent) == (its.round, its.sent):
            told = plan.notice(policy, each._replace(sent=each.sent - 1), at)
            again[each.case_id] = replace(told, kind=its.kind), its.route
    return again


async def _over(session: AsyncSession, found: Sequence[Missed]) -> dict[uuid.UUID, tuple[Told, Route]]:
    """Last messages of cases that are still closed."""
    of = {each.case_id: each for each in found}
    ended = [Ended(*row) for row in await session.execute(OVER, {"cases": list(of)})] if of else []
    return {
        each.case_id: (told, of[each.case_id].route)
        for each in ended
        if (told := closing.last(each)) is not None and each.round == of[each.case_id].round
    }
