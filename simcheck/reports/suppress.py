"""Tables for readers who may not see small groups: what is hidden cannot be computed from what is shown.

A table is looked at with its sums, which are cells as well: of a line with one hidden cell, the others
tell it.
As every cell stands in one row and one column and each of these adds up, hidden cells are edges between rows
and columns, and one of them can be computed exactly if, and only if, it lies on no circle of them (it is a
bridge; see Gusfield, "A graph theoretic approach to statistical data security", SIAM J. Comput. 17, 1988). So
cells are added until every hidden one lies on a circle, and until no line's hidden cells are together so few
that their sum would itself be a small group. Zeros are shown: nobody is in them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

Cell = tuple[int, int]
Grid = list[list[int | None]]


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
            return made
        sums |= hidden


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
