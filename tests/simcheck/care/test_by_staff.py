"""A request that staff write down reaches every record of its number."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.care import answering, by_staff, looked, requests, subject
from simcheck.care.models import RequestKind
from simcheck.errors import InvalidError
from simcheck.messages.words import Language
from tests.caring import ask
from tests.holding import CHI, HOUR, checked, held, sent, wrong_name
from tests.running import NOON, a_file

pytestmark = pytest.mark.anyio


@pytest.fixture
async def twice(country):
    """The number 1 is declared by another carrier too, in another name."""
    with clock.fixed(NOON + HOUR):
        await a_file(country, "mobifone", [wrong_name(1, CHI)])
        await checked(country)
    with clock.fixed(NOON + 2 * HOUR):
        yield country


async def written_down(service, kind, of="0900 000 001"):
    async with service.database.transaction("person:lan", ministry=True) as session:
        return await by_staff.ask(
            session, service, RequestKind(kind), of, "", Language.EN, uuid.uuid4()
        )  # fmt: skip


async def test_of_a_number_that_two_carriers_declare_both_records_are_reached(twice, owner, keyring):
    holder = await held(twice, owner, 1)
    own = await ask(twice, holder, "erase")  # at one carrier, and still open
    made = await written_down(twice, "copy")
    assert made.carrier is None
    await checked(twice)
    async with twice.database.transaction("test", ministry=True) as session:
        found = await requests.by_number(session, requests.shown(made.number))
        content = await requests.file(session, keyring, found, "copy.json")
        of = await subject.of(session, found)
        acts = {each.act for each in await looked.of(session, of)}
    whole = json.loads(content)
    assert {each["carrier"] for each in whole["subscriptions"]} == {"mobifone", "viettel"}
    assert {each["carrier"] for each in whole["cases"]} == {"mobifone", "viettel"}
    assert set(of.requests) == {own.id, made.id}
    assert "request.begun" in acts
    told = [each.text for each in sent(owner, keyring) if each.kind == "reply"]
    assert len([text for text in told if requests.shown(made.number) in text]) == 1  # one number, one message

    owner.execute(
        "UPDATE \"case\" SET closed_at = now(), close_reason = 'corrected', target_at = NULL,"
        " clock_left = interval '1 hour', state = 'closed'"
    )
    for case, carrier in owner.execute('SELECT id, carrier FROM "case"').fetchall():
        owner.execute(
            "INSERT INTO message (id, carrier, case_id, key, kind, channel, language, template, state,"
            " address_token, text, parts, due_at, expires_at, made_at, changed_at, settled_at)"
            " VALUES (gen_random_uuid(), %s, %s, 'k' || %s, 'first', 'sms', 'vi', 't', 'delivered', '', 'x',"
            " 1, now(), now(), %s, now(), now())",
            [carrier, case, str(case), NOON + timedelta(hours=2)],
        )
    erasing = await written_down(twice, "erase")
    assert erasing.id != own.id
    async with twice.database.transaction("person:s", ministry=True) as session:
        done = await answering.erased(session, twice, requests.shown(erasing.number))
    numbers = [keyring.token("msisdn", 900_000_001)]
    left = """SELECT "case".carrier, text FROM message JOIN "case" ON "case".id = case_id
        WHERE "case".msisdn_token = ANY(%s) AND key LIKE 'k%%' ORDER BY 1"""
    assert owner.execute(left, [numbers]).fetchall() == [("mobifone", None), ("viettel", None)]
    assert done.gone["messages"] == 2


async def test_what_is_neither_a_number_nor_a_person_is_refused(country):
    with pytest.raises(InvalidError):
        await written_down(country, "copy", "12345")
    person = await written_down(country, "copy", CHI.id_number)
    assert (person.carrier, person.msisdn_token) == (None, None)
