from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.errors import InvalidError
from simcheck.messages.words import Channel
from simcheck.sending import intents
from tests.sending import NUMBER, an_intent

pytestmark = pytest.mark.anyio
MESSAGES = "SELECT key, channel, state, parts, attempts FROM message ORDER BY key"
PARTS = """
SELECT key, number, part.state FROM message_part AS part JOIN message ON id = message_id ORDER BY 1, 2
"""
CASE, OTHER = uuid.uuid4(), uuid.uuid4()


async def test_intents_become_messages_and_parts(owner, store):
    long = an_intent("b", text="ơ" * 100, urgent=True)
    mail = an_intent("c", channel=Channel.EMAIL, address="a@example.vn", subject="S", html="<p>H</p>")
    ids = await store(an_intent("a"), long, mail)
    assert len(set(ids)) == 3
    assert owner.execute(MESSAGES).fetchall() == [
        ("a", "sms", "due", 1, 0), ("b", "sms", "due", 2, 0), ("c", "email", "due", 1, 0)
    ]  # fmt: skip
    assert owner.execute(PARTS).fetchall() == [
        ("a", 1, "due"), ("b", 1, "due"), ("b", 2, "due"), ("c", 1, "due")
    ]  # fmt: skip


async def test_a_key_is_stored_once(owner, store):
    [first] = await store(an_intent("a"))
    assert await store(an_intent("a", text="other words"), an_intent("b"), an_intent("b")) == [
        first, *[(await store(an_intent("b")))[0]] * 2
    ]  # fmt: skip
    assert len(owner.execute(MESSAGES).fetchall()) == 2


async def test_what_is_undone_is_not_sent(owner, service):
    with pytest.raises(ZeroDivisionError):
        async with service.database.transaction("job:test", ministry=True) as session:
            await intents.store(session, service.keyring, [an_intent()])
            raise ZeroDivisionError
    assert owner.execute(MESSAGES).fetchall() == []


async def test_nothing_of_a_person_can_be_read_in_the_table(owner, store, keyring):
    [made] = await store(an_intent(text="Nguyễn Văn An"))
    [row] = owner.execute("SELECT to_jsonb(message)::text FROM message").fetchone()
    assert "901234567" not in row
    assert "Nguyễn" not in row
    sealed, token = owner.execute("SELECT address, address_token FROM message").fetchone()
    assert keyring.open(sealed, intents.place("address", made)) == b"84901234567"
    assert token == keyring.token("msisdn", 901234567)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"address": "0"}, "address"), ({"address": "+84 90"}, "address"),
        ({"channel": Channel.EMAIL, "address": "a@b\nBcc: c@d"}, "address"),
        ({"channel": Channel.EMAIL, "address": NUMBER}, "address"),
        ({"text": "ơ" * 70_000}, "text"), ({"text": "\ud800ơ"}, "text"),
    ],
)  # fmt: skip
async def test_what_cannot_be_sent_is_refused(owner, store, changed, word):
    with pytest.raises(InvalidError, match=f"^{word}:"):
        await store(an_intent("fine"), an_intent("not", **changed))
    assert owner.execute(MESSAGES).fetchall() == []


async def test_carriers_see_their_own(service, store):
    ids = await store(an_intent("a"), an_intent("b", carrier="mobifone"), an_intent("c", carrier=None))
    seen = {}
    for carrier in ("viettel", "mobifone", None):
        async with service.database.transaction("client:x", carrier) as session:
            seen[carrier] = {each.key for each in (await intents.status(session, ids)).values()}
    assert seen == {"viettel": {"a"}, "mobifone": {"b"}, None: set()}


async def test_what_has_not_left_is_called_off(owner, service, store):
    kept, *_ = await store(
        an_intent("kept", case_id=CASE), an_intent("due", case_id=CASE, text="ơ" * 100),
        an_intent("sending", case_id=CASE), an_intent("half", case_id=CASE, text="ơ" * 100),
        an_intent("other", case_id=OTHER),
    )  # fmt: skip
    owner.execute("UPDATE message SET state = 'sending' WHERE key = 'sending'")
    owner.execute("""
        UPDATE message_part SET state = 'sent' FROM message
        WHERE key = 'half' AND number = 1 AND id = message_id
    """)
    async with service.database.transaction("job:test", ministry=True) as session:
        gone = await intents.cancel(session, [CASE], keep=[kept])
        assert [each.key for each in (await intents.status(session, gone)).values()] == ["due"]
    states = {row[0]: row[2] for row in owner.execute(MESSAGES)}
    assert states == {
        "due": "cancelled", "half": "due", "kept": "due", "other": "due", "sending": "sending"
    }  # fmt: skip
    assert {row[2] for row in owner.execute(PARTS) if row[0] == "due"} == {"cancelled"}


async def test_somebody_is_told_once_of_what_is_settled(owner, service, store):
    await store(an_intent("a", case_id=CASE), an_intent("b"))
    async with service.database.transaction("job:test", ministry=True) as session:
        assert await intents.untold(session) == []
        await intents.cancel(session, [CASE])
        [settled] = await intents.untold(session)
        assert (settled.key, settled.state, settled.case_id) == ("a", "cancelled", CASE)
        await intents.told(session, [settled.id])
        assert await intents.untold(session) == []


async def test_many_at_once(owner, store):
    """All of a batch in one statement."""
    later = clock.now() + timedelta(hours=1)
    ids = await store(*(an_intent(str(each), due_at=later, address=f"+849{each:08}") for each in range(2000)))
    assert len(set(ids)) == 2000
    assert owner.execute("SELECT count(*), min(due_at) FROM message").fetchone() == (2000, later)


async def test_no_intent_is_no_work(store):
    assert await store() == []
