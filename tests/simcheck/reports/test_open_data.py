from __future__ import annotations

import pytest
from hypothesis import given as tried
from hypothesis import strategies as st

from simcheck.reasons import Verdict
from simcheck.reports import figures, open_data
from simcheck.reports.figures import By, Figure, Line
from simcheck.reports.open_data import LEAST, rounded
from simcheck.reports.suppress import hide_cuts

pytestmark = pytest.mark.anyio
counts = st.integers(0, 15) | st.integers(0, 3000)


@tried(counts, st.integers(LEAST, 50))
def test_rounding_makes_no_group_small_or_nobody(count, step):
    shown = rounded(count, step)
    assert shown % step == 0
    assert abs(shown - count) <= step / 2
    if count >= step:
        assert shown >= step
    assert rounded(None, step) is None
    assert rounded(0, step) == 0


@tried(
    st.lists(st.lists(counts, min_size=4, max_size=4), min_size=2, max_size=5), st.data(), st.integers(-1, 1)
)
def test_two_days_do_not_tell_of_one_person(table, data, moved):
    """One SIM comes or goes: whatever is shown on both days differs by nothing or by a whole step, and no
    sum of a line's differences is one."""
    r, c = data.draw(st.integers(0, len(table) - 1)), data.draw(st.integers(0, 3))
    later = [list(row) for row in table]
    later[r][c] = max(0, later[r][c] + moved)
    days = [hide_cuts([each], LEAST)[0] for each in (table, later)]
    one, two = ([[rounded(cell, LEAST) for cell in row] for row in grid] for grid in days)
    for before, after in zip(one, two, strict=True):
        moves = [y - x for x, y in zip(before, after, strict=True) if x is not None and y is not None]
        assert all(move % LEAST == 0 for move in moves)
        assert all(cell is None or cell == 0 or cell >= LEAST for cell in (*before, *after))


async def test_what_is_given_is_what_the_tables_show(country, session):
    assert await open_data.given(session) is None
    assert await open_data.give(session, 3)  # no setting makes the public's groups smaller
    assert not await open_data.give(session, 3)
    found = await open_data.given(session)
    assert found.least == LEAST
    tables = await figures.tables(session, least=LEAST)
    shown = {("country", ""): tables[0].total}
    shown |= {(str(table.by), line.key): line for table in tables for line in table.lines}
    assert {(line.by, line.key) for line in found.lines} == set(shown)
    for line in found.lines:
        true: Line = shown[line.by, line.key]
        assert line.all == rounded(true.all.count, LEAST)
        for verdict, count in line.verdicts.items():
            told: Figure = true.verdicts[Verdict(verdict)]
            assert count == rounded(told.count, LEAST)
    assert [point.day for point in await open_data.trend(session)] == [found.day]
    assert [line.key for line in found.of(By.PROVINCE)][-1] == ""  # of nobody: last
    assert len(open_data.as_rows(found.lines)[0]) == len(open_data.COLUMNS)
