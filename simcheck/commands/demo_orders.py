"""What the demo shows of policies and orders: signed, due, proposed, approved, answered, undone.

By the record alone nobody is suspended within days, and a demo takes minutes. So carriers tell of handsets
that were changed some hours ago: that alone is due after two hours (Circular 08/2026 Art. 8). Everything goes
through the services that the pages call, in the name of whoever does it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from jobs import clocks, orders
from simcheck import clock
from simcheck.enforcement import store
from simcheck.enforcement.orders import answers, approve, brake
from simcheck.enforcement.orders.answers import Outcome
from simcheck.enforcement.orders.models import OrderBatch, OrderState
from simcheck.enforcement.policy import shipped
from simcheck.gate import events
from simcheck.gate.events import Told
from simcheck.gate.models import SimEventKind
from simcheck.service import Service

CHANGED = timedelta(hours=3)  # ago: an hour longer than what the law gives
FACES, LATER = 2, 3  # whose faces are checked again after it; whose handsets are changed after it
EACH = 9  # numbers that are wanted of a carrier
RUNNING = sa.text("SELECT count(*) FROM clock WHERE ended_at IS NULL")


class Shown(NamedTuple):
    """How many clocks run, how many lines wait for approval, were ordered and answered, and are undone."""

    clocks: int
    proposed: int
    ordered: int
    restored: int


async def show(
    service: Service, supervisors: Sequence[str], manager: str, carrier: str,
    numbers: Mapping[str, Sequence[str]],
) -> Shown:  # fmt: skip
    """Put the shipped policy in force; let handsets be changed (`numbers` by carrier), those of `carrier` be
    ordered, answered by its manager, and some undone. What others have waits at the desk, as some of its own
    does.
    """
    await _sign(service, supervisors)
    mine = numbers[carrier][: len(numbers[carrier]) - LATER]
    for code, own in numbers.items():
        await _tell(service, code, SimEventKind.DEVICE_CHANGED, mine if code == carrier else own)
    await _propose(service)
    ordered = next(iter(await _orders(service, OrderState.PROPOSED, carrier)), None)
    if ordered is None:  # no policy is law yet, by this machine's clock
        return Shown(0, 0, 0, 0)
    await _order(service, supervisors[-1], manager, ordered)
    await _tell(service, carrier, SimEventKind.FACE_VERIFIED, mine[:FACES])
    await clocks.follow(service)
    await orders.follow(service)
    undone = await _orders(service, OrderState.APPROVED, carrier)
    for each in undone:
        await orders.make_file(service, str(each.id))
    await _tell(service, carrier, SimEventKind.DEVICE_CHANGED, numbers[carrier][len(mine) :])
    await _propose(service)
    waiting = await _orders(service, OrderState.PROPOSED)
    async with _acting(service, supervisors[0]) as session:
        running = int(await session.scalar(RUNNING) or 0)
    return Shown(
        running, sum(each.lines for each in waiting), ordered.lines, sum(each.lines for each in undone)
    )


async def _sign(service: Service, supervisors: Sequence[str]) -> None:
    """One drafts it, another one signs it off."""
    async with _acting(service, supervisors[0]) as session:
        version = (await store.add(session, shipped())).version
    async with _acting(service, supervisors[-1]) as session:
        await store.approve(session, version)


async def _propose(service: Service) -> None:
    """What workers do every few minutes."""
    await clocks.follow(service)
    await orders.find_due(service)


async def _order(service: Service, supervisor: str, manager: str, order: OrderBatch) -> None:
    """A supervisor approves, the file is made, the carrier has it and says what became of each line."""
    async with _acting(service, supervisor) as session:
        policy = await store.in_force(session)
        assert policy is not None
        await approve.approve(session, service, brake.caps_of(policy), order.id, order.lines)
    await orders.make_file(service, str(order.id))
    async with _acting(service, manager, order.carrier) as session:
        await answers.acknowledge_all(session, service, order.id, order.lines)
        said = [Outcome(line, "done" if line > 1 else "failed") for line in range(1, order.lines + 1)]
        await answers.take(session, service, order.id, said)


async def _tell(service: Service, carrier: str, kind: SimEventKind, numbers: Sequence[str]) -> None:
    at = clock.now() - (CHANGED if kind is SimEventKind.DEVICE_CHANGED else timedelta())
    client = f"{carrier}-demo"
    async with service.database.transaction(f"client:{client}", carrier) as session:
        told = [Told(str(uuid.uuid4()), each, kind, at) for each in numbers]
        await events.tell(session, service.keyring, carrier, client, told)


async def _orders(service: Service, state: OrderState, carrier: str | None = None) -> Sequence[OrderBatch]:
    """Orders in a state, as they stand."""
    query = sa.select(OrderBatch).where(OrderBatch.state == state)
    if carrier is not None:
        query = query.where(OrderBatch.carrier == carrier)
    async with service.database.transaction("operator", ministry=True) as session:
        return (await session.scalars(query)).all()


def _acting(service: Service, who: str, carrier: str | None = None) -> Any:
    return service.database.transaction(f"person:{who}", carrier, ministry=carrier is None)
