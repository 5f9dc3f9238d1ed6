from __future__ import annotations

import pytest

from simcheck import clock
from simcheck.holders import confirm, records
from simcheck.holders.models import Confirmation, Means
from tests import holding
from tests.building import row
from tests.holding import AN, BINH, case_of, national, state_of, wrong_name
from tests.running import NOON, a_file

pytestmark = pytest.mark.anyio


async def say(service, number, means=Means.SMS):
    async with service.database.transaction("holder:x", "viettel") as session:
        found = await records.find(session, "viettel", service.keyring.token("msisdn", national(number)))
        return await confirm.confirm(session, service, found, means)


async def test_a_word_is_kept_once_and_mends_nothing(service, owner, keyring, tmp_path):
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1), row(2, AN)])
        case_id, _ = case_of(owner, keyring, 1)
        assert [await say(service, 1), await say(service, 1), await say(service, 1, Means.PAGE)] == [
            True, False, True
        ]  # fmt: skip
        assert await say(service, 2)
    assert state_of(owner, case_id) == ("with_holder", None, None)
    events = owner.execute("SELECT move, reason FROM case_event WHERE case_id = %s ORDER BY id", [case_id])
    assert events.fetchall()[1:] == [("evidence", "holder_confirms")] * 2
    kept = await holding.all_of(service, Confirmation)
    assert sorted((each.case_id is not None, each.means) for each in kept) == [
        (False, "sms"), (True, "page"), (True, "sms")
    ]  # fmt: skip
    assert holding.acts(owner).count("record.confirmed") == 3


async def test_another_record_is_confirmed_anew(service, owner, tmp_path):
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1)])
        assert await say(service, 1)
    with clock.fixed(NOON + holding.HOUR):
        await a_file(service, "viettel", [row(1, BINH)])
        await holding.checked(service)
        assert await say(service, 1)
        assert not await say(service, 1)
