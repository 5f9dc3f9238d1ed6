from __future__ import annotations

from datetime import timedelta

import pytest

from simcheck.cases.states import Who
from tests.noticing import DAY, MORNING, close, follow_run, messages, records, row, settle, sweep, tracks
from tests.running import NOON

pytestmark = pytest.mark.anyio
WAYS = {"contact_msisdn": "0987654321", "email": "an@example.vn"}


def ways(owner, service) -> list[tuple[str, str, str]]:
    found = sorted(messages(owner, service), key=lambda each: each["due_at"])
    return [(each["key"].rpartition("/")[2], each["address"], each["state"]) for each in found]


@pytest.mark.parametrize("state", ["failed", "expired", "unknown"])
async def test_another_way_where_one_failed(service, owner, state):
    records(service, owner, [row(912345678, **WAYS)])
    await follow_run(service)
    for hours in range(5):
        await sweep(service, NOON + timedelta(hours=hours))
        settle(owner, state, "%/own")
        settle(owner, state, "%/contact")
        settle(owner, "failed", "%/email")
    assert ways(owner, service) == [
        ("own", "84912345678", state), ("contact", "84987654321", state),
        ("email", "an@example.vn", "failed"),
    ]  # fmt: skip
    assert tracks(owner) == [("active", 1, 1)]
    made = {each["channel"]: each for each in messages(owner, service)}
    assert {each["kind"] for each in messages(owner, service)} == {"first"}
    assert "Số ***678" in made["email"]["subject"]
    assert "KHONG" in made["email"]["text"]
    assert owner.execute("SELECT count(*) FROM message WHERE NOT told_on").fetchone() == (0,)


async def test_what_a_contact_is_told_is_not_to_be_answered_from_there(service, owner):
    records(service, owner, [row(912345678, status="khóa hai chiều", **WAYS)])
    await follow_run(service)
    await sweep(service)
    [made] = messages(owner, service)
    assert made["address"] == "84987654321"
    assert made["text"].startswith("Số ***678")
    assert "KHONG" not in made["text"]


async def test_an_email_where_there_is_nothing_else(service, owner):
    records(service, owner, [row(912345678, status="terminated", email="An@Example.vn", id_type="passport")],
            statuses={0: "over"})  # fmt: skip
    await follow_run(service)
    await sweep(service)
    [made] = messages(owner, service)
    assert (made["channel"], made["address"], made["language"]) == ("email", "An@Example.vn", "en")
    assert made["subject"] == "Number ***678: details to be corrected by 28/11/2026"


async def test_what_arrived_is_not_said_again(service, owner):
    records(service, owner, [row(912345678, **WAYS)])
    await follow_run(service)
    await sweep(service)
    settle(owner, "delivered")
    await sweep(service, NOON + timedelta(hours=1))
    assert len(messages(owner, service)) == 1


async def test_what_is_not_so_any_more_is_not_said_again(service, owner):
    """A newer notice was made, or it is somebody else's turn."""
    records(service, owner, [row(912345678, **WAYS), row(912345679, **WAYS)])
    await follow_run(service)
    await sweep(service)
    await close(service, owner, "take", Who.STAFF)
    settle(owner, "failed", "%/1/1/own")
    owner.execute("UPDATE message SET settled_at = NULL WHERE state = 'failed'")
    await sweep(service, NOON + DAY)
    assert len(messages(owner, service)) == 3
    settle(owner, "failed", "%/1/1/own")
    await sweep(service, NOON + DAY + timedelta(hours=1))
    assert len(messages(owner, service)) == 3


async def test_what_failed_late_is_said_another_way_in_the_morning(service, owner):
    records(service, owner, [row(912345678, **WAYS)])
    await follow_run(service)
    await sweep(service)
    settle(owner, "failed")
    await sweep(service, MORNING + timedelta(hours=23))
    second = messages(owner, service)[0]
    assert second["key"].endswith("/contact")
    assert second["due_at"] == MORNING + timedelta(hours=32)


async def test_a_thank_you_goes_another_way_too(service, owner):
    records(service, owner, [row(912345678, **WAYS)])
    await follow_run(service)
    await sweep(service)
    settle(owner, "delivered")
    await close(service, owner, "corrected", Who.HOLDER)
    await sweep(service, NOON + timedelta(hours=1))
    settle(owner, "failed", "closed/%/own")
    await sweep(service, NOON + timedelta(hours=2))
    kinds = [(each["key"].rpartition("/")[2], each["kind"]) for each in messages(owner, service)]
    assert kinds == [("contact", "thanks"), ("own", "thanks"), ("own", "first")]


async def test_messages_of_others_are_left_alone(service, owner):
    from simcheck import clock
    from simcheck.messages.words import Channel
    from simcheck.sending import intents
    from simcheck.sending.intents import Intent

    async with service.database.transaction("test", ministry=True) as session:
        now, to = clock.now(), "+84912345678"
        other = Intent(
            "reply/1", "reply", Channel.SMS, None, None, None, to, None, "x", None, "t", "vi", now, now + DAY
        )  # fmt: skip
        await intents.store(session, service.keyring, [other])
    settle(owner, "failed")
    await sweep(service)
    assert len(messages(owner, service)) == 1
