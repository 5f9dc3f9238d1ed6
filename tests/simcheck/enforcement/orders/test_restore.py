"""The record agrees: what was ordered is undone at once, whatever else stands still."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy as sa

from simcheck import clock
from simcheck.enforcement import follow
from simcheck.enforcement.orders import brake, restore
from simcheck.enforcement.orders.answers import Outcome
from tests.ordering import (
    AN,
    DAY,
    HOUR,
    NOON,
    VERSION,
    a_wrong_country,
    answered,
    approved,
    batches,
    clock_of,
    let_be_due,
    ordered,
    proposed,
    restored,
    rows,
    sent,
    states,
    track,
)  # fmt: skip
from tests.simcheck.enforcement.orders.test_send import agreed

pytestmark = pytest.mark.anyio


async def test_what_was_suspended_is_restored_the_same_minute_past_every_brake(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    order = await ordered(service, owner, 2)
    await answered(service, order, Outcome(1, "done"), Outcome(2, "done"), at=NOON + HOUR)
    with clock.fixed(NOON):
        async with service.database.transaction(AN, ministry=True) as session:
            await brake.pull(session, "all", brake.BY_HAND)
    later = NOON + 2 * DAY
    await agreed(service, owner, 1, later)
    await sent(service, later)
    await sent(service, later + HOUR)
    _, restoration = batches(owner)
    assert (restoration.act, restoration.state, restoration.lines) == ("restore", "sent", 1)
    assert (restoration.approved_by, restoration.due_at) == (None, later + 2 * HOUR)
    assert clock_of(owner, service.keyring, 1).step == 1
    await answered(service, restoration.id, Outcome(1, "done"), at=later + HOUR)
    assert clock_of(owner, service.keyring, 1).step == 0
    assert clock_of(owner, service.keyring, 2).step == 1
    under = [each.under_order for each in rows(owner, "SELECT under_order FROM subscription ORDER BY row")]
    assert under == [False, True, False]
    assert await restored(service, later + 2 * HOUR) == {}


async def test_what_is_only_proposed_is_dropped_and_what_was_sent_is_overtaken(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    order = await ordered(service, owner, 1, step=1)
    await agreed(service, owner, 1)
    assert await restored(service) == {"viettel": 1}
    assert states(owner, order) == [("overtaken", None)]
    # The carrier had done it all the same: its word is kept, and the restoration stands.
    await sent(service)
    await answered(service, order, Outcome(1, "done"), at=NOON + HOUR)
    assert states(owner, order) == [("overtaken", "done")]
    assert await restored(service, NOON + HOUR) == {}
    [restoration] = [each for each in batches(owner) if each.act == "restore"]
    await answered(service, restoration.id, Outcome(1, "done"), at=NOON + 2 * HOUR)
    assert clock_of(owner, service.keyring, 1).step == 0

    let_be_due(owner, service.keyring, [2], step=1)
    await proposed(service)
    await agreed(service, owner, 2)
    assert await restored(service) == {"viettel": 1}
    proposal = next(each for each in batches(owner) if each.state == "proposed")
    assert states(owner, proposal.id) == [("dropped", "case_open")]
    assert proposal.lines == 0


async def test_nothing_is_restored_of_what_was_never_ordered_or_has_ended(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1])
    await proposed(service)
    await agreed(service, owner, 1)
    assert await restored(service) == {}
    let_be_due(owner, service.keyring, [2])
    owner.execute(
        "UPDATE clock SET step = 3, step_at = now(), next_at = NULL, next_step = NULL WHERE step = 0"
    )
    await agreed(service, owner, 2)
    assert await restored(service) == {}


async def test_a_restoration_that_went_wrong_is_ordered_again(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    order = await ordered(service, owner, 1)
    await answered(service, order, Outcome(1, "done"))
    await agreed(service, owner, 1)
    await sent(service)
    await answered(service, batches(owner)[1].id, Outcome(1, "failed"))
    assert await restored(service) == {}
    assert await restored(service, NOON + 2 * HOUR) == {"viettel": 1}
    await sent(service, NOON + 2 * HOUR)
    await answered(service, batches(owner)[2].id, Outcome(1, "not_ours"), at=NOON + 2 * HOUR)
    assert await restored(service, NOON + 2 * HOUR + HOUR / 2) == {}


async def test_a_restoration_of_what_was_overtaken_is_ordered_again_too(service, owner, tmp_path):
    """The carrier had carried the order out; no clock knows of it, and the person is cut off."""
    await a_wrong_country(service, tmp_path)
    order = await ordered(service, owner, 1, step=1)
    await agreed(service, owner, 1)
    await sent(service)
    await answered(service, order, Outcome(1, "done"), at=NOON + HOUR)
    [restoration] = [each for each in batches(owner) if each.act == "restore"]
    await answered(service, restoration.id, Outcome(1, "failed"), at=NOON + HOUR)
    under = "SELECT under_order FROM subscription ORDER BY row LIMIT 1"
    assert owner.execute(under).fetchone() == (True,)
    assert await restored(service, NOON + HOUR) == {}
    assert await restored(service, NOON + 3 * HOUR) == {"viettel": 1}
    await sent(service, NOON + 3 * HOUR)
    again = [each for each in batches(owner) if each.act == "restore" and each.id != restoration.id]
    await answered(service, again[0].id, Outcome(1, "done"), at=NOON + 3 * HOUR)
    assert owner.execute(under).fetchone() == (False,)
    assert await restored(service, NOON + 9 * HOUR) == {}


async def test_what_the_carrier_declares_no_more_is_restored_by_the_number_of_the_order(
    service, owner, tmp_path
):
    await a_wrong_country(service, tmp_path)
    order = await ordered(service, owner, 1)
    await answered(service, order, Outcome(1, "done"))
    await agreed(service, owner, 1)
    owner.execute("DELETE FROM subscription")
    await sent(service)
    assert batches(owner)[1].state == "sent"


OPEN_AGAIN = """
UPDATE "case" SET state = 'with_holder', acts = 'holder', closed_at = NULL, close_reason = NULL,
    target_at = NULL, clock_left = interval '1 day' WHERE closed_at IS NOT NULL
"""


async def test_a_case_that_is_open_again_before_its_restoration_is_not_restored(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    order = await ordered(service, owner, 1)
    await answered(service, order, Outcome(1, "done"))
    await agreed(service, owner, 1)
    assert await restored(service) == {"viettel": 1}
    owner.execute(OPEN_AGAIN)
    assert await restored(service) == {}
    await sent(service)
    restoration = batches(owner)[1]
    assert (restoration.state, restoration.reason) == ("stopped", "nothing_left")
    assert states(owner, restoration.id) == [("dropped", "reopened")]
    await agreed(service, owner, 1)
    assert await restored(service) == {"viettel": 1}


async def test_what_nobody_knows_to_be_carried_out_is_undone_though_the_case_is_open_again(
    service, owner, tmp_path
):
    await a_wrong_country(service, tmp_path)
    await ordered(service, owner, 1, step=1)
    await agreed(service, owner, 1)
    assert await restored(service) == {"viettel": 1}
    owner.execute(OPEN_AGAIN)
    await sent(service)
    assert batches(owner)[1].state == "sent"


# Closed cases like the one that there is, whose clocks are over: half of them of handsets.
LONG_AGO = """
INSERT INTO "case" SELECT each.*
FROM (SELECT * FROM "case" LIMIT 1) AS one, generate_series(1, %(count)s) AS n,
LATERAL jsonb_populate_record(NULL::"case", to_jsonb(one) || jsonb_build_object(
    'id', gen_random_uuid(), 'code', 'code ' || n, 'msisdn_token', '\\x' || lpad(to_hex(n), 64, '0'),
    'state', 'closed', 'target_at', NULL, 'clock_left', '1 day', 'close_reason', 'corrected',
    'closed_at', %(at)s - n * interval '1 minute')) AS each;
INSERT INTO clock (carrier, msisdn_token, case_id, trigger, track, policy_version, started_at, event_at, step,
                   ended_at, end_reason, reckoned)
SELECT carrier, msisdn_token, nullif(id, CASE WHEN get_byte(msisdn_token, 31) %% 2 = 0 THEN id END),
       'device_change', %(track)s, %(version)s, closed_at, closed_at, 0, closed_at, close_reason, true
FROM "case" WHERE closed_at IS NOT NULL;
ANALYZE "case", clock, order_line
"""


async def test_what_is_over_for_ever_and_holds_is_found_without_reading_what_does_not(
    service, owner, tmp_path
):
    await a_wrong_country(service, tmp_path)
    order = await ordered(service, owner, 3)
    await answered(service, order, Outcome(1, "done"), Outcome(2, "failed"))
    with psycopg.ClientCursor(owner) as cursor:  # several statements, with parameters
        cursor.execute(LONG_AGO, {"at": NOON, "count": 5_000, "track": track(), "version": VERSION})
    for number in (1, 2, 3):
        await agreed(service, owner, number)
    later = NOON + 400 * DAY
    with clock.fixed(later):
        async with service.database.transaction("job:orders.restore", ministry=True) as session:
            await follow.end(session)
        async with service.database.transaction("job:orders.restore", ministry=True) as session:
            explain = sa.text(f"EXPLAIN (ANALYZE, FORMAT JSON) {restore.EVER.text}")
            explained = await session.execute(explain, restore.asking(later, None))
            [plan] = explained.scalar_one()
            assert await restore.restore(session, None) == {"viettel": 2}
    assert read_of(plan["Plan"]) < 100


def read_of(plan: dict) -> float:
    """How many rows of cases and clocks a plan looked at."""
    looked = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    own = looked * plan["Actual Loops"] if plan.get("Relation Name") in {"case", "clock"} else 0
    return own + sum(read_of(each) for each in plan.get("Plans", ()))


HANDSET = """
UPDATE clock SET case_id = NULL, trigger = 'device_change', track = 'C08_ART8_DEVICE', event_at = started_at
"""
OVER = "UPDATE clock SET ended_at = %s, end_reason = 'face_verified', next_step = NULL, next_at = NULL"
TELL = """
INSERT INTO sim_event (carrier, client, msisdn_token, kind, at, received_at)
SELECT 'viettel', 'c', msisdn_token, 'device_changed', %(at)s, %(at)s FROM clock
"""


async def test_a_handset_that_was_changed_again_before_its_restoration_is_not_restored(
    service, owner, tmp_path
):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1], step=1)
    owner.execute(HANDSET)
    owner.execute(OVER, [NOON])
    assert await restored(service) == {"viettel": 1}
    owner.execute(TELL, {"at": NOON})
    with clock.fixed(NOON):
        async with service.database.transaction("job:clocks.follow", ministry=True) as session:
            assert await follow.renew_device(session) == 1
    await sent(service)
    [restoration] = batches(owner)
    assert states(owner, restoration.id) == [("dropped", "reopened")]


async def test_a_handset_that_was_changed_again_while_a_further_step_waits(service, owner, tmp_path):
    await a_wrong_country(service, tmp_path)
    let_be_due(owner, service.keyring, [1], step=1)
    owner.execute(HANDSET)
    await proposed(service)
    owner.execute(TELL, {"at": NOON})
    [order] = batches(owner)
    assert await approved(service, order.id, 1) == "stopped"
    assert states(owner, order.id) == [("dropped", "no_change")]
