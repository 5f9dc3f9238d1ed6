from __future__ import annotations

import pytest

from jobs.reports import count_cases
from simcheck import clock
from simcheck.reports import drill, lives
from simcheck.reports.kinds import BANDS, TOOK
from tests.running import NOON

pytestmark = pytest.mark.anyio


async def test_every_case_is_in_one_group(country, session, owner):
    owner.execute("SET app.scope = 'ministry'")
    [every] = owner.execute('SELECT count(*) FROM "case"').fetchone()
    found = await lives.read(session)
    whole = {kind: figure.count for kind, figure in found.whole.items()}
    assert whole["case_any"] == every == whole["case_open"] + whole["case_over"]
    assert whole["case_open"] == sum(whole[band] for band in BANDS) > 0
    assert whole["case_over"] == sum(whole[took] for took in TOOK) > 0
    cells = {name: figure.count for name, figure in found.groups.items()}
    for kind in ("case_open", "case_over", *BANDS, *TOOK):
        assert sum(n for (_, of), n in cells.items() if of == kind) == whole[kind], kind
    assert sum(line["case_any"].count for line in found.carriers.values()) == every


async def test_each_figure_is_its_list(country, session):
    for part in ({}, {"carrier": "itel"}, {"province": "001"}):
        found = await lives.read(session, **part)
        figures = [*found.groups.values(), *found.whole.values()]
        figures += [each for line in found.carriers.values() for each in line.values()]
        for figure in figures:
            assert await drill.count(session, figure.drill) == figure.count, figure
    assert await lives.read(session, carrier="nobody") is not None


async def test_a_case_that_moved_is_counted_where_it_is(country, service, owner):
    owner.execute("SET app.scope = 'ministry'")
    owner.execute("UPDATE \"case\" SET closed_at = NULL, close_reason = NULL, acts = 'carrier'"
                  " WHERE closed_at IS NOT NULL")  # fmt: skip
    with clock.fixed(NOON):
        await count_cases(service)
        await count_cases(service)
        async with service.database.transaction("test", ministry=True) as session:
            found = await lives.read(session)
    assert found.whole["case_over"].count == 0
    assert found.whole["case_open"].count == found.whole["case_any"].count > 0


async def test_before_they_were_counted(session):
    assert await lives.read(session) is None
