from __future__ import annotations

import asyncio

import pytest

from jobs.holders import send_code
from simcheck import clock
from simcheck.holders import possession
from tests import holding
from tests.holding import CLIENT, case_of, national, sent, wrong_name
from tests.running import NOON, work

pytestmark = pytest.mark.anyio


async def test_a_code_is_sent_once_however_often_its_job_is_done(service, owner, keyring, tmp_path):
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1)])
        _, code = case_of(owner, keyring, 1)
        async with service.database.transaction("public", ministry=True) as session:
            challenge = await possession.ask(session, service, code, f"0{national(1)}", CLIENT)
        await asyncio.gather(*(send_code(service, str(challenge.id)) for _ in range(3)))
        await work(service)
    [message] = sent(owner, keyring)
    assert message.key == f"code/{challenge.id}"
    assert holding.acts(owner).count("possession.sent") == 1
