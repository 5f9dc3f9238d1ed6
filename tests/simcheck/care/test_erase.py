"""Erasing at request: what goes, what the law keeps, and orders that forbid it."""

from __future__ import annotations

import pytest

from simcheck import clock
from simcheck.care import answering, preserve, requests
from simcheck.errors import ConflictError
from simcheck.messages.words import Language
from tests.caring import TABLES, ask, rows, token
from tests.holding import HOUR, case_of, held
from tests.running import NOON

pytestmark = pytest.mark.anyio


async def erased(service, request):
    async with service.database.transaction("person:s", ministry=True) as session:
        return await answering.erased(session, service, requests.shown(request.number))


async def closed(country, owner, keyring) -> None:
    """The case of number 1 is closed, and words of it are left."""
    case_id, _ = case_of(owner, keyring, 1)
    owner.execute(
        "UPDATE \"case\" SET closed_at = now(), close_reason = 'corrected', target_at = NULL,"
        " clock_left = interval '1 hour' WHERE id = %s", [case_id],
    )  # fmt: skip
    owner.execute(
        "INSERT INTO message (id, carrier, case_id, key, kind, channel, language, template, state,"
        " address_token, text, parts, due_at, expires_at, made_at, changed_at, settled_at)"
        " VALUES (gen_random_uuid(), 'viettel', %s, 'k', 'first', 'sms', 'vi', 't', 'delivered', '', 'x', 1,"
        " now(), now(), now(), now(), now())",
        [case_id],
    )


async def test_words_go_and_proof_stays(country, owner, keyring):
    holder = await held(country, owner, 1)
    await closed(country, owner, keyring)
    proof = [each for each in TABLES if not each.startswith("message")]
    before = rows(owner, *proof)
    request = await ask(country, holder, "erase")
    done = await erased(country, request)
    assert done.gone["messages"] == 1
    assert rows(owner, *proof) == before
    assert owner.execute("SELECT state, text FROM message WHERE key = 'k'").fetchone() == ("delivered", None)
    async with country.database.transaction("test", ministry=True) as session:
        found = await requests.by_number(session, requests.shown(request.number))
        _, told = requests.written(country.keyring, found)
    assert (found.state, found.outcome) == ("answered", "in_part")
    assert "what 1 messages said" in told
    assert "Decree 174/2026" in told
    with pytest.raises(ConflictError):
        await erased(country, request)


async def test_what_was_said_in_answered_appeals_goes(country, owner, keyring):
    holder = await held(country, owner, 1)
    with clock.fixed(NOON + HOUR):
        for number, state in ((1, "rejected"), (1, "open"), (2, "rejected")):
            settled = None if state == "open" else clock.now()
            owner.execute(
                "INSERT INTO appeal (id, carrier, msisdn_token, state, means, language, step, telephone,"
                " words, made_by, made_at, answer_by, settled_by, settled_at, reason)"
                " VALUES (gen_random_uuid(), 'viettel', %s, %s, 'page', 'vi', 1, 'x', 'x', 'holder:x', %s,"
                " %s, %s, %s, %s)",
                [token(keyring, number), state, clock.now(), clock.now(), settled and "person:x", settled,
                 settled and "still_wrong"],
            )  # fmt: skip
        request = await ask(country, holder, "erase")
        done = await erased(country, request)
    assert done.gone["appeals"] == 1
    left = owner.execute("SELECT msisdn_token, state FROM appeal WHERE words IS NOT NULL ORDER BY number")
    assert left.fetchall() == [(token(keyring, 1), "open"), (token(keyring, 2), "rejected")]
    for language in Language:
        told = done.told(language)
        assert ("2 years after the answer" in told) is (language is Language.EN)
        assert "legal hold" not in told


async def test_notices_of_an_open_case_stay_whole(country, owner, keyring):
    holder = await held(country, owner, 1)
    request = await ask(country, holder, "erase")
    owner.execute("UPDATE message SET settled_at = now()")
    texts = owner.execute("SELECT count(text) FROM message").fetchone()
    assert (await erased(country, request)).gone["messages"] == 0
    assert owner.execute("SELECT count(text) FROM message WHERE kind <> 'reply'").fetchone() == texts


async def test_an_order_forbids_it(country, owner, keyring):
    holder = await held(country, owner, 1)
    await closed(country, owner, keyring)
    request = await ask(country, holder, "erase")
    async with country.database.transaction("person:s", ministry=True) as session:
        await preserve.place(session, keyring, "0900000001", "court order 12/2026")
    done = await erased(country, request)
    assert (done.preserved, done.gone) == (True, {})
    assert owner.execute("SELECT outcome FROM person_request").fetchone() == ("refused",)
    assert owner.execute("SELECT text FROM message WHERE key = 'k'").fetchone() == (b"x",)
