"""Whatever happens in whatever order: nobody is cut off who should not be, nobody stays so, never twice."""

from __future__ import annotations

import random
import uuid

import pytest

from simcheck import clock
from simcheck.enforcement import follow
from simcheck.enforcement.orders.answers import Outcome
from simcheck.records import OUTCOMES
from tests.holding import case_of
from tests.ordering import (
    HOUR,
    NOON,
    a_wrong_country,
    answered,
    approved,
    batches,
    let_be_due,
    proposed,
    rows,
    sent,
)  # fmt: skip
from tests.simcheck.enforcement.orders.test_send import agreed

pytestmark = pytest.mark.anyio
NUMBERS = range(1, 9)
WHAT = "due due due propose propose approve approve send send answer hold free free correct".split()
LINES = """
SELECT order_line.*, "case".closed_at, "case".held FROM order_line JOIN "case" ON "case".id = case_id
WHERE order_line.state = 'sent' AND act <> 'restore'
"""
# Suspended, closed, and nobody was told to undo it.
LEFT_ALONE = """
SELECT FROM clock JOIN "case" ON "case".id = clock.case_id
WHERE closed_at IS NOT NULL AND step IN (1, 2) AND NOT EXISTS (
    SELECT FROM order_line WHERE order_line.msisdn_token = clock.msisdn_token AND act = 'restore'
    AND made_at >= clock.step_at
)
"""
HOLD = 'UPDATE "case" SET held = %s WHERE id = %s AND closed_at IS NULL'
TWO_LIVE = """
SELECT msisdn_token FROM order_line WHERE state IN ('proposed', 'sent', 'unknown')
GROUP BY carrier, msisdn_token HAVING count(*) > 1
"""


@pytest.mark.parametrize("seed", range(3))
async def test_a_walk_through_everything_that_can_happen(service, owner, tmp_path, seed):
    await a_wrong_country(service, tmp_path, len(NUMBERS))
    chance, at = random.Random(seed), NOON
    seen: set[tuple[uuid.UUID, int]] = set()
    went = 0
    for _ in range(60):
        at += HOUR / 4
        what = chance.choice(WHAT)
        number = chance.choice(NUMBERS)
        case_id, _ = case_of(owner, service.keyring, number)
        if what == "due":
            due(owner, service.keyring, number, at)
        elif what == "propose":
            await proposed(service, at=at)
        elif what == "approve":
            for order in batches(owner):
                if order.state == "proposed" and order.lines:
                    await approved(service, order.id, order.lines, at=at)
        elif what == "answer":
            for line in rows(owner, "SELECT * FROM order_line WHERE state IN ('sent', 'unknown')"):
                said = Outcome(line.line, chance.choice(OUTCOMES[:3]), at)
                await answered(service, line.order_id, said, at=at)
        elif what in {"hold", "free"}:
            owner.execute(HOLD, [what == "hold", case_id])
        elif what == "correct" and is_open(owner, case_id):
            await agreed(service, owner, number, at)
        if what in {"send", "correct"}:
            await sent(service, at)
            with clock.fixed(at):
                async with service.database.transaction("job:clocks.follow", ministry=True) as session:
                    await follow.end(session)
            new = [each for each in rows(owner, LINES) if (each.order_id, each.line) not in seen]
            assert not any(each.closed_at or each.held for each in new)
            seen |= {(each.order_id, each.line) for each in new}
            went += len(new)
            assert rows(owner, LEFT_ALONE) == []
        assert rows(owner, TWO_LIVE) == []
    assert went  # else the walk has shown nothing


def is_open(owner, case_id):
    return bool(rows(owner, 'SELECT FROM "case" WHERE id = %s AND closed_at IS NULL', case_id))


def due(owner, keyring, number, at):
    """Let the next step of a clock that runs be due."""
    case_id, _ = case_of(owner, keyring, number)
    found = rows(owner, "SELECT step, ended_at FROM clock WHERE case_id = %s", case_id)
    step = found[0].step if found else 0
    if is_open(owner, case_id) and step < 3 and not (found and found[0].ended_at):
        let_be_due(owner, keyring, [number], step, at)
