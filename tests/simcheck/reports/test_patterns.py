from __future__ import annotations

import datetime
import random

import pytest

from jobs.reports import find_patterns
from simcheck import clock
from simcheck.reasons import Verdict
from simcheck.reports import drill, patterns
from tests import reporting
from tests.running import NOON

pytestmark = pytest.mark.anyio
HOLDER = bytes([7]) * 32


async def found(service, owner, rows):
    """Patterns of subscriptions: (most SIMs, bursts, places)."""
    draw, day = random.Random(1), NOON.date()
    plain = {
        "id_token": None, "verdict": 0, "reasons": 0, "status": "active", "contested": False,
        "province": "001",
        "point_of_sale": None, "activated_on": day, "carrier": "itel",
    }  # fmt: skip
    made = [reporting.subscription(draw, at, **plain | row) for at, row in enumerate(rows)]
    owner.execute("SET app.scope = 'ministry'")
    owner.execute("DELETE FROM subscription")
    reporting.insert(owner, "subscription", reporting.SUBSCRIPTION, made)
    with clock.fixed(NOON):
        await find_patterns(service)
        async with service.database.transaction("test", ministry=True) as session:
            return (
                await patterns.most_sims(session), await patterns.bursts(session), await
                patterns.places(session)
            )  # fmt: skip


async def test_one_id_in_many_provinces_in_a_short_time(service, owner):
    day = NOON.date()
    slow = [
        {"id_token": HOLDER, "province": f"00{at}", "activated_on": day - datetime.timedelta(days=20 * at)}
        for at in (1, 4, 8)
    ]
    assert await found(service, owner, slow) == ([], [], [])
    fast = [row | {"activated_on": day - datetime.timedelta(days=at)} for at, row in enumerate(slow)]
    _, bursts, _ = await found(service, owner, fast)
    assert [(each.burst_provinces, each.subscriptions.count) for each in bursts] == [(3, 3)]
    assert bursts[0].burst_on == day - datetime.timedelta(days=2)
    over = [row | {"status": "over"} for row in fast]
    assert await found(service, owner, over) == ([], [], [])


async def test_one_id_with_very_many_sims(service, owner):
    rows = [{"id_token": HOLDER, "carrier": ("itel", "viettel")[at % 2]} for at in range(12)]
    most, bursts, _ = await found(service, owner, rows)
    assert [(each.subscriptions.count, each.carriers, each.provinces) for each in most] == [(12, 2, 1)]
    assert bursts == []
    again, _, _ = await found(service, owner, rows[:11])
    assert again[0].id == most[0].id  # a link to it stays good
    assert again[0].subscriptions.count == 11
    assert HOLDER.hex() not in str(again[0].subscriptions.drill.query())


async def test_places_of_sale(service, owner):
    fair = [{"point_of_sale": "ĐL 1", "id_token": bytes([at]) * 32} for at in range(1, 20)]
    repeated = [
        {"point_of_sale": "ĐL 2", "id_token": HOLDER if at < 9 else bytes([at]) * 32} for at in range(20)
    ]
    disowned = [
        {"point_of_sale": "ĐL 3", "contested": at < 2, "id_token": bytes([at, 1]) * 16} for at in range(20)
    ]
    wrong = [{"point_of_sale": "ĐL 4", "verdict": 2, "id_token": None} for at in range(10)]
    small = [{"point_of_sale": "ĐL 5", "contested": True} for at in range(9)]
    _, _, places = await found(service, owner, fair + repeated + disowned + wrong + small)
    assert [
        (each.point_of_sale, each.subscriptions.count, each.mismatches.count, each.contested.count,
         each.repeated.count)
        for each in places
    ] == [("ĐL 2", 20, 0, 0, 9), ("ĐL 3", 20, 0, 2, 0), ("ĐL 4", 10, 10, 0, 0)]  # fmt: skip
    async with service.database.transaction("test", ministry=True) as session:
        assert await drill.count(session, places[0].repeated.drill) == 9
        hidden = await patterns.places(session, least=10)
    assert places[2].mismatches.drill.verdict is Verdict.MISMATCH
    assert [(each.mismatches.count, each.contested.count, each.repeated.count) for each in hidden] == [
        (0, 0, None), (0, None, 0), (10, 0, 0),
    ]  # fmt: skip
