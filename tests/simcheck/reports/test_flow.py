from __future__ import annotations

import datetime
from itertools import pairwise

import pytest

from jobs.reports import count_flow
from simcheck import clock
from simcheck.reports import flow
from simcheck.reports.kinds import BANDS, KINDS, midnight, opened, today
from tests.reporting import sums_of
from tests.running import NOON

pytestmark = pytest.mark.anyio
DAY = datetime.timedelta(days=1)


def test_the_ages_follow_on_each_other():
    """Every open case is in exactly one band."""
    bounds = [opened(band, today(NOON)) for band in BANDS.values()]
    assert bounds[0][1] is None
    assert bounds[-1][0] is None
    for (since, _), (_, until) in pairwise(bounds):
        assert since == until
    assert midnight(today(NOON)) <= NOON < midnight(today(NOON) + DAY)


async def test_counted_twice_is_counted_once(country, service, owner):
    rows = "SELECT * FROM flow_day ORDER BY day, carrier, kind"
    before = owner.execute(rows).fetchall()
    assert before
    with clock.fixed(NOON):
        await count_flow(service)
    assert owner.execute(rows).fetchall() == before


async def test_a_case_that_is_back_is_not_closed_any_more(country, service, owner):
    until = today(NOON) + DAY
    owner.execute("SET app.scope = 'ministry'")
    owner.execute("UPDATE \"case\" SET closed_at = NULL, close_reason = NULL, acts = 'carrier'"
                  " WHERE closed_at IS NOT NULL")  # fmt: skip
    with clock.fixed(NOON):
        await count_flow(service)
        async with service.database.transaction("test", ministry=True) as session:
            sums = await sums_of(session, KINDS, until - 60 * DAY, until)
            ages = await flow.ages(session)
    assert sums["case_closed"].count == 0
    assert sums["case_opened"].count > 0
    open_cases = owner.execute('SELECT count(*) FROM "case" WHERE closed_at IS NULL').fetchone()[0]
    assert sum(each.count for each in ages.values()) == open_cases


async def test_the_ages_of_a_day_that_is_over_stay(country, service, owner):
    with clock.fixed(NOON + DAY):
        await count_flow(service)
    days = "SELECT DISTINCT day FROM flow_day WHERE kind LIKE 'open_%' ORDER BY 1"
    assert [row[0] for row in owner.execute(days)] == [today(NOON), today(NOON) + DAY]
