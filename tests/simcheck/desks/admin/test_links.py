"""What may be seen of links, and how they are."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pydantic import SecretStr

from simcheck import clock
from simcheck.desks.admin import links
from simcheck.desks.admin.links import State
from simcheck.sending.beats import Beat
from tests.sending import an_intent, store

__all__ = ["store"]

pytestmark = pytest.mark.anyio
LINKS = json.dumps([
    {"name": "viettel-1", "host": "smsc.example.vn", "system_id": "geheim-id", "password": "geheim",
     "source": "SIMCHECK"},
    {"name": "agg", "kind": "http", "url": "https://sms.example.vn/send?key=geheim", "token": "geheim",
     "source": "1414"},
])  # fmt: skip
MAIL = json.dumps({"host": "mail.example.vn", "from": "a@example.vn", "user": "u", "password": "geheim"})
BEAT = Beat("viettel-1", "sms", 2, 2, 0, 100, 12.5, 0.1, 0.2, 3, 0, clock.now())


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"sms_links": SecretStr(LINKS), "mail": SecretStr(MAIL)})


def beat(owner, link: str, age: str = "0 seconds", up: bool = True, resting: bool = False):
    owner.execute(
        "INSERT INTO link_beat VALUES (gen_random_uuid(), %s, 'sms', %s, %s, 1000, 1000, 0.25, 0.04, 7, "
        "100, 3, 0, 31.5, now() - %s::interval)", [link, up, resting, age],
    )  # fmt: skip


async def test_no_secret_is_shown(admin):
    page = await admin.get("/desk/notices/links")
    assert page.status_code == 200
    for seen in ("viettel-1", "smsc.example.vn:2775", "sms.example.vn:443", "mail.example.vn:587"):
        assert seen in page.text
    assert "geheim" not in page.text
    assert page.text.count("No sender at work") == 3


async def test_how_links_are(admin, owner):
    beat(owner, "viettel-1")
    beat(owner, "agg", resting=True)
    beat(owner, "only-there", "1 hour")
    page = await admin.get("/desk/notices/links")
    assert "31.5 / 1,000 a second" in page.text
    assert "Resting after failures" in page.text
    assert "Set up at the sender alone" in page.text


def test_states():
    found = {
        links.state_of(None), links.state_of(replace(BEAT, processes=0, up=0)), links.state_of(BEAT),
        links.state_of(replace(BEAT, up=1)), links.state_of(replace(BEAT, up=0)),
        links.state_of(replace(BEAT, resting=1)),
    }  # fmt: skip
    assert found == set(State)


async def test_settings_that_cannot_be_used_are_told_without_their_values(settings):
    for name, value in (("sms_links", '[{"name": "geheim!"}]'), ("mail", "{geheim")):
        faults = links.set_up(settings.model_copy(update={name: SecretStr(value)}))[1]
        assert faults
        assert "geheim" not in " ".join(faults)


async def test_what_waits_and_what_came_of_parts(admin, owner, store):
    page = await admin.get("/desk/notices/links")
    assert "No message was made in this time" in page.text
    await store(an_intent(), an_intent("two"))
    owner.execute("UPDATE message SET due_at = now() - interval '1 hour'")
    owner.execute(
        "UPDATE message_part SET state = 'failed', link = 'agg', failure = '<b>0x45' WHERE message_id IN "
        "(SELECT id FROM message WHERE key = 'two')"
    )
    page = await admin.get("/desk/notices/links?hours=1")
    assert "Messages have waited for more than 10 minutes" in page.text
    assert "&lt;b&gt;0x45" in page.text
    assert "100%" in page.text
    owner.execute("UPDATE message SET made_at = now() - interval '2 hours'")
    assert "No message was made" in (await admin.get("/desk/notices/links?hours=1")).text
