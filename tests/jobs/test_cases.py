from __future__ import annotations

from datetime import timedelta

import pytest

from jobs import cases
from simcheck import clock
from simcheck.cases import find
from simcheck.cases.decide import Wanted, decide
from simcheck.cases.states import Who
from tests import publishing
from tests.publishing import Sim

pytestmark = pytest.mark.anyio


async def test_late_answers_are_not_waited_for(service, owner):
    owner.execute("INSERT INTO carrier VALUES ('viettel', now())")
    await publishing.run(service, Sim("one"))
    week = timedelta(days=7)
    async with service.database.transaction("staff:binh", ministry=True) as session:
        [found] = await find.page(session, "viettel")
        wanted = Wanted("refer", Who.STAFF, "register_wrong")
        await decide(session, service.keyring, found.case.id, wanted, referral=week)
    await cases.take_back(service)
    assert owner.execute('SELECT state FROM "case"').fetchone() == ("referred",)
    with clock.fixed(clock.now() + week):
        await cases.take_back(service)
    assert owner.execute('SELECT state FROM "case"').fetchone() == ("with_staff",)
