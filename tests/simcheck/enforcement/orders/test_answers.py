"""What carriers say of orders: whole or in part, twice, of what was not ordered; and how clocks follow."""

from __future__ import annotations

import datetime

import pytest

from simcheck import clock
from simcheck.enforcement.orders import answers
from simcheck.enforcement.orders.answers import Outcome, Refused
from simcheck.errors import ConflictError, NotFoundError
from tests.ordering import (
    DAY,
    HOUR,
    NOON,
    a_wrong_country,
    answered,
    batches,
    clock_of,
    line_of,
    lines,
    ordered,
    rows,
    states,
)  # fmt: skip

pytestmark = pytest.mark.anyio


async def acknowledged(service, order, which, carrier="viettel"):
    with clock.fixed(NOON + HOUR):
        async with service.database.transaction("client:x", carrier) as session:
            if isinstance(which, int):
                return await answers.acknowledge_all(session, service, order, which)
            return await answers.acknowledge(session, service, order, which)


async def test_an_order_is_acknowledged_in_parts_and_carried_out_row_by_row(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    order = await ordered(service, owner, 3)
    assert (await acknowledged(service, order, [1, 2, 17])) == (2, [Refused(17, "not_ordered")])
    assert batches(owner)[0].state == "sent"
    assert (await acknowledged(service, order, [1, 3])).accepted == 2
    [found] = batches(owner)
    assert (found.state, found.acknowledged_by) == ("acknowledged", "client:x")
    assert found.due_at == NOON + HOUR + DAY
    done = NOON + HOUR
    taken = await answered(
        service, order, Outcome(1, "done", done), Outcome(2, "failed"), Outcome(9, "done"), at=NOON + 2 * HOUR
    )
    assert taken == (2, [Refused(9, "not_ordered")])
    assert states(owner, order) == [("done", "done"), ("failed", "failed"), ("sent", None)]
    assert batches(owner)[0].state == "acknowledged"
    await answered(service, order, Outcome(3, "already"), at=NOON + 3 * HOUR)
    assert batches(owner)[0].state == "done"
    steps = {
        line_of(owner, service.keyring, order, n): clock_of(owner, service.keyring, n) for n in (1, 2, 3)
    }
    assert [steps[line].step for line in (1, 2, 3)] == [1, 0, 1]
    assert (steps[1].step_at, steps[1].next_at, steps[1].proven) == (done, None, False)
    under = dict(owner.execute("SELECT msisdn_token, under_order FROM subscription").fetchall())
    assert [under[each.msisdn_token] for each in lines(owner, order)] == [True, False, True]


async def test_the_whole_order_is_acknowledged_by_its_number_of_lines(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    order = await ordered(service, owner, 2)
    with pytest.raises(ConflictError, match="2 lines"):
        await acknowledged(service, order, 3)
    assert (await acknowledged(service, order, 2)).accepted == 2
    assert (await acknowledged(service, order, 2)).accepted == 2
    with pytest.raises(NotFoundError):
        await acknowledged(service, order, 2, carrier="mobifone")


async def test_an_answer_twice_is_one_and_another_answer_is_refused(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    order = await ordered(service, owner, 3)
    assert (await answered(service, order, Outcome(1, "done"), Outcome(1, "done"))).accepted == 2
    assert (await answered(service, order, Outcome(1, "done"))).accepted == 1
    events = rows(owner, "SELECT kind, step FROM clock_event WHERE kind = 'reached'")
    assert len(events) == 1
    refused = await answered(
        service, order, Outcome(1, "failed"), Outcome(2, "blocked"), Outcome(3, "done", NOON + DAY),
        Outcome(2, "done", None, b"x" * 32), Outcome(2, "done"), Outcome(2, "failed"),
    )  # fmt: skip
    assert refused.accepted == 1
    assert [each.why for each in refused.refused] == [
        "settled", "unknown_word", "future", "other_number", "twice",
    ]  # fmt: skip


async def test_what_the_carrier_does_not_know_stays_live(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    order = await ordered(service, owner, 1)
    await answered(service, order, Outcome(1, "unknown"))
    assert states(owner, order) == [("unknown", "unknown")]
    assert batches(owner)[0].state == "acknowledged"
    await answered(service, order, Outcome(1, "done"), at=NOON + HOUR)
    assert states(owner, order) == [("done", "done")]


async def test_a_step_is_reached_between_the_order_and_now(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    order = await ordered(service, owner, 1)
    long_ago = NOON - datetime.timedelta(days=40)
    await answered(service, order, Outcome(1, "done", long_ago), at=NOON + HOUR)
    assert clock_of(owner, service.keyring, 1).step_at == NOON
