"""What tests of orders stand on: a carrier's wrong records, a policy in force, clocks that are due."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simcheck import clock
from simcheck.enforcement import policy, reading, store
from simcheck.enforcement.orders import answer_files, answers, approve, propose, restore, send
from simcheck.enforcement.orders.answers import Outcome
from simcheck.enforcement.orders.brake import Caps
from tests.holding import PEOPLE, a_country, case_of, national, wrong_name
from tests.running import NOON

VERSION = policy.SHIPPED
CAPS = Caps(1000, 100)
AN, BINH = "person:an", "person:binh"
DAY, HOUR = datetime.timedelta(days=1), datetime.timedelta(hours=1)


async def a_wrong_country(service: Any, folder: Path, count: int = 3, carrier: str = "viettel") -> None:
    """Numbers 1 to `count` of a carrier stand under somebody else's name, and a policy is in force."""
    rows = [wrong_name(number, PEOPLE[number % len(PEOPLE)]) for number in range(1, count + 1)]
    with clock.fixed(NOON):
        await a_country(service, folder, rows, carrier=carrier)
        await a_policy(service)


async def a_policy(service: Any, text: str | None = None) -> None:
    """A policy (else the shipped one) that two people have signed off."""
    async with service.database.transaction(AN, ministry=True) as session:
        made = await store.add(session, text or policy.shipped())
    async with service.database.transaction(BINH, ministry=True) as session:
        await store.approve(session, made.version)


def track() -> str:
    """A track of the shipped policy that has all three steps."""
    read = reading.read(policy.shipped())
    return next(each.id for each in read.tracks if len(each.steps) == 3)


CLOCK = """
INSERT INTO clock (carrier, msisdn_token, case_id, trigger, track, policy_version, started_at, step, step_at,
                   notice_days, told_at, warned_at, proven, next_step, next_at, reckoned)
SELECT carrier, msisdn_token, id, 'not_compliant', %(track)s, %(version)s, %(at)s - interval '20 days',
       %(step)s, CASE WHEN %(step)s > 0 THEN %(at)s - interval '3 days' END, 5, %(at)s - interval '2 days',
       %(at)s - interval '2 days', true, %(step)s + 1, %(at)s, true
FROM "case" WHERE id = ANY(%(cases)s)
ON CONFLICT (carrier, msisdn_token) DO UPDATE SET
    step = excluded.step, step_at = excluded.step_at, proven = true, reckoned = true,
    next_step = excluded.next_step, next_at = excluded.next_at
"""


def let_be_due(
    owner: Any, keyring: Any, numbers: Sequence[int], step: int = 0, at: datetime.datetime = NOON
) -> None:
    """Let the clocks of these numbers be at a step, and the next one be due."""
    cases = [case_of(owner, keyring, number)[0] for number in numbers]
    owner.execute(CLOCK, {"cases": cases, "step": step, "at": at, "version": VERSION, "track": track()})


async def proposed(service: Any, caps: Caps = CAPS, at: datetime.datetime = NOON) -> propose.Proposed:
    """What the daily job does."""
    with clock.fixed(at):
        async with service.database.transaction("job:orders.propose", ministry=True) as session:
            return await propose.propose(session, service, caps)


async def approved(
    service: Any, order: uuid.UUID, lines: int, caps: Caps = CAPS, at: datetime.datetime = NOON, by: str = AN
) -> str:
    """Somebody approves a proposal; the state in which it is then."""
    with clock.fixed(at):
        async with service.database.transaction(by, ministry=True) as session:
            return (await approve.approve(session, service, caps, order, lines)).state


async def sent(service: Any, at: datetime.datetime = NOON) -> None:
    """The job that undoes, and those that it wakes, which send and read, at a moment."""
    from jobs import orders

    with clock.fixed(at):
        await orders.follow(service)
        async with service.database.transaction("test", ministry=True) as session:
            due, waiting = await send.due(session), await answer_files.waiting(session)
        for order, _ in due:
            await orders.make_file(service, str(order))
        for answer in waiting:
            await orders.read_answer(service, str(answer))


async def answered(
    service: Any, order: uuid.UUID, *said: Outcome, at: datetime.datetime = NOON, carrier: str = "viettel"
) -> answers.Taken:
    """A carrier says what became of lines."""
    with clock.fixed(at):
        async with service.database.transaction(f"client:{carrier}-1", carrier) as session:
            return await answers.take(session, service, order, said)


async def restored(service: Any, at: datetime.datetime = NOON) -> dict[str, int]:
    """What is undone of cases that were closed in the last hours."""
    with clock.fixed(at):
        async with service.database.transaction("job:orders.restore", ministry=True) as session:
            return dict(await restore.restore(session, at - 3 * HOUR))


async def ordered(
    service: Any, owner: Any, count: int, step: int = 0, at: datetime.datetime = NOON
) -> uuid.UUID:
    """An order about numbers 1 to `count`, sent."""
    let_be_due(owner, service.keyring, range(1, count + 1), step, at)
    await proposed(service, at=at)
    [order] = [row.id for row in batches(owner) if row.state == "proposed"]
    assert await approved(service, order, count, at=at) == "approved"
    await sent(service, at)
    return order


class Row:
    """A row by the names of its columns."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


def rows(owner: Any, query: str, *arguments: Any) -> list[Any]:
    """Rows of a table, as the owner sees them who sees all."""
    owner.execute("SET app.scope = 'ministry'; SET timezone = 'UTC'")
    found = owner.execute(query, arguments or None)
    names = [column.name for column in found.description]
    return [Row(**dict(zip(names, each, strict=True))) for each in found]


def batches(owner: Any) -> list[Any]:
    """Every order, the oldest first."""
    return rows(owner, "SELECT * FROM order_batch ORDER BY proposed_at, act, id")


def lines(owner: Any, order: uuid.UUID) -> list[Any]:
    """The lines of an order."""
    return rows(owner, "SELECT * FROM order_line WHERE order_id = %s ORDER BY line", order)


def states(owner: Any, order: uuid.UUID) -> list[tuple[str, str | None]]:
    """How far the lines of an order are: state and outcome."""
    return [(each.state, each.outcome) for each in lines(owner, order)]


def clock_of(owner: Any, keyring: Any, number: int) -> Any:
    """The clock of a number."""
    token = keyring.token("msisdn", national(number))
    [found] = rows(owner, "SELECT * FROM clock WHERE msisdn_token = %s", token)
    return found


def line_of(owner: Any, keyring: Any, order: uuid.UUID, number: int) -> int:
    """Which line of an order a number is."""
    token = keyring.token("msisdn", national(number))
    [found] = [each.line for each in lines(owner, order) if each.msisdn_token == token]
    return found
