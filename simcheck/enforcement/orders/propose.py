"""What is due and may be ordered becomes proposals, one a carrier and act, until a second person looks.

May be done as often as one likes: a subscription stands in one live line at most. Where more is due than the
policy lets a day have, nothing is proposed and the brake is pulled.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.db.engine import actor_of
from simcheck.enforcement.orders import brake, guards
from simcheck.enforcement.orders.brake import Caps, Rooms
from simcheck.enforcement.orders.models import EVERYWHERE, OrderAct, OrderBatch, OrderState
from simcheck.service import Service

STEPS = {1: OrderAct.ONE_WAY, 2: OrderAct.TWO_WAY, 3: OrderAct.TERMINATE}
# No compiler, and room for the hash of some hundred thousand rows.
SETTLE = sa.text("SELECT set_config('jit', 'off', true), set_config('work_mem', '64MB', true)")
# How many are due, by carrier, step and what is in the way (null: nothing).
COUNT = sa.text(f"""
SELECT carrier, step, shut, count(*) AS clocks FROM (
    SELECT clock.carrier, wanted.step, {guards.SHUT} AS shut FROM {guards.DUE}
) AS due
GROUP BY carrier, step, shut ORDER BY carrier, step, clocks DESC
""").bindparams(*guards.PARAMETERS)  # noqa: S608  (no input of anybody)
# The longest due first. What they rest on is kept beside each line: moments, counts and words.
ADD = sa.text(f"""
INSERT INTO order_line (order_id, line, carrier, msisdn_token, case_id, act, reason, evidence, made_at, state)
SELECT :order, :last + row_number() OVER (ORDER BY next_at, msisdn_token), carrier, msisdn_token, case_id,
       CAST(:act AS text), trigger, evidence, :now, 'proposed'
FROM (
    SELECT clock.carrier, clock.msisdn_token, clock.case_id, clock.trigger, clock.next_at,
           {guards.SHUT} AS shut,
           jsonb_build_object(
               'policy', clock.policy_version, 'track', clock.track, 'step', clock.next_step,
               'due_at', clock.next_at, 'started_at', clock.started_at, 'step_at', clock.step_at,
               'event_at', clock.event_at, 'notice_days', clock.notice_days, 'told_at', clock.told_at,
               'warned_at', clock.warned_at, 'clock', clock.version, 'case', "case".version,
               'state', "case".state
           ) AS evidence
    FROM {guards.DUE} AND clock.carrier = :carrier AND clock.next_step = :step
) AS due
WHERE shut IS NULL ORDER BY next_at, msisdn_token LIMIT :most
ON CONFLICT DO NOTHING
""").bindparams(*guards.PARAMETERS)  # noqa: S608

# The last number of a line in an order.
LAST = sa.text("SELECT coalesce(max(line), 0) FROM order_line WHERE order_id = :order")


class Due(NamedTuple):
    """So many clocks of a carrier are due for a step; `shut` is the guard in the way, None where none is."""

    carrier: str
    step: int
    shut: str | None
    clocks: int


class Proposed(NamedTuple):
    """Lines that were proposed, by carrier, and the scopes whose brake was pulled."""

    lines: Mapping[str, int]
    braked: tuple[str, ...]


async def due(session: AsyncSession, service: Service) -> list[Due]:
    """What is due now, and what is in the way."""
    await session.execute(SETTLE)
    rows = await session.execute(COUNT, await guards.given(session, service.settings, clock.now()))
    return [Due(*row) for row in rows]


async def propose(session: AsyncSession, service: Service, caps: Caps) -> Proposed:
    """Propose what is due, or pull the brake. The session needs the ministry's scope."""
    rooms = await brake.rooms(session, caps)
    if await brake.holds(session, EVERYWHERE):  # millions need not be looked at to propose none
        return Proposed({}, ())
    ready: dict[str, dict[int, int]] = {}
    for each in await due(session, service):
        if each.shut is None:
            ready.setdefault(each.carrier, {})[each.step] = each.clocks
    braked = []
    for carrier, steps in list(ready.items()):
        if await _too_many(session, rooms, carrier, sum(steps.values())):
            braked.append(carrier)
            del ready[carrier]
    if await _too_many(session, rooms, EVERYWHERE, sum(sum(steps.values()) for steps in ready.values())):
        return Proposed({}, (*braked, EVERYWHERE))
    made: dict[str, int] = {}
    for carrier, steps in ready.items():
        for step in sorted(steps):
            left = min(rooms.of(carrier).left, rooms.of(EVERYWHERE).left)
            lines = await _add(session, service, carrier, step, left)
            rooms.take(carrier, lines)
            made[carrier] = made.get(carrier, 0) + lines
    return Proposed({carrier: lines for carrier, lines in made.items() if lines}, tuple(braked))


async def _too_many(session: AsyncSession, rooms: Rooms, scope: str, more: int) -> bool:
    """Whether the brake has to be pulled, and is. Where a person let go today, as many go as they said."""
    room = rooms.of(scope)
    if more <= room.left or room.released:
        return False
    await brake.pull(session, scope, brake.BY_CAP, room.counted + more, room.cap)
    return True


async def _add(session: AsyncSession, service: Service, carrier: str, step: int, left: int) -> int:
    """Add lines to the carrier's open proposal for a step, or begin one; how many."""
    if left <= 0:
        return 0
    now, act = clock.now(), STEPS[step]
    given = await guards.given(session, service.settings, now)
    proposal = await _open(session, carrier, act)
    most = min(left, service.settings.orders_lines - proposal.lines)
    if most <= 0:
        return 0
    last = await session.scalar(LAST, {"order": proposal.id})
    added = await session.execute(
        ADD,
        {**given, "order": proposal.id, "last": last, "act": act.value,
         "carrier": carrier, "step": step, "most": most},
    )  # fmt: skip
    lines = int(added.rowcount)  # type: ignore[attr-defined]
    if lines:
        proposal.lines += lines
        said = {"act": act.value, "lines": proposal.lines, "added": lines}
        audit.record(session, "order.proposed", f"order/{proposal.id}", said, stream=f"order/{carrier}")
    await session.flush()
    return lines


async def _open(session: AsyncSession, carrier: str, act: OrderAct) -> OrderBatch:
    """One's own open proposal for a carrier and an act, a new one where there is none; locked. What others
    proposed stays theirs: whoever adds to a proposal must not approve it.
    """
    made = (
        pg.insert(OrderBatch)
        .values(
            id=uuid.uuid4(), carrier=carrier, act=act.value,
            state=OrderState.PROPOSED.value, lines=0, proposed_by=actor_of(session), proposed_at=clock.now(),
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    await session.execute(made)
    here = (OrderBatch.carrier == carrier, OrderBatch.act == act, OrderBatch.state == OrderState.PROPOSED)
    query = sa.select(OrderBatch).where(*here, OrderBatch.proposed_by == actor_of(session))
    query = query.with_for_update()
    return (await session.scalars(query)).one()
