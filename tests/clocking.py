"""What tests of clocks stand on: a policy in force, clocks as the table has them and as events make them."""

from __future__ import annotations

import datetime
import json
from typing import Any

from simcheck import clock
from simcheck.enforcement import machine, policy, reading, store
from simcheck.enforcement.machine import Event, State
from simcheck.enforcement.words import Happened
from tests.running import NOON

_FIELDS = (
    "policy_version, track, trigger, started_at, event_at, step, step_at, paused_at, shift, notice_days, "
    "told_at, warned_at, ended_at, end_reason, next_step, next_at, proven"
)


async def in_force(service: Any, text: str | None = None, at: datetime.datetime = NOON) -> None:
    """A policy (else the shipped one) that two people have signed off."""
    with clock.fixed(at):
        async with service.database.transaction("person:an", ministry=True) as session:
            made = await store.add(session, text or policy.shipped())
        async with service.database.transaction("person:binh", ministry=True) as session:
            await store.approve(session, made.version)


async def follow(service: Any, at: datetime.datetime) -> None:
    """The sweep of clocks, at a moment."""
    from jobs import clocks

    with clock.fixed(at):
        await clocks.follow(service)


def states(owner: Any) -> list[State]:
    """Every clock, as the table has it, by number."""
    owner.execute("SET app.scope = 'ministry'; SET timezone = 'UTC'")
    return [
        State(*row)
        for row in owner.execute(f"SELECT {_FIELDS} FROM clock ORDER BY carrier, msisdn_token").fetchall()
    ]


def folded(owner: Any, as_of: datetime.datetime, *more: str) -> list[State | None]:
    """Every clock, as its events make it, by number; under the shipped policy and `more`."""
    known = {read.version: read for read in map(reading.read, (policy.shipped(), *more))}
    owner.execute("SET app.scope = 'ministry'; SET timezone = 'UTC'")
    events: dict[tuple[str, bytes], list[Event]] = {}
    for carrier, token, at, kind, step, detail in owner.execute(
        "SELECT carrier, msisdn_token, at, kind, step, detail::text FROM clock_event ORDER BY id"
    ):
        events.setdefault((carrier, token), []).append(Event(at, Happened(kind), step, json.loads(detail)))
    return [machine.fold(each, known, as_of) for _, each in sorted(events.items())]


def same(owner: Any, at: datetime.datetime, *more: str) -> list[State]:
    """The clocks as the table has them, which must be what their events make them."""
    found = states(owner)
    assert found == folded(owner, at, *more)
    return found
