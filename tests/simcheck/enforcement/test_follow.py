from __future__ import annotations

from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.cases.states import Who
from simcheck.enforcement import moves
from simcheck.enforcement.moves import Done
from simcheck.enforcement.policy import shipped
from simcheck.enforcement.words import Step
from simcheck.gate import events
from simcheck.gate.events import Told
from simcheck.gate.models import SimEventKind
from simcheck.reasons import Reason
from tests import clocking
from tests.clocking import same
from tests.noticing import DAY, MORNING, close, follow_run, records, row, settle, sweep
from tests.running import NOON

pytestmark = pytest.mark.anyio
LATER = NOON + timedelta(hours=2)


async def told(service, owner, days, start=NOON):
    """Notices of so many days, each delivered."""
    for day in range(days):
        await sweep(service, start + day * DAY)
        settle(owner, "delivered")


async def test_without_a_policy_no_clock_starts(service, owner):
    records(service, owner, [row(912345678)])
    await follow_run(service)
    await told(service, owner, 1)
    await clocking.follow(service, LATER)
    assert clocking.states(owner) == []


async def test_a_clock_starts_with_the_first_notice_and_is_due_when_the_holder_was_told_enough(
    service, owner
):
    records(service, owner, [row(912345678)])
    await clocking.in_force(service)
    await follow_run(service)
    await clocking.follow(service, NOON)
    assert clocking.states(owner) == []
    await told(service, owner, 1)
    await clocking.follow(service, LATER)
    [state] = same(owner, LATER)
    assert (state.track, state.started_at, state.step) == ("D163_2024", NOON, 0)
    due = MORNING + timedelta(days=6, hours=8)
    assert (state.next_step, state.next_at, state.proven) == (1, due, False)
    await told(service, owner, 5, NOON + DAY)
    await clocking.follow(service, due)
    [state] = same(owner, due)
    assert (state.notice_days, state.proven, state.due(due)) == (5, True, Step.ONE_WAY)
    assert state.due(due - timedelta(seconds=1)) is None


async def test_nothing_is_due_without_proof(service, owner):
    """Notices that are on their way prove nothing; those that were tried in vain by every way do."""
    records(service, owner, [row(912345678)])
    await clocking.in_force(service)
    await follow_run(service)
    for day in range(6):
        await sweep(service, NOON + day * DAY)
    at = NOON + 7 * DAY
    await clocking.follow(service, at)
    [state] = same(owner, at)
    assert (state.notice_days, state.due(at)) == (0, None)
    settle(owner, "failed")
    await clocking.follow(service, at + timedelta(hours=2))
    assert same(owner, at + timedelta(hours=2))[0].notice_days == 0  # notices may know another way
    owner.execute("UPDATE message SET told_on = true")
    at += timedelta(hours=4)
    await clocking.follow(service, at)
    assert same(owner, at)[0].due(at) is Step.ONE_WAY


async def test_the_whole_ladder_and_back(service, owner):
    records(service, owner, [row(912345678)])
    await clocking.in_force(service)
    await follow_run(service)
    await told(service, owner, 6)
    at = MORNING + timedelta(days=6, hours=8)
    token = owner.execute("SELECT msisdn_token FROM notice_track").fetchone()[0]
    for step, days in ((Step.ONE_WAY, 61), (Step.TWO_WAY, 6), (Step.TERMINATE, 0)):
        await clocking.follow(service, at)
        if step is Step.TWO_WAY:  # a notice since
            owner.execute("UPDATE message SET made_at = %s WHERE key LIKE '%%/5/%%'", [at - DAY])
            await clocking.follow(service, at + timedelta(hours=2))
            at += timedelta(hours=2)
        [state] = same(owner, at)
        assert state.due(at) is step
        async with service.database.transaction("test", ministry=True) as session:
            assert await moves.reached(session, step, [Done("viettel", token, at)]) == 1
            assert await moves.reached(session, step, [Done("viettel", token, at)]) == 0
        at = at - (at - MORNING) % DAY + days * DAY + timedelta(hours=8)
    await clocking.follow(service, at)
    [state] = same(owner, at)
    assert (state.step, state.next_at) == (3, None)


async def test_a_correction_ends_the_clock_and_what_was_ordered_can_be_undone(service, owner):
    records(service, owner, [row(912345678)])
    await clocking.in_force(service)
    await follow_run(service)
    await told(service, owner, 6)
    at = NOON + 6 * DAY
    await clocking.follow(service, at)
    token = owner.execute("SELECT msisdn_token FROM clock").fetchone()[0]
    async with service.database.transaction("test", ministry=True) as session:
        await moves.reached(session, Step.ONE_WAY, [Done("viettel", token, at)])
    with clock.fixed(at + DAY):
        await close(service, owner, "corrected", Who.HOLDER)
    await clocking.follow(service, at + DAY)
    [state] = same(owner, at + DAY)
    assert (state.step, state.end_reason, state.next_at) == (1, "corrected", None)
    async with service.database.transaction("test", ministry=True) as session:
        assert await moves.restored(session, [Done("viettel", token, at + 2 * DAY)]) == 1
    [state] = same(owner, at + 2 * DAY)
    assert (state.step, state.may_begin_anew) == (0, True)


async def test_a_case_that_is_open_again_keeps_what_was_ordered(service, owner):
    records(service, owner, [row(912345678)])
    await clocking.in_force(service)
    await follow_run(service)
    await told(service, owner, 6)
    at = NOON + 6 * DAY
    await clocking.follow(service, at)
    token = owner.execute("SELECT msisdn_token FROM clock").fetchone()[0]
    async with service.database.transaction("test", ministry=True) as session:
        await moves.reached(session, Step.ONE_WAY, [Done("viettel", token, at)])
    with clock.fixed(at + DAY):
        await close(service, owner, "same_person", Who.STAFF)
    await clocking.follow(service, at + DAY)
    assert same(owner, at + DAY)[0].end_reason == "same_person"
    owner.execute("""UPDATE "case" SET state = 'with_holder', acts = 'holder', closed_at = NULL,
                     close_reason = NULL""")
    later = at + DAY + timedelta(minutes=1)
    for _ in range(2):
        await clocking.follow(service, later)
        [state] = same(owner, later)
        assert (state.step, state.ended_at, state.started_at, state.notice_days) == (1, None, later, 0)
    assert (state.next_step, state.proven) == (2, False)


async def test_a_clock_goes_where_its_subscription_does(service, owner):
    records(service, owner, [row(912345678)])
    await clocking.in_force(service)
    await follow_run(service)
    await told(service, owner, 1)
    owner.execute("UPDATE \"case\" SET province = '001'")
    await clocking.follow(service, LATER)
    owner.execute("UPDATE \"case\" SET province = '079'")
    await clocking.follow(service, LATER)
    assert owner.execute("SELECT province FROM clock").fetchall() == [("079",)]


async def test_somebody_elses_turn_stops_the_clock(service, owner):
    records(service, owner, [row(912345678)])
    await clocking.in_force(service)
    await follow_run(service)
    await told(service, owner, 1)
    await clocking.follow(service, LATER)
    before = clocking.states(owner)[0].next_at
    with clock.fixed(LATER):
        await close(service, owner, "take", Who.STAFF)
    await clocking.follow(service, LATER)
    assert same(owner, LATER)[0].paused_at == LATER
    back = LATER + 3 * DAY
    with clock.fixed(back):
        await close(service, owner, "ask_holder", Who.STAFF)
    await clocking.follow(service, back)
    [state] = same(owner, back)
    assert (state.paused_at, state.shift, state.next_at) == (None, 3 * DAY, before + 3 * DAY)


async def test_after_a_dispute_everything_begins_again(service, owner):
    records(service, owner, [row(912345678)])
    await clocking.in_force(service)
    await follow_run(service)
    await told(service, owner, 6)
    at = NOON + 6 * DAY
    await clocking.follow(service, at)
    assert same(owner, at)[0].proven
    with clock.fixed(at):
        await close(service, owner, "dispute", Who.STAFF)
    await clocking.follow(service, at)
    owner.execute("""UPDATE "case" SET state = 'with_holder', acts = 'holder',
                     target_at = NULL, clock_left = interval '1 day'""")
    back = at + 2 * DAY
    await clocking.follow(service, back)
    [state] = same(owner, back)
    assert (state.proven, state.notice_days) == (False, 0)
    assert state.next_at == MORNING + timedelta(days=14, hours=8)


async def test_a_decision_to_suspend_is_another_track(service, owner):
    """The clock stands still until the holder has heard of it, and counts from there."""
    records(service, owner, [row(912345678)])
    await clocking.in_force(service)
    await follow_run(service)
    await told(service, owner, 2)
    at = NOON + 2 * DAY
    await clocking.follow(service, at)
    with clock.fixed(at):
        await close(service, owner, "suspend", Who.STAFF)
    await clocking.follow(service, at)
    assert (same(owner, at)[0].track, same(owner, at)[0].paused_at) == ("D163_2024", at)
    await told(service, owner, 1, at + DAY)
    await clocking.follow(service, at + 2 * DAY)
    [state] = same(owner, at + 2 * DAY)
    assert (state.track, state.started_at, state.event_at) == ("STAFF_SUSPENSION", at + DAY, at)
    assert (state.paused_at, state.next_step, state.proven) == (None, 1, False)


async def test_a_changed_handset_and_a_face(service, owner):
    records(service, owner, [row(912345678), row(912345679)], verified=[0, 1])
    await clocking.in_force(service)
    tokens = [service.keyring.token("msisdn", number) for number in (912345678, 912345679)]
    for token in tokens:
        owner.execute(
            "INSERT INTO sim_event (carrier, client, msisdn_token, kind, at, received_at) "
            "VALUES ('viettel', 'c', %s, 'device_changed', %s, %s)", [token, NOON, NOON],
        )  # fmt: skip
    await clocking.follow(service, LATER)
    found = same(owner, LATER)
    assert [each.due(LATER) for each in found] == [Step.ONE_WAY] * 2
    assert {each.track for each in found} == {"C08_ART8_DEVICE"}
    owner.execute(
        "INSERT INTO sim_event (carrier, client, msisdn_token, kind, at, received_at) "
        "VALUES ('viettel', 'c', %s, 'face_verified', %s, %s)", [tokens[0], LATER, LATER],
    )  # fmt: skip
    for _ in range(2):  # told again, it begins nothing
        await clocking.follow(service, LATER + timedelta(minutes=1))
        assert sorted(str(each.end_reason) for each in same(owner, LATER + timedelta(minutes=1))) == [
            "None", "face_verified",
        ]  # fmt: skip


@pytest.mark.parametrize("first", ["device_changed", "face_verified"])
async def test_events_that_carriers_tell_in_any_order(first, service, owner):
    """What answers a change may come before it; told twice, nothing changes."""
    records(service, owner, [row(912345678)], verified=[0])
    await clocking.in_force(service)
    told_at = {"device_changed": NOON, "face_verified": LATER}
    for kind in sorted(told_at, key=lambda each: each != first) * 2:
        with clock.fixed(LATER):
            async with service.database.transaction("client:1", "viettel") as session:
                said = Told(kind, "0912345678", SimEventKind(kind), told_at[kind])
                await events.tell(session, service.keyring, "viettel", "1", [said])
        await clocking.follow(service, LATER)
    assert {str(each.end_reason) for each in clocking.states(owner)} == (
        {"face_verified"} if first == "device_changed" else set()
    )


async def test_an_event_from_the_future_begins_nothing_and_hides_nothing(service, owner):
    records(service, owner, [row(912345678)], verified=[0])
    await clocking.in_force(service)
    token = service.keyring.token("msisdn", 912345678)
    for at in (NOON, NOON + timedelta(minutes=4)):
        owner.execute(
            "INSERT INTO sim_event (carrier, client, msisdn_token, kind, at, received_at) "
            "VALUES ('viettel', 'c', %s, 'device_changed', %s, %s)", [token, at, NOON],
        )  # fmt: skip
    await clocking.follow(service, NOON + timedelta(minutes=1))
    [state] = same(owner, NOON + timedelta(minutes=1))
    assert state.started_at == NOON


async def test_done_twice_nothing_changes(service, owner):
    records(service, owner, [row(912345678)])
    records(
        service, owner, [row(912345679)], carrier="mobifone", reasons=[Reason.MSISDN_CLAIMED_BY_OTHER_CARRIER]
    )
    await clocking.in_force(service)
    await follow_run(service)
    await told(service, owner, 6)
    at = NOON + 6 * DAY
    await clocking.follow(service, at)
    events = owner.execute("SELECT count(*) FROM clock_event").fetchone()
    await clocking.follow(service, at + timedelta(minutes=1))
    assert owner.execute("SELECT count(*) FROM clock_event").fetchone() == events
    assert len(clocking.states(owner)) == 1


async def test_a_disowned_number_has_its_own_ladder(service, owner):
    """Of notices, only those count that came after it was disowned."""
    records(service, owner, [row(912345678)])
    await clocking.in_force(service)
    await follow_run(service)
    await told(service, owner, 3)
    await clocking.follow(service, NOON + 3 * DAY)
    at = NOON + 3 * DAY
    with clock.fixed(at):
        await close(service, owner, "disowned", Who.HOLDER)
    await clocking.follow(service, at)
    assert same(owner, at)[0].paused_at == at
    await told(service, owner, 6, at + DAY)
    due = MORNING + timedelta(days=10, hours=8)
    await clocking.follow(service, due)
    [state] = same(owner, due)
    assert (state.track, state.started_at, state.notice_days) == ("C08_ART10_NOT_MINE", at + DAY, 5)
    assert (state.next_at, state.due(due)) == (due, Step.ONE_WAY)
    with clock.fixed(due):
        await close(service, owner, "ask_holder", Who.STAFF)
    await clocking.follow(service, due)
    [state] = same(owner, due)
    assert (state.track, state.started_at, state.proven) == ("D163_2024", due, False)


async def test_a_policy_for_those_that_run_already_takes_them_over(service, owner):
    mild = shipped().replace("2026.11.1", "2026.11.2").replace("after = 5\n", "after = 9\n")
    harsh = mild.replace("2026.11.2", "2026.11.3").replace("after = 9\n", "after = 1\n")
    harsh = harsh.replace('applies = "open"', 'applies = "new"').replace("2026-11-23", "2026-11-24")
    records(service, owner, [row(912345678)])
    await clocking.in_force(service)
    await follow_run(service)
    await told(service, owner, 1)
    await clocking.follow(service, NOON)
    before = same(owner, NOON)[0]
    for text, at in ((mild, NOON + timedelta(hours=1)), (harsh, NOON + DAY)):
        await clocking.in_force(service, text, at)
        await clocking.follow(service, at + timedelta(minutes=1))
    [state] = same(owner, at + timedelta(minutes=1), mild, harsh)
    assert (state.policy_version, state.started_at) == ("2026.11.2", NOON)
    assert state.next_at == before.next_at + 4 * DAY
    records(service, owner, [row(912345679)], carrier="mobifone")
    await follow_run(service)
    await told(service, owner, 1, NOON + 2 * DAY)
    await clocking.follow(service, NOON + 2 * DAY)
    found = same(owner, NOON + 2 * DAY, mild, harsh)
    assert sorted(each.policy_version for each in found) == ["2026.11.2", "2026.11.3"]
