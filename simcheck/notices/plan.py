"""What is due becomes messages: found for all at once, then made in batches, a transaction each.

Due tracks are taken in the order in which their records lie in the lake, so that a bucket is read for
thousands of them. What a batch locks is looked at again; killed anywhere, it is made whole or not at all.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.cases.models import Acts
from simcheck.cases.states import State, holders_reasons
from simcheck.matching import rules
from simcheck.messages.words import Group, group_of
from simcheck.notices import recipients, schedule, tracks
from simcheck.notices.addresses import Place
from simcheck.notices.letters import Result, tell
from simcheck.notices.models import TrackState
from simcheck.notices.policy import Policy
from simcheck.notices.recipients import Told
from simcheck.service import Service

MOST_FOUND = 100_000
BATCH = 5_000
_STAMP = sa.TIMESTAMP(timezone=True)
_CASES = sa.bindparam("cases", type_=pg.ARRAY(sa.Uuid()))
_DUE = f"""
    notice_track.state IN ('active', 'unreachable') AND next_at <= :at
    AND closed_at IS NULL AND {tracks.HEARS}
"""
# On a holiday (`begins` false) nobody hears for the first time.
DUE = sa.text(f"""
SELECT case_id
FROM notice_track
JOIN "case" ON "case".id = case_id
JOIN subscription ON subscription.carrier = "case".carrier
                 AND subscription.msisdn_token = "case".msisdn_token
WHERE {_DUE} AND (:begins OR count > 0)
ORDER BY subscription.batch_id, subscription.bucket, subscription.row
LIMIT :most
""").bindparams(sa.bindparam("at", type_=_STAMP))  # noqa: S608  (no input of anybody)
TAKE = sa.text(f"""
SELECT case_id, notice_track.round, count, first_at, code, "case".carrier, "case".msisdn_token, reasons,
       status, batch_id, bucket, row, "case".state
FROM (
    SELECT notice_track.* FROM notice_track WHERE case_id = ANY(:cases) FOR UPDATE SKIP LOCKED
) AS notice_track
JOIN "case" ON "case".id = case_id
JOIN (SELECT carrier, msisdn_token, status, batch_id, bucket, row FROM subscription) AS lies
  ON lies.carrier = "case".carrier AND lies.msisdn_token = "case".msisdn_token
WHERE {_DUE}
""").bindparams(_CASES, sa.bindparam("at", type_=_STAMP))  # noqa: S608
MARK = sa.text("""
UPDATE notice_track SET
    state = made.state, reason_group = made.reason_group, next_at = made.next_at,
    count = notice_track.count + made.told,
    first_at = CASE WHEN made.told > 0 THEN coalesce(first_at, :at) ELSE first_at END,
    last_at = CASE WHEN made.told > 0 THEN :at ELSE last_at END
FROM unnest(:cases, :states, :groups, :nexts, :told) AS made (case_id, state, reason_group, next_at, told)
WHERE notice_track.case_id = made.case_id
""").bindparams(
    _CASES, sa.bindparam("states", type_=pg.ARRAY(sa.Text())),
    sa.bindparam("groups", type_=pg.ARRAY(sa.Text())),
    sa.bindparam("nexts", type_=pg.ARRAY(_STAMP)), sa.bindparam("told", type_=pg.ARRAY(sa.SmallInteger())),
    sa.bindparam("at", type_=_STAMP),
)  # fmt: skip


class Due(NamedTuple):
    """A track whose next notice is due, with its case and where its record is."""

    case_id: uuid.UUID
    round: int
    sent: int
    first_at: datetime | None
    code: str
    carrier: str
    msisdn_token: bytes
    reasons: int
    status: str | None
    batch_id: uuid.UUID
    bucket: int
    row: int
    state: str


@dataclass(frozen=True)
class Made:
    """What a batch came to: notices of holders, of others under the same contract, and what was put off."""

    told: int = 0
    mates: int = 0
    put_off: int = 0
    unreachable: int = 0


async def find(session: AsyncSession, policy: Policy, most: int = MOST_FOUND) -> list[uuid.UUID]:
    """Cases whose next notice is due now, in the order of their records; none in quiet hours."""
    at = clock.now()
    if schedule.quiet(policy, at):
        return []
    begins = schedule.local_day(policy, at) not in policy.holidays
    words = {"at": at, "holder": Acts.HOLDER.value, "begins": begins, "most": most}
    async with tracks.hashing(session):
        return list(await session.scalars(DUE, words))


async def make(
    session: AsyncSession, service: Service, policy: Policy, case_ids: Sequence[uuid.UUID]
) -> Made:
    """Store the next notice of each case that is still due, and those of its contract's other numbers."""
    at = clock.now()
    if schedule.quiet(policy, at):
        return Made()
    rows = await session.execute(TAKE, {"cases": list(case_ids), "at": at, "holder": Acts.HOLDER.value})
    due = [Due(*row) for row in rows]
    if not due:
        return Made()
    told = [notice(policy, each, at) for each in due]
    results = await tell(session, service, policy, told, at=at)
    await _mark(session, policy, due, told, results, at)
    spoken = [each for each, result in zip(told, results, strict=True) if result is Result.TOLD]
    pairs = await recipients.mates(session, policy, spoken, schedule.local_day(policy, at))
    others = [mate for _, mate in pairs]
    heard = await tell(session, service, policy, others, at=at, about=[each for each, _ in pairs])
    _note(session, [*zip(told, results, strict=True), *zip(others, heard, strict=True)])
    return Made(
        results.count(Result.TOLD), heard.count(Result.TOLD), results.count(Result.FULL),
        results.count(Result.UNREACHABLE),
    )  # fmt: skip


def notice(policy: Policy, due: Due, at: datetime) -> Told:
    """The notice that comes next in a case; after the deadline, it names none."""
    group = Group.DECEASED if due.state == State.DISOWNED else group_told(due.reasons)
    ladder = policy.ladder(group)
    last = schedule.deadline(policy, ladder, due.first_at or at)
    return Told(
        key=f"notice/{due.case_id}/{due.round}/{due.sent + 1}", case_id=due.case_id, code=due.code,
        kind=schedule.kind_of(policy, ladder, due.sent, due.first_at, at), group=group,
        deadline=last if last >= schedule.local_day(policy, at) else None,
        place=Place(due.carrier, due.msisdn_token, due.batch_id, due.bucket, due.row), status=due.status,
    )  # fmt: skip


@lru_cache(maxsize=1 << 16)
def group_told(reasons: int) -> Group:
    """The group of these reasons (`tracks.GROUP` in Python)."""
    return group_of(reasons & holders_reasons(rules.load()) or reasons)


async def _mark(
    session: AsyncSession, policy: Policy, due: Sequence[Due], told: Sequence[Told],
    results: Sequence[Result], at: datetime,
) -> None:  # fmt: skip
    """Note what was told, and when each is due again."""
    states: list[str] = []
    nexts: list[datetime | None] = []
    today = schedule.local_day(policy, at)
    for each, its, result in zip(due, told, results, strict=True):
        assert its.group is not None
        state, day = TrackState.ACTIVE, today + schedule.DAY
        if result is Result.TOLD:
            ladder = policy.ladder(its.group)
            following = schedule.next_day(policy, ladder, each.sent + 1, each.first_at or at, at)
            state, day = (TrackState.ACTIVE, following) if following else (TrackState.DONE, day)
        elif result is Result.UNREACHABLE:
            state, day = TrackState.UNREACHABLE, today + policy.unreachable_days * schedule.DAY
        states.append(state.value)
        done = state is TrackState.DONE
        nexts.append(None if done else schedule.on(policy, day, schedule.share_of(each.case_id)))
    words = {
        "cases": [each.case_id for each in due], "states": states, "nexts": nexts, "at": at,
        "groups": [str(each.group) for each in told],
        "told": [int(result is Result.TOLD) for result in results],
    }  # fmt: skip
    await session.execute(MARK, words)


def _note(session: AsyncSession, results: Sequence[tuple[Told, Result]]) -> None:
    """One audit row a carrier: how many were told what."""
    counts: dict[str, Counter[str]] = {}
    for told, result in results:
        if result is Result.TOLD:
            counts.setdefault(told.place.carrier, Counter())["mate" if told.mate else told.kind.value] += 1
    for carrier, kinds in sorted(counts.items()):
        audit.record(session, "notice.made", f"carrier/{carrier}", dict(kinds), stream=f"notice/{carrier}")
