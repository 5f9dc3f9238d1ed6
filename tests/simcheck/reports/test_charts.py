from __future__ import annotations

import re
from datetime import date
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from simcheck.messages.words import Language
from simcheck.reports import charts
from simcheck.reports.document import Grid, Share
from simcheck.reports.words import WORDS

VI = WORDS[Language.VI]
SVG = "{http://www.w3.org/2000/svg}"
GRID = Grid("Bảng", ("Ngày", "Mở", "Đóng"), [(date(2026, 10, at), at * 10, at * 7) for at in range(1, 6)])


def parsed(picture) -> ElementTree.Element:
    return ElementTree.fromstring(picture.svg)


def test_a_picture_says_what_it_is():
    root = parsed(charts.line(VI, "cases", GRID, [1, 2]))
    assert root.get("role") == "img"
    named = [root.find(f"{SVG}{tag}") for tag in ("title", "desc")]
    assert root.get("aria-labelledby").split() == [each.get("id") for each in named]
    assert named[0].text == "Hồ sơ mở và đóng theo ngày"
    assert "5 điểm, từ 01/10/2026 đến 05/10/2026" in named[1].text


def test_lines_differ_by_more_than_colour():
    lines = parsed(charts.line(VI, "cases", GRID, [1, 2])).findall(f"{SVG}polyline")
    assert [line.get("stroke-dasharray") for line in lines] == [None, "6 3"]
    assert [line.get("class") for line in lines] == ["chart-1", "chart-2"]
    assert all(len(line.get("points").split()) == 5 for line in lines)


def test_what_is_hidden_is_a_gap():
    rows = [(f"{at}", None if at in (2, 4) else Share(at / 10)) for at in range(7)]
    root = parsed(charts.line(VI, "trend", Grid("", ("Ngày", "Tỷ lệ"), rows), [1]))
    assert [len(line.get("points").split()) for line in root.findall(f"{SVG}polyline")] == [2, 2]
    assert len(root.findall(f"{SVG}circle")) == 1
    texts = [each.text for each in root.findall(f"{SVG}text")]
    assert "0,0%" in texts


def test_bars_are_as_long_as_their_numbers():
    grid = Grid("", ("Nhà mạng", "a", "b"), [("x", 30, 10), ("y", None, 20), ("all", 99, 99)], total=True)
    bars = parsed(charts.stacked(VI, "carriers", grid, [1, 2])).findall(f"{SVG}rect")[2:]
    sizes = [float(each.get("width")) for each in bars]
    assert len(sizes) == 3
    assert sizes[0] / sizes[1] == 3
    assert sizes[2] == 2 * sizes[1]


cells = st.none() | st.integers(0, 10**9) | st.floats(0, 1).map(Share)


@given(st.lists(st.tuples(st.text(), cells, cells), max_size=8))
def test_whatever_the_words_and_numbers(rows):
    """A picture is XML without style, script or a link, whatever a carrier wrote."""
    grid = Grid("", ("a", "<b>", "c"), [(_printable(text), *numbers) for text, *numbers in rows])
    for picture in (
        charts.line(VI, "trend", grid, [1, 2]), charts.bars(VI, "reasons", grid, 1),
        charts.stacked(VI, "carriers", grid, [1, 2]),
    ):  # fmt: skip
        root = parsed(picture)
        assert {each.tag.removeprefix(SVG) for each in root.iter()} <= {
            "svg", "title", "desc", "line", "polyline", "circle", "rect", "text",
        }  # fmt: skip
        names = {name for each in root.iter() for name in each.keys()}  # noqa: SIM118
        assert not {name for name in names if name.startswith("on") or name in {"style", "href"}}
        assert "nan" not in picture.svg


def _printable(text: str) -> str:
    """What comes from the database is cleaned of what XML cannot hold."""
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)
