from __future__ import annotations

import datetime

import pytest

from simcheck import clock
from simcheck.holders import codes
from tests import holding
from tests.building import row
from tests.holding import BINH, asked, case_of, national, sent, wrong_name
from tests.running import NOON

pytestmark = pytest.mark.anyio


async def test_at_most_three_an_hour_are_sent(service, owner, keyring, tmp_path):
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1), wrong_name(2)])
        _, code = case_of(owner, keyring, 1)
        for _ in range(5):
            await asked(service, code, 1)
        for _ in range(5):
            await asked(service, code, 2)  # a stranger's number: nothing is sent to it
        assert len(sent(owner, keyring)) == 3
        await asked(service, case_of(owner, keyring, 2)[1], 2)
        assert [each.address for each in sent(owner, keyring)].count(f"84{national(2)}") == 1
    with clock.fixed(NOON + datetime.timedelta(minutes=21)):
        await asked(service, code, 1)
        await asked(service, code, 1)
    assert len(sent(owner, keyring)) == 5


async def test_who_cannot_be_sent_an_sms_gets_an_email(service, owner, keyring, tmp_path):
    locked = {"status": "Khoá 2 chiều"}
    with clock.fixed(NOON):
        rows = [
            wrong_name(1, email=" binh@example.vn ", **locked), wrong_name(2, email="none", **locked),
            wrong_name(3, email="binh@example.vn", status="khóa một chiều"),
        ]  # fmt: skip
        await holding.a_country(service, tmp_path, rows)
        for number in (1, 2, 3):
            await asked(service, case_of(owner, keyring, number)[1], number)
        email, sms = sorted(sent(owner, keyring), key=lambda each: each.channel)
        assert (email.channel, email.address) == ("email", "binh@example.vn")
        assert (sms.channel, sms.address) == ("sms", f"84{national(3)}")
        assert holding.digits_in(email.text)


async def test_a_lost_job_is_found_and_a_code_is_sent_once(service, owner, keyring, tmp_path):
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1), row(2, BINH)])
        _, code = case_of(owner, keyring, 1)
        async with service.database.transaction("public", ministry=True) as session:
            challenge = await holding.possession.ask(
                session, service, code, f"0{national(1)}", holding.CLIENT
            )
        owner.execute("DELETE FROM procrastinate_jobs")
        async with service.database.transaction("job", ministry=True) as session:
            assert await codes.wake_unsent(session) == 0  # it may be on its way yet
    with clock.fixed(NOON + datetime.timedelta(seconds=30)):
        async with service.database.transaction("job", ministry=True) as session:
            assert await codes.wake_unsent(session) == 1
        await holding.checked(service)
        assert [each.key for each in sent(owner, keyring)] == [f"code/{challenge.id}"]
        async with service.database.transaction("job", ministry=True) as session:
            assert not await codes.send(session, service, challenge.id)
            assert await codes.wake_unsent(session) == 0
    assert len(sent(owner, keyring)) == 1
