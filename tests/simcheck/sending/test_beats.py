"""Signs of life of links: written by senders, read by pages."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.messages.words import Channel
from simcheck.sending import beats
from simcheck.sending.links import Lane, Pace
from tests.running import NOON
from tests.sending import a_link, an_intent, until

pytestmark = pytest.mark.anyio


class Way:
    """A sender that does nothing."""

    def __init__(self) -> None:
        self.name, self.window, self.whole, self.up = "one", 10, False, True

    async def run(self) -> None: ...

    async def submit(self, part) -> None: ...


def lanes(lane):
    return {Channel.SMS: [lane], Channel.EMAIL: []}


async def write(service, process, lane, at):
    with clock.fixed(at):
        async with service.database.transaction("job:sending.send", ministry=True) as session:
            await beats.write(session, process, lanes(lane))


async def read(service, at):
    with clock.fixed(at):
        async with service.database.transaction("desks", ministry=True) as session:
            return await beats.read(session)


async def test_speed_is_what_was_taken_between_two_signs(service):
    one, lane = uuid.uuid4(), Lane(Way(), Pace(100))
    await write(service, one, lane, NOON)
    for _ in range(30):
        lane.health.answered(0, 0.2)
    lane.health.answered(0, None)
    await write(service, one, lane, NOON + timedelta(seconds=2))
    [found] = await read(service, NOON + timedelta(seconds=3))
    assert (found.link, found.channel, found.processes, found.up, found.resting) == ("one", "sms", 1, 1, 0)
    assert found.per_second == pytest.approx(15)
    assert found.failures == pytest.approx(0.1)
    assert 0 < found.latency < 0.2


async def test_processes_are_told_together_and_those_that_are_silent_do_not_count(service, owner):
    up, down = Lane(Way(), Pace(100)), Lane(Way(), Pace(100))
    down.sender.up = False
    await write(service, uuid.uuid4(), up, NOON - beats.FRESH)
    await write(service, uuid.uuid4(), up, NOON)
    await write(service, uuid.uuid4(), down, NOON)
    [found] = await read(service, NOON)
    assert (found.processes, found.up, found.rate) == (2, 1, 100)
    later = NOON + timedelta(minutes=1)
    [found] = await read(service, later)
    assert (found.processes, found.up, found.at) == (0, 0, NOON)
    await write(service, uuid.uuid4(), up, NOON + timedelta(days=2))
    assert owner.execute("SELECT count(*) FROM link_beat").fetchone() == (1,)


async def test_a_sender_gives_signs_and_parts_are_told_by_link(service, owner, smsc, store, sending):
    await store(an_intent(), an_intent("two"))
    async with sending(a_link(smsc.port)):
        await until(owner, "SELECT count(*) FROM message WHERE state = 'sent'", (2,))
        await until(owner, "SELECT up, resting, taken FROM link_beat", (True, False, 2))
    async with service.database.transaction("desks", ministry=True) as session:
        assert await beats.recent(session, clock.now() - timedelta(hours=1)) == {"one": {"sent": 2}}
        assert await beats.recent(session, clock.now() + timedelta(hours=1)) == {}
        sms, email = await beats.waiting(session)
    assert (sms.channel, sms.due, sms.oldest, sms.unknown) == ("sms", 0, None, 0)
    assert email.channel == "email"
