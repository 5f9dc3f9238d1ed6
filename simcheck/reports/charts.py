"""Pictures of tables as SVG of our own: lines, bars, stacked bars.

A picture has a title and a description for who does not see it, and its table stands beside it. Series
differ by dash and place as well as by colour. Colours are attributes, which a page's classes (`chart-1` to
`chart-6`, `chart-rule`) may overrule for dark and print; text takes the colour of the page. Nothing is
styled inline, so that a strict content security policy holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from html import escape
from itertools import groupby

from simcheck.reports.document import Cell, Grid, Picture, Share
from simcheck.reports.words import Words

# Told apart by people who do not see all colours (Okabe and Ito, 2008).
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9")
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 2", "12 4")
WIDTH, LEFT, RIGHT, TOP, ROW, LABEL = 720, 64, 16, 40, 24, 200
_PLOT = 220  # the height of a line chart's plot
_TICKS = 4
Number = int | float


def line(words: Words, name: str, grid: Grid, columns: Sequence[int]) -> Picture:
    """Some columns of a table as lines over its first column. What is hidden is a gap."""
    known = [value for row in grid.rows for at in columns if (value := _number(row[at])) is not None]
    shares, top = any(isinstance(value, Share) for value in known), _nice(max(known, default=1))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(grid.rows) - 1)
    height = TOP + _PLOT + 28

    def y(value: Number) -> float:
        return TOP + _PLOT * (1 - value / top)

    parts = [*_legend(grid, columns), *_levels(words, shares, top, y)]
    for place, at in enumerate(columns):
        points = [
            (None if (value := _number(row[at])) is None else (LEFT + step * x, y(value)))
            for x, row in enumerate(grid.rows)
        ]
        for is_known, run in groupby(points, key=lambda point: point is not None):
            if is_known:
                parts.append(_path([point for point in run if point], place))
    labels = [words.cell(row[0]) for row in grid.rows]
    for x in sorted({0, len(labels) // 2, len(labels) - 1} if labels else ()):
        anchor = "start" if x == 0 else "end" if x == len(labels) - 1 else "middle"
        parts.append(_text(LEFT + step * x, TOP + _PLOT + 20, labels[x], anchor))
    said = {"count": len(labels), "first": labels[0], "last": labels[-1]} if labels else None
    description = words("chart.line", **said) if said else words("nothing")
    return _picture(words, name, description, parts, height)


def bars(words: Words, name: str, grid: Grid, column: int) -> Picture:
    """A column of a table as bars, one a line. What is hidden has none."""
    return stacked(words, name, grid, [column])


def stacked(words: Words, name: str, grid: Grid, columns: Sequence[int]) -> Picture:
    """Some columns of a table as the parts of bars, one a line; without the line of sums."""
    rows = grid.rows[:-1] if grid.total else grid.rows
    sums = [sum(_number(row[at]) or 0 for at in columns) for row in rows]
    shares = any(isinstance(row[at], Share) for row in rows for at in columns)
    most = 1 if shares else max(sums, default=0) or 1
    room = WIDTH - LABEL - 90
    first = TOP if len(columns) > 1 else 8
    parts = _legend(grid, columns) if len(columns) > 1 else []
    for place, row in enumerate(rows):
        y, x = first + ROW * place, float(LABEL)
        parts.append(_text(LABEL - 8, y + 16, _short(words.cell(row[0])), "end"))
        for series, at in enumerate(columns):
            size = room * (_number(row[at]) or 0) / most
            if size:
                parts.append(
                    f'<rect class="chart-{series + 1}" x="{x:.1f}" y="{y + 4}" width="{size:.1f}" '
                    f'height="16" fill="{COLOURS[series]}"/>'
                )
            x += size
        if len(columns) == 1:
            parts.append(_text(x + 6, y + 16, words.cell(row[columns[0]]), "start"))
    return _picture(words, name, words("chart.bars", count=len(rows)), parts, first + ROW * len(rows) + 8)


def _picture(words: Words, name: str, description: str, parts: list[str], height: int) -> Picture:
    title = words(f"chart.{name}")
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" lang="{words.language}" font-size="13" '
        f'aria-labelledby="chart-{name}-title chart-{name}-about">'
        f'<title id="chart-{name}-title">{escape(title)}</title>'
        f'<desc id="chart-{name}-about">{escape(description)}</desc>{"".join(parts)}</svg>'
    )
    return Picture(svg, title, description)


def _levels(words: Words, shares: bool, top: float, y: Callable[[Number], float]) -> list[str]:
    """Rules across with their values, written as the table's cells are."""
    parts = []
    for tick in range(_TICKS + 1):
        value = top * tick / _TICKS
        parts.append(
            f'<line class="chart-rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" '
            f'y2="{y(value):.1f}" stroke="#8a8a8a" stroke-width="0.5"/>'
        )
        said = words.cell(Share(value) if shares else round(value))
        parts.append(_text(LEFT - 6, y(value) + 4, said, "end"))
    return parts


def _path(points: list[tuple[float, float]], place: int) -> str:
    dash = f' stroke-dasharray="{_DASHES[place]}"' if _DASHES[place] else ""
    look = f'class="chart-{place + 1}" stroke="{COLOURS[place]}"'
    if len(points) == 1:
        return f'<circle {look} cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="2.5" fill="none"/>'
    way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline {look} points="{way}" fill="none" stroke-width="2"{dash}/>'


def _legend(grid: Grid, columns: Sequence[int]) -> list[str]:
    sizes = [34 + 7.2 * len(grid.head[at]) for at in columns]
    parts, x = [], min(float(LEFT), max(0.0, WIDTH - sum(sizes)))  # a long one begins farther left
    for place, at in enumerate(columns):
        parts.append(
            f'<rect class="chart-{place + 1}" x="{x:.0f}" y="10" width="12" height="12" '
            f'fill="{COLOURS[place]}"/>'
        )
        parts.append(_text(x + 18, 21, grid.head[at], "start"))
        x += sizes[place]
    return parts


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor">{escape(text)}</text>'


def _short(text: str, most: int = 30) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _number(cell: Cell) -> Number | None:
    return None if cell is None or isinstance(cell, str | date) or not isinstance(cell, int | float) else cell


def _nice(value: Number) -> float:
    """The smallest of 1, 2, 2.5, 4, 5, 8, 10 times a power of ten that is not below a value above
    0; a share's whole is 1."""
    power = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    return next(power * step for step in (1, 2, 2.5, 4, 5, 8, 10) if power * step >= value)
