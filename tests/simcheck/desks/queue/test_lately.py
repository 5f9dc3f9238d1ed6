from __future__ import annotations

from datetime import timedelta

import pytest

from jobs import review as jobs
from simcheck import clock
from simcheck.access.roles import Role
from simcheck.cases.decide import Wanted
from simcheck.cases.decide import decide as make_move
from simcheck.cases.states import Who
from tests.casework import text_of
from tests.desking import at_desk
from tests.reviewing import acting, one_case

pytestmark = pytest.mark.anyio
FIELDS = {"decision": "same_person", "reason": "spelling", "version": "1"}


async def test_a_decision_that_came_to_nothing_is_told_and_one_that_binds_is_over(app, service, owner):
    overtaken, bound = one_case(owner), one_case(owner)
    async with at_desk(app, Role.REVIEWER) as reviewer:
        for case in (overtaken, bound):
            await reviewer.send(f"/desk/cases/{case}/claim")
            await reviewer.send(f"/desk/cases/{case}/decide", FIELDS)
        assert (await reviewer.get("/desk/queue")).text.count("data-binds") == 2
        wanted, week = Wanted("ask_carrier", Who.STAFF, "record_unclear"), timedelta(days=7)
        await acting(
            service, "lan", lambda s: make_move(s, service.keyring, overtaken, wanted, referral=week)
        )
        with clock.fixed(clock.now() + timedelta(seconds=11)):
            await jobs.bind_due(service)
            page = (await reviewer.get("/desk/queue")).text
            assert "data-binds" not in page
            text = text_of(page)
            assert text.count("không thành, vì hồ sơ đã thay đổi") == 1
            assert "đã có hiệu lực" in text
        with clock.fixed(clock.now() + timedelta(minutes=20)):
            assert "không thành, vì hồ sơ" not in (await reviewer.get("/desk/queue")).text
    async with at_desk(app, Role.REVIEWER, name="lan") as lan:
        assert "Bạn vừa quyết định" not in (await lan.get("/desk/queue")).text
