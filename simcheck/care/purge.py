"""A purge: each kind is counted, what may go goes, and it is counted again. The counts stay, as the proof.

What was due, what the removal says that it removed, and what is held or left are three numbers of which none
is made from another, all of one moment. They have to add up: a check of the table sees to it, and where they
do not, the transaction fails and nothing is removed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock, log
from simcheck.care import retention
from simcheck.care.kinds import KINDS, THINGS, Kind
from simcheck.care.models import PurgeCount, PurgeRun
from simcheck.care.retention import Rule
from simcheck.db.engine import actor_of
from simcheck.errors import SimcheckError
from simcheck.service import Service

JOB = "care.purge"
# What other jobs remove goes within the hour; a day late is a fault.
SLACK = timedelta(days=1)
ROUNDS = 200  # of a kind in a night: the rest waits for the next one, and is told as left


async def run(service: Service, actor: str) -> uuid.UUID:
    """Purge all kinds, a transaction each; the purge's id. A kind that fails twice keeps none of the others
    from being purged; then its error is raised. Such a purge never ended, and its counts are true.
    """
    now, table = clock.now(), retention.load()
    purge_id = uuid.uuid4()
    async with service.database.transaction(actor, ministry=True) as session:
        session.add(PurgeRun(id=purge_id, begun_at=now, begun_by=actor_of(session), policy=table.version))
        audit.record(session, "purge.begun", f"purge/{purge_id}", {"policy": table.version}, stream="purge")
    timed = [rule for rule in table.rules if rule.timed]
    errors = [await _tried(service, actor, purge_id, rule, now) for rule in timed]
    for error in filter(None, errors):
        raise error
    async with service.database.transaction(actor, ministry=True) as session:
        await _end(session, purge_id)
    return purge_id


async def newest(session: AsyncSession, most: int = 10) -> list[PurgeRun]:
    """The newest purges."""
    return list(await session.scalars(sa.select(PurgeRun).order_by(PurgeRun.begun_at.desc()).limit(most)))


async def counts(session: AsyncSession, purge_id: uuid.UUID) -> list[PurgeCount]:
    """The counts of a purge, in the order of the retention table."""
    order = {rule.id: place for place, rule in enumerate(retention.load().rules)}
    found = await session.scalars(sa.select(PurgeCount).where(PurgeCount.run_id == purge_id))
    return sorted(found, key=lambda each: order.get(each.kind, len(order)))


def _before(service: Service, rule: Rule, now: datetime) -> datetime:
    limit = rule.before(service.settings, now)
    return limit if rule.by == JOB else limit - SLACK


async def _tried(
    service: Service, actor: str, purge_id: uuid.UUID, rule: Rule, now: datetime
) -> Exception | None:  # fmt: skip
    """Purge one kind, once more where others changed the same rows meanwhile; what went wrong then too."""
    wrong: Exception | None = None
    mark = KINDS[rule.id].mark
    for _ in range(2):
        try:
            if mark is not None:  # what goes after it cannot come back: this is said, and kept, before
                async with service.database.transaction(actor, ministry=True) as session:
                    await mark(session, _before(service, rule, now))
            async with service.database.transaction(actor, ministry=True, snapshot=True) as session:
                session.add(await _one(session, service, purge_id, rule, now))
        except (SQLAlchemyError, SimcheckError, OSError) as error:
            wrong = error
        else:
            return None
    log.logger().error("a kind was not purged", kind=rule.id, exc_info=wrong)
    return wrong


async def _one(
    session: AsyncSession, service: Service, purge_id: uuid.UUID, rule: Rule, now: datetime
) -> PurgeCount:  # fmt: skip
    kind, before = KINDS[rule.id], _before(service, rule, now)
    found = await kind.count(session, service, before)
    rows = await _removed(session, service, kind, before)
    left = found if kind.remove is None else await kind.count(session, service, before)
    held, gone = sum(left.held.values()), rows.pop(THINGS, 0)
    detail = {"rows": rows, "held": left.held}
    count = PurgeCount(
        run_id=purge_id, kind=rule.id, older_than=before, due=found.due, held=held, removed=gone,
        remaining=left.due - held, detail=detail,
    )  # fmt: skip
    told = {"due": count.due, "held": held, "removed": count.removed, "remaining": count.remaining, **detail}
    if found.due or left.due:
        audit.record(session, "purge.counted", f"purge/{purge_id}/{rule.id}", told, stream="purge")
    return count


async def _removed(
    session: AsyncSession, service: Service, kind: Kind, before: datetime
) -> dict[str, int]:  # fmt: skip
    """Remove what may go, round after round: how many things, and rows by table."""
    rows: dict[str, int] = {}
    if kind.remove is None:
        return rows
    for _ in range(ROUNDS):
        gone = await kind.remove(session, service, before)
        for what, number in gone.items():
            rows[what] = rows.get(what, 0) + number
        if not gone[THINGS]:
            break
    return rows


async def _end(session: AsyncSession, purge_id: uuid.UUID) -> None:
    found = await session.get_one(PurgeRun, purge_id)
    parts: Sequence[PurgeCount] = await counts(session, purge_id)
    left = sorted(each.kind for each in parts if each.remaining)
    found.ended_at, found.whole = clock.now(), not left
    audit.record(
        session, "purge.done", f"purge/{purge_id}",
        {"removed": sum(each.removed for each in parts), "held": sum(each.held for each in parts),
         "left": left},
        stream="purge",
    )  # fmt: skip
