"""Nobody approves what they proposed or let the brake go for; guards are asked again; storms are caught."""

from __future__ import annotations

import psycopg
import pytest

from simcheck import clock
from simcheck.enforcement.orders import approve, brake
from simcheck.enforcement.orders.brake import Caps
from simcheck.errors import ConflictError, InvalidError, NotFoundError, SamePersonError
from tests.ordering import (
    AN,
    BINH,
    CAPS,
    DAY,
    HOUR,
    NOON,
    a_wrong_country,
    approved,
    batches,
    let_be_due,
    lines,
    proposed,
    rows,
    states,
)  # fmt: skip

pytestmark = pytest.mark.anyio


async def a_proposal(service, owner, tmp_path, count=2):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, range(1, count + 1))
    await proposed(service)
    [order] = batches(owner)
    return order.id


async def by(service, who, what, *given, at=NOON):
    with clock.fixed(at):
        async with service.database.transaction(who, ministry=True) as session:
            return await what(session, *given)


async def test_four_eyes_are_the_statements_and_the_tables(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1, 2])
    from simcheck.enforcement.orders import propose

    await by(service, AN, propose.propose, service, CAPS)
    [order] = batches(owner)
    assert order.proposed_by == AN
    with pytest.raises(SamePersonError):
        await approved(service, order.id, 2, by=AN)
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute("UPDATE order_batch SET state = 'approved', approved_by = proposed_by")
    with pytest.raises(ConflictError, match="2 lines"):
        await approved(service, order.id, 1, by=BINH)
    assert await approved(service, order.id, 2, by=BINH) == "approved"
    with pytest.raises(ConflictError, match="approved already"):
        await approved(service, order.id, 2, by=BINH)


async def test_what_a_guard_shuts_out_by_then_is_dropped_with_its_name(service, owner, tmp_path):
    order = await a_proposal(service, owner, tmp_path, 3)
    first, second, _ = lines(owner, order)
    owner.execute('UPDATE "case" SET held = true WHERE id = %s', [first.case_id])
    owner.execute("UPDATE clock SET paused_at = now() WHERE msisdn_token = %s", [second.msisdn_token])
    held = await by(service, AN, approve.judged, service, order)
    assert {each.shut: each.lines for each in held} == {"not_held": 1, "clock_runs": 1, None: 1}
    sample = await by(service, AN, approve.sample, order)
    assert {each.line for each in sample} == {1, 2, 3}
    assert await approved(service, order, 3) == "approved"
    assert states(owner, order) == [("dropped", "not_held"), ("dropped", "clock_runs"), ("proposed", None)]
    assert batches(owner)[0].lines == 1


async def test_a_proposal_of_which_nothing_is_left_is_stopped(service, owner, tmp_path):
    order = await a_proposal(service, owner, tmp_path)
    owner.execute('UPDATE "case" SET pending = true')
    assert await approved(service, order, 2) == "stopped"


@pytest.mark.parametrize(
    ("change", "guard"),
    [
        ("UPDATE clock SET next_at = next_at + interval '1 day'", "due"),
        ("UPDATE clock SET reckoned = false", "proven"),
        ("UPDATE \"case\" SET state = 'disputed'", "not_with_staff"),
        ("DELETE FROM subscription", "declared"),
        ("UPDATE clock SET ended_at = now(), end_reason = 'agrees', next_at = NULL, next_step = NULL",
         "clock_runs"),
        ("INSERT INTO correction (id, carrier, case_id, msisdn_token, form, batch_id, row, outcome, made_by,"
         " made_at) SELECT gen_random_uuid(), carrier, id, msisdn_token, gen_random_uuid(),"
         " gen_random_uuid(), 1, 'waiting', 'holder', now() FROM \"case\"", "no_correction"),
        ("INSERT INTO question (id, about, queue, state, channel, language, msisdn_token, proved, form,"
         " opened_at, due_at, changed_at) SELECT gen_random_uuid(), 'viettel', 'staff', 'open', 'sms', 'vi',"
         " msisdn_token, true, gen_random_uuid(), now(), now(), now() FROM \"case\"", "no_question"),
    ],
)  # fmt: skip
async def test_every_guard_shuts_out(service, owner, tmp_path, change, guard):
    order = await a_proposal(service, owner, tmp_path)
    owner.execute(change)
    assert {each.shut for each in await by(service, AN, approve.judged, service, order)} == {guard}
    assert await approved(service, order, 2) == "stopped"
    assert (await proposed(service)).lines == {}


async def test_what_is_too_old_holds_everything_up(service, owner, tmp_path):
    order = await a_proposal(service, owner, tmp_path)
    owner.execute("UPDATE register_snapshot SET as_of = as_of - interval '8 days'")
    with pytest.raises(ConflictError, match="register_fresh"):
        await approved(service, order, 2)
    owner.execute("UPDATE register_snapshot SET as_of = as_of + interval '8 days'")
    owner.execute("UPDATE batch SET received_at = received_at - interval '40 days'")
    with pytest.raises(ConflictError, match="carrier_fresh"):
        await approved(service, order, 2)
    assert states(owner, order) == [("proposed", None)] * 2


async def test_more_than_a_day_may_have_is_not_approved_and_a_person_lets_go(service, owner, tmp_path):
    order = await a_proposal(service, owner, tmp_path)
    tight = Caps(100, 1)
    assert await approved(service, order, 2, tight) == "proposed"
    [pulled] = await by(service, AN, brake.pulled)
    assert (pulled.scope, pulled.count, pulled.cap) == ("viettel", 2, 1)
    with pytest.raises(ConflictError, match="brake_off"):
        await approved(service, order, 2)
    with pytest.raises(InvalidError):
        await by(service, AN, brake.release, pulled.id, -1)
    await by(service, AN, brake.release, pulled.id, 2)
    with pytest.raises(ConflictError, match="released already"):
        await by(service, AN, brake.release, pulled.id, 2)
    with pytest.raises(NotFoundError):
        await by(service, AN, brake.release, order, 2)
    with pytest.raises(SamePersonError):
        await approved(service, order, 2, tight, by=AN)
    assert await approved(service, order, 2, tight, by=BINH) == "approved"


async def test_a_release_is_of_its_day_and_its_number(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1, 2, 3])
    tight = Caps(100, 1)
    assert (await proposed(service, tight)).braked == ("viettel",)
    assert (await proposed(service, tight)).lines == {}
    [pulled] = await by(service, AN, brake.pulled)
    await by(service, AN, brake.release, pulled.id, 2)
    assert (await proposed(service, tight)).lines == {"viettel": 2}
    assert (await proposed(service, tight)).lines == {}
    made = await proposed(service, tight, NOON + DAY)
    assert (made.lines, made.braked) == ({}, ("viettel",))


async def test_what_is_rejected_is_not_proposed_again_for_a_day(service, owner, tmp_path):
    order = await a_proposal(service, owner, tmp_path)
    with pytest.raises(InvalidError):
        await by(service, AN, approve.reject, order, "because")
    await by(service, AN, approve.reject, order, "not_now")
    with pytest.raises(ConflictError):
        await by(service, AN, approve.reject, order, "not_now")
    assert states(owner, order) == [("dropped", "rejected")] * 2
    assert (await proposed(service, at=NOON + HOUR)).lines == {}
    assert (await proposed(service, at=NOON + 2 * DAY)).lines == {"viettel": 2}


async def test_nobody_has_for_ever_to_approve(service, owner, tmp_path):
    order = await a_proposal(service, owner, tmp_path)
    with pytest.raises(ConflictError, match="time is over"):
        await approved(service, order, 2, at=NOON + 4 * DAY)
    assert await by(service, "job:x", approve.expire, service, at=NOON + 4 * DAY) == 1
    [found] = batches(owner)
    assert (found.state, found.reason) == ("rejected", "expired")
    assert len(rows(owner, "SELECT FROM order_line WHERE state = 'dropped'")) == 2
