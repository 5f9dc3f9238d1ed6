"""Who looked, told out of the audit chain."""

from __future__ import annotations

import json

import pytest

from simcheck.access.roles import Role
from simcheck.care import looked, subject
from simcheck.care.words import WORDS
from simcheck.review import unmask
from tests.caring import ask, given
from tests.desking import account
from tests.holding import case_of, held

pytestmark = pytest.mark.anyio


async def test_each_look_stands_there_with_who_and_why(country, owner, keyring):
    name = await account(country, Role.REVIEWER)
    case_id, _ = case_of(owner, keyring, 1)
    async with country.database.transaction(f"person:{name}", ministry=True) as session:
        await unmask.look(session, country, case_id, "inspection")
    owner.execute(
        "INSERT INTO otp_question (at, client, msisdn_token, id_token, eligible, reasons)"
        " SELECT '2026-11-24', 'vneid', msisdn_token, '', true, 0 FROM \"case\" WHERE id = %s", [case_id],
    )  # fmt: skip
    holder = await held(country, owner, 1)
    made = await ask(country, holder, "looked")
    told = json.loads(await given(country, holder, made, "looked.json"))["looks"]
    of = [each for each in told if each["act"] == "case.unmasked"]
    assert [(each["who"], each["whose"], each["purpose"], each["looked"]) for each in of] == [
        ("staff", "", "inspection", True)
    ]
    assert name not in json.dumps(told)  # what they are, not who
    page = await given(country, holder, made, "looked.html")
    assert "staff of the ministry" in page
    assert "An inspection" in page


async def test_looks_at_others_are_not_told(country, owner, keyring):
    name = await account(country, Role.REVIEWER)
    async with country.database.transaction(f"person:{name}", ministry=True) as session:
        await unmask.look(session, country, case_of(owner, keyring, 2)[0], "deciding")
    holder = await held(country, owner, 1)
    made = await ask(country, holder, "looked")
    async with country.database.transaction("test", ministry=True) as session:
        found = await looked.of(session, await subject.of(session, made))
    assert "case.unmasked" not in {each.act for each in found}


def test_every_look_that_there_is_has_words():
    for act in ("case.unmasked", "case.seen", "case.evidence_seen", "record.shown", "question.read"):
        assert WORDS["vi"].has(f"value.act.{act.replace('.', '_')}"), act
