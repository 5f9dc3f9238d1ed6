"""A number that another person's record has now: nothing of the one before."""

from __future__ import annotations

import datetime
import json

import pytest

from simcheck import clock
from simcheck.care import looked, requests, subject
from simcheck.errors import NotFoundError
from tests import holding
from tests.caring import ask, given
from tests.holding import CHI, held, wrong_name
from tests.running import NOON, a_file

pytestmark = pytest.mark.anyio
LATER = NOON + datetime.timedelta(hours=2)


async def test_what_was_before_the_record_named_them_is_nobodys_to_see(country, owner, keyring):
    before = await ask(country, await held(country, owner, 1), "copy")
    owner.execute(
        "INSERT INTO sim_event (carrier, client, msisdn_token, kind, at, received_at)"
        " SELECT carrier, 'x', msisdn_token, 'sim_changed', %s, %s FROM subscription", [NOON, NOON],
    )  # fmt: skip
    with clock.fixed(LATER):
        await a_file(country, "viettel", [wrong_name(1, CHI), wrong_name(2)])
        await holding.checked(country)
        holder = await held(country, owner, 1)
        told = json.loads(await given(country, holder, await ask(country, holder, "copy"), "copy.json"))
        assert [each["move"] for each in told["events"]] == ["changed"]
        assert (told["messages"], told["sim_events"]) == ([], [])
        assert {each["at"] >= LATER.isoformat() for each in told["looks"]} <= {True}
        async with holder.transaction(country) as session:
            mine = await requests.of_holder(session, holder)
            assert before.id not in {each.id for each in mine}
            with pytest.raises(NotFoundError):
                await requests.one_of_holder(session, holder, requests.shown(before.number))
        # 2 has the person whom it had.
        other = await held(country, owner, 2)
        told = json.loads(await given(country, other, await ask(country, other, "copy"), "copy.json"))
        assert [each["change"] for each in told["sim_events"]] == ["sim_changed"]


async def test_staffs_look_at_their_requests_is_told(country, owner):
    holder = await held(country, owner, 1)
    made = await ask(country, holder, "copy")
    async with country.database.transaction("person:lan", ministry=True) as session:
        request = await requests.by_number(session, requests.shown(made.number))
        await requests.file(session, country.keyring, request, "copy.html")
    async with country.database.transaction("test", ministry=True) as session:
        found = await looked.of(session, await subject.of(session, made))
    assert ("request.file_given", "staff", True) in {(each.act, each.who, each.look) for each in found}
