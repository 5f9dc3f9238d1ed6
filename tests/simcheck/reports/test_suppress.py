from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simcheck.reports.suppress import Sum, hide, hide_alone, hide_cuts, hide_linked, hide_part
from tests.reporting import computed

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
    # Nor do both together tell anything: they have one row of sums.
    told, sums = {}, []
    for at, shown in enumerate((one, two)):
        names = [[(at, r, c) for c in range(4)] for r in range(len(shown) - 1)]
        names.append([("sum", c) for c in range(4)])
        told |= {name: n for row, counts in zip(names, shown, strict=True)
                 for name, n in zip(row, counts, strict=True)}  # fmt: skip
        sums += [Sum(row[-1], row[:-1]) for row in names]
        sums += [Sum(column[-1], column[:-1]) for column in map(list, zip(*names, strict=True))]
    assert computed(told, sums) == set()


def test_no_cut_of_nobody():
    assert hide_cuts([[], []], 10) == [[], []]


def test_what_both_tables_tell_between_them():
    """Each is safe by itself: in the one 1, 2 and 5 hide each other, and 3 and 4, in the other 1 and 2, and
    3, 4 and 5. Together they fix the fifth."""
    one = [Sum("all", list("12345")), Sum("x", ["1", "2", "5"]), Sum("y", ["3", "4"]), Sum("z", ["1", "2"])]
    counts = {"1": 3, "2": 40, "3": 4, "4": 50, "5": 60, "all": 157, "x": 103, "y": 54, "z": 43}
    shown = hide_linked(counts, one, 10, ["5"])
    assert computed(shown, one) == set()
    assert sum(count is None for count in shown.values()) > 5


parts = st.lists(st.integers(0, 12) | st.integers(0, 300), min_size=9, max_size=9)


@settings(max_examples=60, deadline=None)
@given(parts, st.integers(2, 12))
def test_nothing_can_be_computed_from_linked_tables(table, least):
    """Three by three with parts of parts: a sum over two of the columns, as figures of a page have it."""
    rows = [table[:3], table[3:6], table[6:]]
    counts = {(r, c): rows[r][c] for r in range(3) for c in range(3)}
    counts |= {("row", r): sum(rows[r]) for r in range(3)} | {("two", r): sum(rows[r][:2]) for r in range(3)}
    counts |= {("column", c): sum(row[c] for row in rows) for c in range(3)}
    counts |= {"all": sum(table), "two": sum(n for row in rows for n in row[:2])}
    sums = [Sum(("row", r), [(r, c) for c in range(3)]) for r in range(3)]
    sums += [Sum(("two", r), [(r, 0), (r, 1)]) for r in range(3)]
    sums += [Sum(("column", c), [(r, c) for r in range(3)]) for c in range(3)]
    sums += [Sum("all", [("row", r) for r in range(3)]), Sum("all", [("column", c) for c in range(3)])]
    sums += [Sum("two", [("two", r) for r in range(3)]), Sum("two", [("column", 0), ("column", 1)])]
    shown = hide_linked(counts, sums, least)
    assert all(count in (None, counts[name]) for name, count in shown.items())
    assert not any(count is not None and 0 < count < least for count in shown.values())
    assert computed(shown, sums) == set()
    for total, names in sums:
        unseen = [name for name in names if shown[name] is None]
        if shown[total] is not None and unseen:
            assert sum(counts[name] for name in unseen) >= least
    if least <= min((n for n in counts.values() if n), default=least):
        assert shown == counts


def test_a_part_and_what_is_left():
    assert [hide_part(part, 30, 10) for part in (0, 9, 10, 20, 21, 30)] == [0, None, 10, 20, None, 30]
    assert (hide_part(None, 30, 10), hide_part(12, None, 10)) == (None, 12)
