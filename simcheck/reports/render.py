"""A document written down: HTML for browsers, PDF/UA for paper and screen readers.

Both come from the same document. The PDF is set by Typst, which is given the document as data: nothing that a
carrier wrote is ever read as markup. Its font stands in the library and has every Vietnamese letter.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import typst
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from simcheck.messages.words import Language
from simcheck.reports.document import Document, Grid
from simcheck.reports.words import WORDS, Words

FONT = "Libertinus Serif"


def html(document: Document) -> str:
    """A whole page that needs nothing else: its look is inside, and it has no script."""
    style = files("simcheck.reports").joinpath("report.css").read_text("utf-8")
    return _environment().get_template("report.html").render(
        document=document, words=WORDS[Language(document.language)], style=Markup(style), svg=Markup,  # noqa: S704
        is_number=is_number,
    )  # fmt: skip


def pdf(document: Document) -> bytes:
    """A tagged PDF (PDF/UA-1), the same bytes for the same document."""
    words = WORDS[Language(document.language)]
    source = files("simcheck.reports").joinpath("report.typ").read_bytes()
    given = {"document": json.dumps(_as_data(document, words)), "font": FONT}
    made: bytes = typst.compile(
        source, format="pdf", sys_inputs=given, pdf_standards=["ua-1"], ignore_system_fonts=True
    )
    return made


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("simcheck.reports", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def is_number(cell: Any) -> bool:
    """Whether a cell stands at the right of its column."""
    return cell is None or isinstance(cell, int | float | timedelta)


def _as_data(document: Document, words: Words) -> dict[str, Any]:
    """The document as Typst reads it: texts only."""
    return {
        "title": document.title,
        "language": document.language,
        "made": _parts(document.made),
        "page": words("page"),
        "sentences": list(document.sentences),
        "sections": [
            {
                "heading": section.heading,
                "sentences": list(section.sentences),
                "pictures": [
                    {
                        "svg": each.svg.replace("<svg ", f'<svg font-family="{FONT}" ', 1),
                        "title": each.title,
                        "description": each.description,
                    }
                    for each in section.pictures
                ],
                "grids": [_grid(grid, words) for grid in section.grids],
            }
            for section in document.sections
        ],
    }


def _grid(grid: Grid, words: Words) -> dict[str, Any]:
    first: Any = grid.rows[0] if grid.rows else grid.head
    return {
        "caption": grid.caption,
        "head": list(grid.head),
        "rows": [[words.cell(cell) for cell in row] for row in grid.rows],
        "right": [is_number(cell) for cell in first],
        "total": grid.total,
    }


def _parts(day: date) -> list[int]:
    return [day.year, day.month, day.day]
