from __future__ import annotations

import datetime

import pytest

from simcheck.reasons import Verdict
from simcheck.reports import delivery, drill, figures, flow, lives, patterns
from simcheck.reports.figures import By, Figure
from simcheck.reports.kinds import KINDS, today
from tests.reporting import CARRIERS, a_country, carriers, sums_of
from tests.running import NOON

pytestmark = pytest.mark.anyio
DAY = datetime.timedelta(days=1)


async def listed(session, figure: Figure) -> int:
    """How many rows the figure's list has, page after page."""
    after, rows = None, 0
    while page := await drill.page(session, figure.drill, after, 97):
        rows += len(page)
        after = drill.key(figure.drill, page[-1])
    return rows


async def all_figures(session) -> list[Figure]:
    """Every figure of every report."""
    found = []
    for by in By:
        for carrier in (None, *CARRIERS):
            for province in (None, "", "001"):
                made = await figures.table(session, by, carrier=carrier, province=province)
                for line in (*made.lines, made.total):
                    found += [line.all, line.amiss, *line.verdicts.values()]
    for carrier, province in ((None, None), ("itel", None), (None, "001"), ("viettel", "")):
        found += [each.figure for each in await figures.reasons(session, carrier=carrier, province=province)]
    until = today(NOON) + DAY
    for carrier in carriers():
        daily = await flow.series(session, KINDS, until - 3 * DAY, until, carrier=carrier)
        found += [figure for days in daily.values() for figure in days.values()]
        found += (await sums_of(session, KINDS, until - 40 * DAY, until, carrier)).values()
        found += (await flow.ages(session, carrier=carrier)).values()
    for line in (await flow.by_carrier(session, KINDS, until - 40 * DAY, until)).values():
        found += line.values()
    for person in (*await patterns.most_sims(session), *await patterns.bursts(session)):
        found.append(person.subscriptions)
    found += [cell.amiss for cell in (await figures.matrix(session, today(NOON))).values()]
    every = await lives.read(session, carrier="itel")
    found += [*every.groups.values(), *every.whole.values()]
    told = await delivery.read(session, until - 40 * DAY, until)
    for outcomes in (*told.ways.values(), *told.carriers.values(), told.whole):
        found += [outcomes.made, *outcomes.states.values()]
    for place in await patterns.places(session):
        found += [place.subscriptions, place.mismatches, place.contested, place.repeated]
    return found


async def test_every_figure_is_the_length_of_its_list(country, session):
    """The count, and the rows that are listed page by page; the list is found again from its address."""
    found = await all_figures(session)
    assert len(found) > 700
    assert sum(figure.count > 0 for figure in found) > 300
    for at, figure in enumerate(found):
        assert await drill.count(session, figure.drill) == figure.count, figure
        assert drill.read(figure.drill.query()) == figure.drill
        if at % 7 == 0:
            assert await listed(session, figure) == figure.count, figure


async def test_a_table_adds_up(country, session):
    made = await figures.table(session, By.PROVINCE)
    assert made.total.all.count == sum(line.all.count for line in made.lines)
    for line in (*made.lines, made.total):
        assert line.all.count == sum(each.count for each in line.verdicts.values())
        assert line.share == line.verdicts[Verdict.VERIFIED].count / line.all.count
    by_carrier = await figures.table(session, By.CARRIER)
    assert by_carrier.total == made.total
    assert (made.day, made.as_of) == (today(NOON), NOON)


async def test_before_the_first_count(session):
    assert await figures.table(session, By.CARRIER) is None
    assert await figures.reasons(session) == []
    assert await figures.trend(session, datetime.date.min, datetime.date.max) == []
    assert await flow.ages(session) == {}


async def test_small_groups_are_hidden_with_what_would_tell_them(country, session):
    made = await figures.table(session, By.PROVINCE, carrier="itel", least=8)
    hidden = [each for line in made.lines for each in line.verdicts.values() if each.count is None]
    assert hidden
    assert all(figure.drill is None for figure in hidden)
    for line in made.lines:
        assert [each.count for each in (line.all, *line.verdicts.values())].count(None) != 1
    told = await figures.reasons(session, carrier="itel", province="001", least=10**6)
    assert told
    assert all(line.figure.count is None for line in told)


async def test_a_trend(country, session, owner):
    yesterday = today(NOON) - DAY
    owner.execute("SET app.scope = 'ministry'")
    owner.execute(
        "INSERT INTO country_day VALUES (%s, 'itel', '001', 0, 30), (%s, 'itel', '001', 2, 10)",
        [yesterday] * 2,
    )
    points = await figures.trend(session, yesterday, today(NOON) + DAY)
    assert [point.day for point in points] == [yesterday, today(NOON)]
    assert points[0].share == 0.75
    assert (await figures.trend(session, yesterday, today(NOON), least=11))[0].share is None
    before = await figures.table(session, By.CARRIER, day=yesterday)
    assert before.total.all == Figure(40, None)
    assert before.as_of is None


async def test_a_carrier_sees_its_own_figures(country, service):
    async with service.database.transaction("test", "itel") as session:
        made = await figures.table(session, By.CARRIER)
    assert [line.key for line in made.lines] == ["itel"]


async def test_figures_are_read_from_few_rows_by_an_index(service, owner):
    a_country(owner, rows=50)
    owner.execute("SET app.scope = 'ministry'")
    owner.execute(
        "INSERT INTO country_day SELECT day::date, 'c' || c, lpad(p::text, 3, '0'), v, 1000"
        " FROM generate_series(date '2024-01-01', '2026-11-25', '1 day') day, generate_series(1, 3) c,"
        " generate_series(1, 34) p, generate_series(0, 3) v"
    )
    owner.execute("ANALYZE country_day")
    query = figures.BY["province"].text
    for name, value in (("day", "'2026-11-25'::date"), ("carrier", "'c1'"), ("province", "NULL")):
        query = query.replace(f":{name}", value)
    plan = "\n".join(row[0] for row in owner.execute(f"EXPLAIN {query}"))
    assert "country_day_pkey" in plan


def test_the_day_of_a_target_at_a_pace():
    day = datetime.date(2026, 11, 1)
    month = datetime.timedelta(days=30)
    assert figures.pace(0.4, 0.5, day - month, day, 1.0) == day + 5 * month
    assert figures.pace(0.5, 0.5, day - month, day, 1.0) is None
    assert figures.pace(0.6, 0.5, day - month, day, 1.0) is None
    assert figures.pace(0.4, 0.5, day, day, 1.0) is None
    assert figures.pace(0.4, 0.400001, day - month, day, 1.0) is None  # in more than a century


async def test_carriers_in_provinces_are_the_same_sims(country, session):
    [carriers, provinces] = await figures.tables(session)
    cells = await figures.matrix(session, carriers.day)
    for table, at in ((carriers, 0), (provinces, 1)):
        for line in table.lines:
            mine = [cell for key, cell in cells.items() if key[at] == line.key]
            assert sum(cell.all for cell in mine) == line.all.count
            assert sum(cell.amiss.count for cell in mine) == line.amiss.count
    for cell in cells.values():
        assert await drill.count(session, cell.amiss.drill) == cell.amiss.count == cell.all - cell.verified
    total = carriers.total.amiss
    assert await drill.count(session, total.drill) == total.count > 0


async def test_who_are_not_real_is_hidden_with_what_would_tell_it(country, session):
    """What is shown of those that are not verified is nobody, or no small group."""
    told = [verdict for verdict in Verdict if verdict is not Verdict.REJECTED]
    for least in (10, 40, 90):
        for table in await figures.tables(session, least=least):
            for line in (*table.lines, table.total):
                # No SIM is rejected, as everybody knows: so that column hides nothing.
                shown = [line.all.count, *(line.verdicts[verdict].count for verdict in told)]
                assert shown.count(None) != 1, (least, line)
                assert line.verdicts[Verdict.REJECTED].count == 0
                assert line.amiss.count is None or line.amiss.count == 0 or line.amiss.count >= least
