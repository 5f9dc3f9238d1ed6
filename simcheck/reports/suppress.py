"""Tables for readers who may not see small groups: what is hidden cannot be computed from what is shown.

A table is looked at with its sums, which are cells as well: of a line with one hidden cell, the others
tell it.
As every cell stands in one row and one column and each of these adds up, hidden cells are edges between rows
and columns, and one of them can be computed exactly if, and only if, it lies on no circle of them (it is a
bridge; see Gusfield, "A graph theoretic approach to statistical data security", SIAM J. Comput. 17, 1988). So
cells are added until every hidden one lies on a circle, and until no line's hidden cells are together so few
that their sum would itself be a small group. Zeros are shown: nobody is in them.

Where tables share cells (sums by other lines, parts of parts) a circle in one of them may be none in all.
There `hide_linked` solves the equations of all of them: a hidden cell is computed exactly if, and only if, it
is the same in all their solutions.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

T = TypeVar("T")
Cell = tuple[int, int]
Grid = list[list[int | None]]
_SAME = 1e-9  # of a number that is 0 but for the last bits of a float


class Sum(NamedTuple):
    """Cells, by their names, that add up to another one."""

    total: Hashable
    parts: Sequence[Hashable]


def hide_alone(count: int, least: int) -> int | None:
    """A count that stands in no sum: None where it is of a small group."""
    return None if 0 < count < least else count


def hide(counts: Sequence[Sequence[int]], least: int, sums: Collection[int] = ()) -> Grid:
    """The table with a column and a row of sums added, None in what is hidden; [] for no rows.

    `counts` are whole numbers, 0 or more, of groups that do not overlap. A small group has from 1 to
    `least` - 1. `sums` are columns of the row of sums that are to be hidden in any case.
    """
    if not counts:
        return []
    whole = [[*row, sum(row)] for row in counts]
    whole.append([sum(column) for column in zip(*whole, strict=True)])
    hidden = {
        (r, c) for r, row in enumerate(whole) for c, count in enumerate(row) if 0 < count < least
    } | {(len(counts), c) for c in sums if whole[-1][c] > 0}  # fmt: skip
    while hidden and (more := _few_together(whole, hidden, least) or _circle(whole, hidden)):
        hidden |= more
    return [
        [None if (r, c) in hidden else count for c, count in enumerate(row)] for r, row in enumerate(whole)
    ]


def hide_cuts(cuts: Sequence[Sequence[Sequence[int]]], least: int) -> list[Grid]:
    """Tables of the same groups by different lines, as `hide` each: they have one row of sums, so what is
    hidden there in one of them is hidden in all.
    """
    sums: set[int] = set()
    while True:
        made = [hide(counts, least, sums) for counts in cuts]
        hidden = {c for grid in made if grid for c, count in enumerate(grid[-1]) if count is None}
        if hidden <= sums:
            break
        sums |= hidden
    # Each is safe by itself. Together their sums may tell one of them, if seldom.
    named = [_named(at, counts) for at, counts in enumerate(cuts)]
    told = {
        name: (count, shown)
        for names, whole, grid in zip(named, (hide(counts, 0) for counts in cuts), made, strict=True)
        for name, count, shown in zip(_flat(names), _flat(whole), _flat(grid), strict=True)
    }
    found = hide_linked(
        {name: count or 0 for name, (count, _) in told.items()},
        [line for names in named for line in _sums(names)],
        least,
        [name for name, (_, shown) in told.items() if shown is None],
    )
    return [[[found[name] for name in row] for row in names] for names in named]


def _named(at: int, counts: Sequence[Sequence[int]]) -> list[list[Hashable]]:
    """Names of the cells of a table with its sums: the row of sums is that of all tables."""
    if not counts:
        return []
    width = len(counts[0]) + 1
    rows: list[list[Hashable]] = [[(at, r, c) for c in range(width)] for r in range(len(counts))]
    return [*rows, [("sum", c) for c in range(width)]]


def _sums(names: Sequence[Sequence[Hashable]]) -> list[Sum]:
    """The sums of a table: each row's, and each column's."""
    rows = [Sum(total, parts) for *parts, total in names]
    return rows + [Sum(total, parts) for *parts, total in zip(*names, strict=True)]


def _flat(rows: Iterable[Iterable[T]]) -> list[T]:
    return [each for row in rows for each in row]


def hide_linked(
    counts: Mapping[Hashable, int], sums: Sequence[Sum], least: int, hidden: Iterable[Hashable] = ()
) -> dict[Hashable, int | None]:
    """Counts by name, None in what is hidden: small groups, those of `hidden`, and what keeps them from being
    computed.

    `sums` say which of them add up to which; all have to be there, also those that no page shows (what is not
    in any other part is one more part). Counts that do not add up, as they were counted at two moments, are
    hidden by the same rules.
    """
    unseen = {name for name, count in counts.items() if 0 < count < least} | set(hidden)
    while unseen and (more := _left_together(counts, sums, unseen, least) or _fixed(counts, sums, unseen)):
        unseen |= more
    return {name: None if name in unseen else count for name, count in counts.items()}


def hide_part(part: int | None, whole: int | None, least: int) -> int | None:
    """A count of some of those of another one that is shown: None where it, or the rest, is a small group."""
    if part is None:
        return None
    rest = 0 if whole is None else whole - part
    return None if 0 < part < least or 0 < rest < least else part


def _left_together(
    counts: Mapping[Hashable, int], sums: Sequence[Sum], unseen: set[Hashable], least: int
) -> set[Hashable]:
    """As `_few_together`, of all sums."""
    for line in sums:
        parts = [each for each in line.parts if each in unseen]
        if line.total in unseen or not parts or sum(counts[each] for each in parts) >= least:
            continue
        return _one_more(counts, line, unseen)
    return set()


def _fixed(counts: Mapping[Hashable, int], sums: Sequence[Sum], unseen: set[Hashable]) -> set[Hashable]:
    """A cell more for one that the sums fix: one that is alone in a sum, else one that all together fix."""
    place = {name: at for at, name in enumerate(sorted(unseen, key=repr))}
    lines = [(line, [each for each in (line.total, *line.parts) if each in place]) for line in sums]
    lines = [(line, names) for line, names in lines if names]
    for line, names in lines:
        if len(names) == 1 and (more := _one_more(counts, line, unseen)):
            return more
    equations = np.zeros((len(lines), len(place)))
    for row, (line, names) in enumerate(lines):
        for each in names:
            equations[row, place[each]] = -1 if each == line.total else 1
    # A cell is fixed where it lies in the span of the equations; by their products, as they are the fewer.
    weights, basis = np.linalg.eigh(equations @ equations.T)
    real = weights > _SAME
    span = (basis[:, real] / np.sqrt(weights[real])).T @ equations
    known = 1 - (span**2).sum(axis=0) < _SAME
    told = {name for name, at in place.items() if known[at]}
    # By a sum of which it is a part; if all of these are hidden already, by one that is beside them.
    near = sorted(lines, key=lambda each: not told.intersection(each[1])) if told else []
    return next(filter(None, (_one_more(counts, line, unseen) for line, _ in near)), set())


def _one_more(counts: Mapping[Hashable, int], line: Sum, unseen: set[Hashable]) -> set[Hashable]:
    """What is shown of a sum and hides best: the part with the fewest people in it, else the sum."""
    parts = [each for each in line.parts if each not in unseen and counts[each] > 0]
    if parts:
        return {min(parts, key=lambda each: (counts[each], repr(each)))}
    return {line.total} - unseen


def _few_together(whole: list[list[int]], hidden: set[Cell], least: int) -> set[Cell]:
    """A cell more for a line whose shown cells tell a small sum of its hidden ones; nothing where
    all is well."""
    height, width = len(whole), len(whole[0])
    lines = [[(r, c) for c in range(width)] for r in range(height)]
    lines += [[(r, c) for r in range(height)] for c in range(width)]
    for line in lines:
        *parts, total = line
        unseen = [cell for cell in parts if cell in hidden]
        if total in hidden or not unseen or sum(whole[r][c] for r, c in unseen) >= least:
            continue
        others = [cell for cell in parts if cell not in hidden and whole[cell[0]][cell[1]] > 0]
        return {min(others, key=lambda cell: whole[cell[0]][cell[1]])} if others else {total}
    return set()


def _circle(whole: list[list[int]], hidden: set[Cell]) -> set[Cell]:
    """The cells with which one that could be computed lies on a circle, as few people in them as may be."""
    bridge = next((cell for cell in sorted(hidden) if _is_bridge(cell, hidden)), None)
    if bridge is None:
        return set()
    r, c = bridge
    circles = (
        {(r, across), (down, c), (down, across)} - hidden
        for down in range(len(whole)) if down != r
        for across in range(len(whole[0])) if across != c
    )  # fmt: skip
    last = (len(whole) - 1, len(whole[0]) - 1)

    def cost(cells: set[Cell]) -> tuple[bool, int, int]:
        """The sum of everything goes last; a zero hides nobody, but is as good as another cell."""
        return last in cells, sum(whole[row][column] for row, column in cells), len(cells)

    return min(circles, key=cost)


def _is_bridge(cell: Cell, hidden: set[Cell]) -> bool:
    """Whether the cell's row and column are joined by no other hidden cells."""
    beside: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for r, c in hidden - {cell}:
        beside.setdefault(("row", r), []).append(("column", c))
        beside.setdefault(("column", c), []).append(("row", r))
    start, end = ("row", cell[0]), ("column", cell[1])
    met, due = {start}, [start]
    while due:
        for node in beside.get(due.pop(), []):
            if node == end:
                return False
            if node not in met:
                met.add(node)
                due.append(node)
    return True
