from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from simcheck import clock
from simcheck.messages.words import Channel
from simcheck.notices import letters, policy
from simcheck.notices.letters import Result
from simcheck.notices.recipients import Route, Way
from tests.running import NOON

pytestmark = pytest.mark.anyio
POLICY = policy.load()
NUMBERS = [Way(Route.OWN, Channel.SMS, f"+8491234567{each}", 912345670 + each) for each in range(4)]
MAILS = [Way(Route.EMAIL, Channel.EMAIL, mail, 0) for mail in ("an@b.vn", "AN@b.vn", "c@d.vn")]


async def allowed(service, ways, *, unlimited=False):
    async with service.database.transaction("test", ministry=True) as session:
        return await letters._allowed(session, service, POLICY, ways, NOON, unlimited)


async def test_no_address_has_more_in_a_day_however_they_are_asked_for(service, owner):
    chance, had = random.Random(7), Counter()
    for _ in range(30):
        ways = chance.choices(NUMBERS + MAILS, k=chance.randrange(1, 4))
        wanted = []
        for at, each in enumerate(ways):
            if had[each.address.lower()] < POLICY.most_a_day:
                had[each.address.lower()] += 1
                wanted.append(at)
        assert await allowed(service, ways) == wanted
    assert sum(row[0] for row in owner.execute("SELECT count FROM notice_day")) == had.total() == 6 * 2


async def test_planners_at_the_same_time_keep_to_the_limit_together(service, owner):
    found = await asyncio.gather(*(allowed(service, NUMBERS) for _ in range(5)))
    assert sum(map(len, found)) == len(NUMBERS) * POLICY.most_a_day
    assert {row[0] for row in owner.execute("SELECT count FROM notice_day")} == {POLICY.most_a_day}


async def test_the_last_message_is_counted_and_never_held_back(service, owner):
    for _ in range(3):
        assert await allowed(service, NUMBERS[:1] * 2, unlimited=True) == [0, 1]
    assert owner.execute("SELECT count FROM notice_day").fetchone() == (6,)
    assert await allowed(service, NUMBERS[:1]) == []


async def test_nothing_to_tell_costs_nothing(service, owner):
    with clock.fixed(NOON):
        async with service.database.transaction("test", ministry=True) as session:
            assert await letters.tell(session, service, POLICY, [], at=NOON) == []
    assert list(Result) == ["told", "full", "unreachable"]
