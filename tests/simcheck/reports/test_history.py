from __future__ import annotations

import datetime
import random

import pytest

from simcheck import clock
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Reason
from simcheck.reports import history
from simcheck.reports.kinds import today
from tests import reporting, subscribed
from tests.running import NOON

pytestmark = pytest.mark.anyio


async def counted(service, at) -> bool:
    with clock.fixed(at):
        async with service.database.transaction("test", ministry=True) as session:
            return await history.count(session)


async def test_a_day_is_counted_again_after_each_run_alone(service, owner):
    subscribed.register(owner)
    run = subscribed.published(owner, "itel")
    subscribed.subscribed(owner, service, run, verdict="mismatch", reasons=Reason.NAME_DIFFERENT.mask | 1)
    assert await counted(service, NOON)
    assert not await counted(service, NOON + datetime.timedelta(minutes=2))
    rows = "SELECT day, carrier, province, verdict, subscriptions FROM country_day ORDER BY 1, 4"
    day, wrong = today(NOON), VERDICTS.index("mismatch")
    assert owner.execute(rows).fetchall() == [(day, "itel", "", wrong, 1)]
    reasons = "SELECT reason, subscriptions FROM country_reason_day ORDER BY 1"
    assert owner.execute(reasons).fetchall() == [(0, 1), (Reason.NAME_DIFFERENT.value, 1)]
    owner.execute("UPDATE subscription SET verdict = 0, reasons = 0, province = '001'")
    owner.execute("UPDATE run SET published_at = now() + interval '1 minute'")
    assert await counted(service, NOON + datetime.timedelta(minutes=4))
    assert owner.execute(rows).fetchall() == [(day, "itel", "001", 0, 1)]
    assert owner.execute(reasons).fetchall() == []
    assert await counted(service, NOON + datetime.timedelta(days=1))
    assert [row[0] for row in owner.execute(rows)] == [day, day + datetime.timedelta(days=1)]


async def test_what_is_over_is_not_counted(service, owner):
    draw = random.Random(1)
    rows = [reporting.subscription(draw, at, status="over") for at in range(3)]
    reporting.insert(owner, "subscription", reporting.SUBSCRIPTION, rows)
    assert await counted(service, NOON)
    assert owner.execute("SELECT count(*) FROM country_day").fetchone() == (0,)
