"""What is due becomes a proposal, once; too much of it pulls the brake."""

from __future__ import annotations

import pytest

from simcheck import clock
from simcheck.enforcement.orders import propose
from simcheck.enforcement.orders.brake import Caps
from tests.ordering import (
    DAY,
    NOON,
    a_wrong_country,
    batches,
    let_be_due,
    lines,
    proposed,
    rows,
)  # fmt: skip

pytestmark = pytest.mark.anyio


async def test_what_is_due_is_proposed_once(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1, 2])
    assert (await proposed(service)).lines == {"viettel": 2}
    assert (await proposed(service)).lines == {}
    [order] = batches(owner)
    assert (order.act, order.state, order.lines, order.proposed_by) == (
        "one_way", "proposed", 2, "job:orders.propose",
    )  # fmt: skip
    first, second = lines(owner, order.id)
    assert (first.line, second.line) == (1, 2)
    assert first.reason == "not_compliant"
    assert first.evidence["notice_days"] == 5
    assert first.evidence["due_at"].startswith("20")
    assert first.number is None


async def test_what_comes_due_later_joins_the_open_proposal(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1])
    await proposed(service)
    let_be_due(owner, service.keyring, [2])
    let_be_due(owner, service.keyring, [3], step=1)
    assert (await proposed(service)).lines == {"viettel": 2}
    assert {(each.act, each.lines) for each in batches(owner)} == {("one_way", 2), ("two_way", 1)}


async def test_what_a_person_proposes_is_not_added_to_what_the_job_proposed(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1])
    await proposed(service)
    let_be_due(owner, service.keyring, [2])
    with clock.fixed(NOON):
        async with service.database.transaction("person:an", ministry=True) as session:
            await propose.propose(session, service, Caps(100, 100))
    assert {(each.proposed_by, each.lines) for each in batches(owner)} == {
        ("job:orders.propose", 1), ("person:an", 1),
    }  # fmt: skip


async def test_more_than_a_day_may_have_pulls_the_brake_and_proposes_nothing(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1, 2, 3])
    made = await proposed(service, Caps(100, 2), NOON + 6 * DAY)
    assert (made.lines, made.braked) == ({}, ("viettel",))
    assert batches(owner) == []
    [pulled] = rows(owner, "SELECT * FROM brake")
    assert (pulled.scope, pulled.reason, pulled.count, pulled.cap) == ("viettel", "cap", 3, 2)
    assert (await proposed(service, Caps(100, 2), NOON + 6 * DAY)).braked == ()
    assert len(rows(owner, "SELECT * FROM brake")) == 1


async def test_all_carriers_together_have_a_cap_too(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1, 2, 3])
    made = await proposed(service, Caps(2, 100))
    assert (made.lines, made.braked) == ({}, ("all",))


async def test_nothing_is_proposed_of_what_a_guard_shuts_out(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1, 2, 3], at=NOON + DAY)
    assert (await proposed(service)).lines == {}
    owner.execute("UPDATE clock SET proven = false")
    assert (await proposed(service, at=NOON + 2 * DAY)).lines == {}
