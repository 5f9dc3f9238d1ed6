from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simcheck.reports.suppress import hide, hide_alone, hide_cuts

counts = st.integers(0, 12) | st.integers(0, 1000)
tables = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(counts, min_size=width, max_size=width), min_size=1, max_size=6)
)


def known(shown) -> np.ndarray:
    """Of each hidden cell whether the sums of rows and columns fix it: it is the same in all solutions."""
    height, width = len(shown), len(shown[0])
    cells = [(r, c) for r in range(height) for c in range(width) if shown[r][c] is None]
    place = {cell: at for at, cell in enumerate(cells)}
    equations = []
    lines = [[(r, c) for c in range(width)] for r in range(height)]
    lines += [[(r, c) for r in range(height)] for c in range(width)]
    for line in lines:
        row = np.zeros(len(cells))
        for cell in line:
            if cell in place:
                row[place[cell]] = -1 if cell == line[-1] else 1
        equations.append(row)
    _, values, space = np.linalg.svd(np.array(equations))
    rank = int((values > 1e-9).sum())
    return np.abs(space[rank:]).max(axis=0, initial=0) < 1e-9


@given(tables, st.integers(0, 30))
def test_nothing_hidden_can_be_computed(table, least):
    shown = hide(table, least)
    assert len(shown) == len(table) + 1
    whole = hide(table, 0)
    for row, full in zip(shown, whole, strict=True):
        for count, true in zip(row, full, strict=True):
            assert count in (None, true)
            assert count is None or count == 0 or count >= least  # no small group is shown
    if any(count is None for row in shown for count in row):
        assert not known(shown).any()
    for line in (*shown, *zip(*shown, strict=True)):  # nor a small sum of hidden ones
        *parts, total = line
        if total is not None and None in parts:
            assert total - sum(part for part in parts if part is not None) >= least


@given(tables)
def test_who_may_see_all_sees_all(table):
    for least in (0, 1):
        shown = hide(table, least)
        assert [row[:-1] for row in shown[:-1]] == table
        assert shown[-1][-1] == sum(map(sum, table))


def test_some_tables():
    assert hide([], 5) == []
    assert hide([[0, 0]], 5) == [[0, 0, 0], [0, 0, 0]]
    shown = hide([[100, 3], [200, 50]], 5)
    assert shown[0][1] is None
    assert sum(count is None for row in shown for count in row) == 4
    assert (hide_alone(0, 5), hide_alone(4, 5), hide_alone(5, 5)) == (0, None, 5)


@given(
    st.lists(st.lists(counts, min_size=3, max_size=3), min_size=1, max_size=5),
    st.integers(2, 30),
    st.randoms(),
)
def test_two_cuts_hide_the_same_sums(table, least, draw):
    """The same people by other lines: what one hides of the sums, the other does not show."""
    other = [[0, 0, 0] for _ in range(3)]
    for row in table:
        for column, count in enumerate(row):
            other[draw.randrange(3)][column] += count
    one, two = hide_cuts([table, other], least)
    assert [count is None for count in one[-1]] == [count is None for count in two[-1]]
    for shown in (one, two):
        if any(count is None for row in shown for count in row):
            assert not known(shown).any()


def test_no_cut_of_nobody():
    assert hide_cuts([[], []], 10) == [[], []]
