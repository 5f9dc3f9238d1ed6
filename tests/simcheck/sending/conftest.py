from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.messages.words import Channel
from simcheck.sending.intents import Intent

NUMBER = "+84901234567"


def an_intent(key: str = "one", **changed) -> Intent:
    """A notice of one part to one number, due now."""
    now = clock.now()
    given = {
        "key": key, "kind": "first", "channel": Channel.SMS, "carrier": "viettel", "case_id": None,
        "msisdn_token": None, "address": NUMBER, "subject": None, "text": "Thong tin thue bao chua dung.",
        "html": None, "template": "1", "language": "vi", "due_at": now,
        "expires_at": now + timedelta(days=1),
    }  # fmt: skip
    return Intent(**(given | changed))


@pytest.fixture
async def store(service):
    """`await store(intent, ...)`: their ids."""
    from simcheck.sending import intents

    async def made(*given: Intent) -> list[uuid.UUID]:
        async with service.database.transaction("job:test", ministry=True) as session:
            return await intents.store(session, service.keyring, given)

    return made
