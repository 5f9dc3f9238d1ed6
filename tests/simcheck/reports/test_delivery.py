from __future__ import annotations

import datetime

import pytest

from jobs.reports import count_flow
from simcheck import clock
from simcheck.reports import delivery, drill
from simcheck.reports.kinds import today
from simcheck.sending.models import State
from tests.reporting import sums_of
from tests.running import NOON

pytestmark = pytest.mark.anyio
DAY = datetime.timedelta(days=1)
UNTIL = today(NOON) + DAY
SINCE = UNTIL - 60 * DAY


async def test_states_add_up_to_what_was_made_and_to_other_figures(country, session):
    found = await delivery.read(session, SINCE, UNTIL)
    sums = await sums_of(session, ["notice_made", "notice_delivered"], SINCE, UNTIL)
    assert found.whole.made.count == sums["notice_made"].count > 0
    assert found.whole.states[State.DELIVERED].count == sums["notice_delivered"].count > 0
    for cut in (found.ways, found.carriers, found.days):
        assert sum(line.made.count for line in cut.values()) == found.whole.made.count
        for state in State:
            assert sum(line.states[state].count for line in cut.values()) == found.whole.states[state].count
    assert len(found.days) == 60


async def test_each_figure_is_its_list(country, session):
    for carrier in (None, "itel", ""):
        found = await delivery.read(session, SINCE, UNTIL, carrier=carrier)
        days = list(found.days.values())[::20]
        for line in (*found.ways.values(), *found.carriers.values(), *days, found.whole):
            for figure in (line.made, *line.states.values()):
                assert await drill.count(session, figure.drill) == figure.count, figure


async def test_a_late_receipt_is_counted(country, service, owner):
    owner.execute("SET app.scope = 'ministry'")
    owner.execute("UPDATE message SET state = 'delivered'")
    with clock.fixed(NOON):
        await count_flow(service)
        async with service.database.transaction("test", ministry=True) as session:
            found = await delivery.read(session, SINCE, UNTIL)
    assert found.whole.states[State.DELIVERED].count == found.whole.made.count > 0
