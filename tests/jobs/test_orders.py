"""The story of orders by their jobs: due, proposed, approved, sent, answered, the next step; and faults."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from jobs import clocks, orders
from simcheck import clock
from simcheck.enforcement import policy
from simcheck.enforcement.orders import answer_files, send
from simcheck.enforcement.orders.answers import Outcome
from simcheck.lake.sealed_file import sealing
from tests.holding import a_country, wrong_name
from tests.ordering import (
    BINH,
    CAPS,
    DAY,
    HOUR,
    NOON,
    a_policy,
    a_wrong_country,
    answered,
    approved,
    batches,
    clock_of,
    let_be_due,
    proposed,
    rows,
    sent,
    states,
)  # fmt: skip
from tests.running import work

pytestmark = pytest.mark.anyio


async def test_a_clock_goes_from_step_to_step_by_orders_alone(service, owner, tmp_path):
    """Due, proposed, approved by somebody, sent, carried out: then the next step counts from there."""
    await a_wrong_country(service, tmp_path, 1)
    let_be_due(owner, service.keyring, [1])
    with clock.fixed(NOON):
        await orders.find_due(service)
    [order] = batches(owner)
    assert await approved(service, order.id, 1) == "approved"
    await sent(service)
    done = NOON + HOUR
    await answered(service, order.id, Outcome(1, "done", done), at=done)
    found = clock_of(owner, service.keyring, 1)
    assert (found.step, found.step_at, found.next_at) == (1, done, None)
    with clock.fixed(done):
        await clocks.follow(service)
        await orders.find_due(service)
    found = clock_of(owner, service.keyring, 1)
    assert found.next_step == 2
    assert found.next_at > done + timedelta(days=10)
    assert len(batches(owner)) == 1  # it is not due for a long time


async def test_a_worker_does_it_all(service, owner, tmp_path):
    """What is woken is done: the file is made by the job that the approval enqueues."""
    await a_wrong_country(service, tmp_path, 1)
    let_be_due(owner, service.keyring, [1])
    await proposed(service)
    [order] = batches(owner)
    assert await approved(service, order.id, 1) == "approved"
    with clock.fixed(NOON):
        await work(service)
    assert states(owner, order.id) == [("sent", None)]


async def test_two_workers_at_once_make_one_file_and_one_proposal(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1, 2])
    with clock.fixed(NOON):
        await asyncio.gather(orders.find_due(service), orders.find_due(service))
    [order] = batches(owner)
    assert order.lines == 2
    await approved(service, order.id, 2)
    with clock.fixed(NOON):
        await asyncio.gather(*(orders.make_file(service, str(order.id)) for _ in range(3)))
    assert len(rows(owner, "SELECT FROM audit WHERE act = 'order.sent'")) == 1


async def test_a_week_without_the_job_makes_no_storm(service, owner, tmp_path):
    """Each day's due would have fitted; what a week has gathered waits for a person."""
    text = policy.shipped().replace("most_of_a_carrier = 25_000", "most_of_a_carrier = 2")
    with clock.fixed(NOON):
        await a_country(service, tmp_path, [wrong_name(number) for number in range(1, 4)])
        await a_policy(service, text)
    for number in (1, 2, 3):
        let_be_due(owner, service.keyring, [number], at=NOON + number * DAY)
    with clock.fixed(NOON + 6 * DAY):
        await orders.find_due(service)
        await orders.find_due(service)
    assert batches(owner) == []
    assert [each.scope for each in rows(owner, "SELECT scope FROM brake")] == ["viettel"]


async def test_without_a_policy_nothing_is_proposed(service, owner):
    with clock.fixed(NOON):
        await orders.find_due(service)
    assert batches(owner) == []


async def test_what_was_overlooked_is_undone_by_the_hour(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1], step=1)
    owner.execute(
        'UPDATE "case" SET state = %s, closed_at = %s, close_reason = %s, acts = %s, target_at = NULL,'
        " clock_left = coalesce(clock_left, '1 day') WHERE id = (SELECT case_id FROM clock)",
        ["closed", NOON - 9 * DAY, "agrees", "staff"],
    )
    await sent(service)
    assert batches(owner) == []
    with clock.fixed(NOON):
        await orders.restore_all(service)
    assert [each.act for each in batches(owner)] == ["restore"]


async def test_late_answers_are_chased_and_orphans_are_removed(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path, 1)
    let_be_due(owner, service.keyring, [1])
    await proposed(service)
    [order] = batches(owner)
    await approved(service, order.id, 1, CAPS, by=BINH)
    await sent(service)
    orphan = answer_files.place("viettel", order.id)
    with sealing(service.store, service.keyring, orphan) as writer:
        writer.write(b"x")
    with clock.fixed(clock.now() + 2 * DAY):
        await orders.tidy(service)
        await orders.chase(service)
    assert not service.store.files(answer_files.FOLDER)
    assert service.store.files(send.place("viettel", order.id))
    assert batches(owner)[0].tries == 1
