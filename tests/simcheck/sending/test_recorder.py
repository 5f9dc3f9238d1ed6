from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.messages.words import Channel
from simcheck.sending.claim import claim
from simcheck.sending.outcomes import Outcome, Rules, What
from simcheck.sending.receipts import Matching
from simcheck.sending.recorder import Recorder
from tests.sending import an_intent

pytestmark = pytest.mark.anyio
STATE = "SELECT message.state, part.state FROM message JOIN message_part AS part ON message_id = id"


@pytest.fixture
async def claimed(service, store):
    await store(an_intent())
    async with service.database.transaction("job:test", ministry=True) as session:
        [one] = await claim(session, service.keyring, Channel.SMS, 1, timedelta(minutes=1))
    return one


@pytest.fixture
def recorder(service):
    return Recorder(service, Matching({}, Rules(3, timedelta(minutes=3))))


def an_outcome(claimed, what: What) -> Outcome:
    return Outcome(claimed.message_id, 1, claimed.attempt, what, "one", submitted_at=clock.now())


async def test_what_is_being_recorded_when_the_end_comes_is_waited_for(owner, recorder, claimed):
    recorder.add(an_outcome(claimed, What.TAKEN))
    recorder.end(claimed.message_id, claimed.attempt)
    running = asyncio.create_task(recorder.run())
    while recorder._outcomes:
        await asyncio.sleep(0)
    assert await recorder.finish()
    running.cancel()
    await asyncio.wait([running])
    assert owner.execute(STATE).fetchone() == ("sent", "sent")


async def test_two_outcomes_of_one_part_are_recorded_in_their_order(owner, recorder, claimed):
    recorder.add(an_outcome(claimed, What.UNKNOWN))
    recorder.add(an_outcome(claimed, What.TAKEN))
    recorder.end(claimed.message_id, claimed.attempt)
    assert await recorder.finish()
    assert owner.execute(STATE).fetchone() == ("sent", "sent")
