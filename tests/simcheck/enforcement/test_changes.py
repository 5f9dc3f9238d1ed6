"""A handset that is changed again, and faces checked before it or after, in whatever order they are told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from simcheck.enforcement import moves
from simcheck.enforcement.moves import Done
from simcheck.enforcement.words import Step
from tests import clocking
from tests.clocking import same
from tests.noticing import DAY, MORNING, records, row, settle
from tests.running import NOON

pytestmark = pytest.mark.anyio
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LATER = NOON + 2 * HOUR


def happened(service, owner, kind, at, received_at=None):
    """A carrier tells of a number's handset or face."""
    token = service.keyring.token("msisdn", 912345678)
    owner.execute(
        "INSERT INTO sim_event (carrier, client, msisdn_token, kind, at, received_at) "
        "VALUES ('viettel', 'c', %s, %s, %s, %s)", [token, kind, at, received_at or at],
    )  # fmt: skip
    return Done("viettel", token, at)


async def locked(service, at):
    async with service.database.transaction("test", ministry=True) as session:
        done = [Done("viettel", service.keyring.token("msisdn", 912345678), at)]
        assert await moves.reached(session, Step.ONE_WAY, done) == 1


async def a_changed_handset(service, owner):
    """A good record whose SIM stands in another handset since noon."""
    records(service, owner, [row(912345678)], verified=[0])
    await clocking.in_force(service)
    happened(service, owner, "device_changed", NOON)
    await clocking.follow(service, NOON)


async def test_a_second_change_does_not_put_off_the_lock_and_an_older_face_does_not_answer_it(service, owner):
    await a_changed_handset(service, owner)
    happened(service, owner, "device_changed", NOON + HOUR)
    for at in (NOON + HOUR, NOON + HOUR + timedelta(minutes=5)):  # twice, nothing changes
        await clocking.follow(service, at)
        [state] = same(owner, at)
        assert (state.started_at, state.event_at, state.next_at) == (NOON, NOON + HOUR, LATER)
    assert owner.execute("SELECT count(*) FROM clock_event WHERE kind = 'reset'").fetchone() == (1,)
    happened(service, owner, "face_verified", NOON + HOUR / 2, NOON + HOUR)
    at = NOON + HOUR + timedelta(minutes=10)
    await clocking.follow(service, at)
    [state] = same(owner, at)
    assert (state.ended_at, state.started_at, state.next_at) == (None, NOON + HOUR, NOON + 3 * HOUR)
    happened(service, owner, "face_verified", NOON + HOUR, at)
    await clocking.follow(service, at)
    assert same(owner, at)[0].end_reason == "face_verified"


async def test_two_changes_that_are_told_together_are_locked_by_the_first(service, owner):
    happened_at = [NOON - HOUR, NOON - HOUR / 2, NOON]
    records(service, owner, [row(912345678)], verified=[0])
    await clocking.in_force(service)
    for at, kind in zip(happened_at, ["device_changed", "device_changed", "sim_changed"], strict=True):
        happened(service, owner, kind, at, NOON)
    await clocking.follow(service, NOON)
    [state] = same(owner, NOON)
    assert (state.started_at, state.event_at) == (NOON - HOUR, NOON - HOUR / 2)


async def test_once_it_is_locked_the_thirty_days_count_from_the_newest_change(service, owner):
    await a_changed_handset(service, owner)
    await locked(service, LATER)
    settle(owner, "delivered")
    at, first = NOON + 10 * DAY, MORNING + timedelta(days=31, hours=8)
    await clocking.follow(service, at)
    assert same(owner, at)[0].next_at == first
    happened(service, owner, "device_changed", at)
    for _ in range(2):
        await clocking.follow(service, at)
        [state] = same(owner, at)
        assert (state.step, state.event_at, state.started_at, state.next_at) == (1, at, at, first + 10 * DAY)
    settle(owner, "delivered")
    heard = owner.execute("SELECT count(*) FROM message WHERE made_at = %s", [at]).fetchone()
    assert heard == (2,)  # of the step, and of the change
    happened(service, owner, "face_verified", at - DAY, at)
    await clocking.follow(service, at + HOUR)
    assert same(owner, at + HOUR)[0].ended_at is None
    due = first + 10 * DAY
    await clocking.follow(service, due)
    await clocking.follow(service, due + 2 * HOUR)
    [state] = same(owner, due + 2 * HOUR)
    assert (state.notice_days, state.due(due + 2 * HOUR)) == (1, Step.TWO_WAY)


async def test_a_lock_that_is_told_after_a_newer_change_counts_from_that(service, owner):
    """Whatever is told first, the clock is the same."""
    await a_changed_handset(service, owner)
    change = NOON + 90 * MINUTE
    happened(service, owner, "device_changed", change)
    await clocking.follow(service, change)
    await locked(service, NOON + HOUR)
    await clocking.follow(service, LATER)
    [state] = same(owner, LATER)
    assert (state.step_at, state.started_at, state.shift) == (NOON + HOUR, change, 30 * MINUTE)


async def test_a_change_after_the_face_keeps_what_is_not_undone_yet(service, owner):
    """Nothing is unlocked that has to be locked again; what was unlocked meanwhile is locked in two hours."""
    await a_changed_handset(service, owner)
    await locked(service, LATER)
    face, change = NOON + 3 * DAY, NOON + 4 * DAY
    happened(service, owner, "face_verified", face)
    await clocking.follow(service, face)
    assert same(owner, face)[0].end_reason == "face_verified"
    happened(service, owner, "device_changed", change)
    await clocking.follow(service, change)
    [state] = same(owner, change)
    assert (state.step, state.ended_at, state.next_step) == (1, None, 2)
    assert (state.started_at, state.next_at) == (change, MORNING + timedelta(days=35, hours=8))
    async with service.database.transaction("test", ministry=True) as session:  # the carrier was faster
        done = [Done("viettel", service.keyring.token("msisdn", 912345678), face + HOUR)]
        assert await moves.restored(session, done) == 1
    await clocking.follow(service, change + MINUTE)
    [state] = same(owner, change + MINUTE)
    assert (state.step, state.due(change + 2 * HOUR)) == (0, Step.ONE_WAY)
    assert state.next_at == change + 2 * HOUR
