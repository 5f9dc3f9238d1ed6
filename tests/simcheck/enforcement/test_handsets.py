"""Whose SIM stands in another handset is told of it, and what was told is proof for the later steps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.enforcement import follow, handsets, moves
from simcheck.enforcement.moves import Done
from simcheck.enforcement.words import Step
from tests import clocking
from tests.noticing import DAY, messages, records, row, settle, sweep
from tests.running import NOON

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)
TOKEN = 912345678
TELL = """
INSERT INTO sim_event (carrier, client, msisdn_token, kind, at, received_at)
VALUES ('viettel', 'c', %s, %s, %s, %s)
"""


def event(service, owner, kind, at):
    owner.execute(TELL, [service.keyring.token("msisdn", TOKEN), kind, at, at])


async def changed(service, owner, **cells):
    """A good record whose SIM stands in another handset since noon."""
    records(service, owner, [row(TOKEN, **cells)], verified=[0])
    await clocking.in_force(service)
    event(service, owner, "device_changed", NOON)
    await clocking.follow(service, NOON)


async def locked(service, owner, at):
    async with service.database.transaction("test", ministry=True) as session:
        done = [Done("viettel", service.keyring.token("msisdn", TOKEN), at)]
        assert await moves.reached(session, Step.ONE_WAY, done) == 1


def said(owner, service):
    return [(each["key"].split("/", 3)[3], each["state"]) for each in messages(owner, service)]


async def test_it_is_told_at_once_and_with_every_step_and_counts(service, owner):
    await changed(service, owner)
    for hours in range(3):
        await clocking.follow(service, NOON + hours * HOUR)
    assert said(owner, service) == [("0/own", "due")]
    [message] = messages(owner, service)
    assert (message["kind"], message["address"]) == ("handset", "84912345678")
    assert "***678" in message["text"]
    await locked(service, owner, NOON + 2 * HOUR)
    for hours in range(3, 5):
        await clocking.follow(service, NOON + hours * HOUR)
    assert said(owner, service) == [("0/own", "due"), ("1/own", "due")]
    due = NOON + 31 * DAY
    await clocking.follow(service, due)
    assert clocking.states(owner)[0].due(due) is None  # nothing has arrived
    settle(owner, "delivered", "%/1/own")
    await clocking.follow(service, due + 2 * HOUR)
    [state] = clocking.states(owner)
    assert (state.notice_days, state.due(due + 2 * HOUR)) == (1, Step.TWO_WAY)
    assert [state] == clocking.folded(owner, due + 2 * HOUR)


async def test_what_does_not_arrive_goes_another_way_and_every_way_in_vain_counts(service, owner):
    await changed(service, owner, contact_msisdn="0987654321")
    await locked(service, owner, NOON + 2 * HOUR)
    due = NOON + 31 * DAY
    for way in ("own", "contact"):
        settle(owner, "failed", f"handset/%/{way}")
        await sweep(service, NOON + 3 * HOUR)
    assert said(owner, service) == [("0/contact", "failed"), ("0/own", "failed")]
    await sweep(service, NOON + 4 * HOUR)
    owner.execute("UPDATE clock SET looked_at = %s", [due])  # nothing more is told
    await clocking.follow(service, due)
    await clocking.follow(service, due + 2 * HOUR)
    assert clocking.states(owner)[0].notice_days == 1


async def test_whose_face_was_checked_hears_no_more(service, owner):
    await changed(service, owner, contact_msisdn="0987654321")
    event(service, owner, "face_verified", NOON + HOUR)
    settle(owner, "failed")
    await sweep(service, NOON + 2 * HOUR)
    await clocking.follow(service, NOON + 2 * HOUR)
    assert said(owner, service) == [("0/own", "failed")]


async def test_addresses_are_read_before_anything_is_locked_and_who_is_told_is_asked_again(service, owner):
    records(service, owner, [row(TOKEN)], verified=[0])
    await clocking.in_force(service)
    event(service, owner, "device_changed", NOON)
    with clock.fixed(NOON):
        for step in (follow.begin_device, follow.reckon):
            async with service.database.transaction("test", ministry=True) as session:
                assert await step(session) == 1
        async with service.database.transaction("test", ministry=True) as session:
            found = await handsets.untold(session)
        reached = await handsets.read(service, found)
        service.store.remove_folder("declared")
        for stopped, told in ((NOON, 0), (None, 1), (None, 0)):
            owner.execute("UPDATE clock SET paused_at = %s", [stopped])
            async with service.database.transaction("test", ministry=True) as session:
                assert await handsets.tell(session, service, found, reached) == told
    assert said(owner, service) == [("0/own", "due")]


async def test_a_number_without_an_address_is_looked_at_again_and_never_due(service, owner):
    await changed(service, owner, status="khóa hai chiều")
    await locked(service, owner, NOON + 2 * HOUR)
    for days in (1, 40):
        await clocking.follow(service, NOON + days * DAY)
    assert messages(owner, service) == []
    assert clocking.states(owner)[0].due(NOON + 40 * DAY) is None
