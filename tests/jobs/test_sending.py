from __future__ import annotations

from datetime import timedelta

import pytest

from jobs import sending
from simcheck import clock
from simcheck.sending import inbound, intents
from simcheck.sending.senders.deliveries import InboundTold
from tests.sending import an_intent

pytestmark = pytest.mark.anyio
JOBS = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'replies.handle'"


async def keep(service, told: InboundTold) -> None:
    async with service.database.transaction("job:test", ministry=True) as session:
        await inbound.store(session, service.keyring, [inbound.came(service.keyring, "one", "one", told)])


async def test_without_any_sender_messages_come_to_their_end(service, owner):
    async with service.database.transaction("job:test", ministry=True) as session:
        given = [an_intent("due"), an_intent("sending"), an_intent("late", expires_at=clock.now())]
        await intents.store(session, service.keyring, given)
    owner.execute(
        "UPDATE message SET state = 'sending', due_at = now() - interval '1 s' WHERE key = 'sending'"
    )
    await sending.find_still(service)
    assert owner.execute("SELECT key, state FROM message ORDER BY key").fetchall() == [
        ("due", "due"), ("late", "expired"), ("sending", "unknown")
    ]  # fmt: skip


async def test_what_came_in_is_not_forgotten(service, owner):
    """The queue may be emptied; the rest of a longer message may never come."""
    await keep(service, InboundTold("84901234567", "1414", "DUNG"))
    await keep(service, InboundTold("84901234567", "1414", "HOI", 1, 2, 1))
    owner.execute("DELETE FROM procrastinate_jobs")
    await sending.find_unread(service)
    assert owner.execute(JOBS).fetchone() == (1,)
    with clock.fixed(clock.now() + timedelta(minutes=11)):
        await sending.find_unread(service)
    assert owner.execute("SELECT count(*) FROM inbound").fetchone() == (2,)


async def test_nobody_is_woken_for_nothing(service, owner):
    await keep(service, InboundTold("84901234567", "1414", "DUNG"))
    owner.execute("UPDATE inbound SET state = 'done'")
    owner.execute("DELETE FROM procrastinate_jobs")
    await sending.find_unread(service)
    assert owner.execute(JOBS).fetchone() == (0,)
    with clock.fixed(clock.now() + timedelta(days=91)):
        await sending.tidy(service)
    assert owner.execute("SELECT count(*) FROM inbound").fetchone() == (0,)
