from __future__ import annotations

import pytest

from jobs import reports
from simcheck import clock
from simcheck.reports import flow, history, lives, patterns
from tests.building import row
from tests.holding import BINH, a_country, wrong_name
from tests.running import NOON

pytestmark = pytest.mark.anyio
WAITING = "SELECT task_name, scheduled_at FROM procrastinate_jobs WHERE task_name LIKE 'reports.%' ORDER BY 1"


async def test_a_published_run_is_counted_without_waiting_for_the_night(service, owner, tmp_path):
    """Workers with nothing but the queue: no sweep is due in this test."""
    with clock.fixed(NOON):
        await a_country(service, tmp_path, [row(0, BINH), wrong_name(1)])
        async with service.database.transaction("test", ministry=True) as session:
            for what in (history.COUNTRY, flow.FLOW, lives.CASES, patterns.PATTERNS):
                assert (await history.seen(session, what)).counted_at == NOON
            assert await history.subscriptions(session) == 2
            assert await history.months(session) == [NOON.date().replace(day=1)]
    assert owner.execute("SELECT DISTINCT day FROM country_day").fetchall() == [(NOON.date(),)]


async def test_runs_one_after_the_other_are_counted_once_and_patterns_rest(service, owner):
    """No day that was not counted is made up, and a large country's patterns are found less often."""
    with clock.fixed(NOON):
        owner.execute("INSERT INTO country_day VALUES (%s, 'itel', '', 0, 2000000)", [NOON.date()])
        for _ in range(2):
            async with service.database.transaction("test", ministry=True) as session:
                await reports.after_run(session)
    assert owner.execute(WAITING).fetchall() == [
        ("reports.cases", None), ("reports.country", None), ("reports.flow", None),
        ("reports.patterns", NOON + 2 * reports.REST),
    ]  # fmt: skip
