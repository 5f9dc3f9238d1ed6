from __future__ import annotations

import datetime
from html.parser import HTMLParser

import pytest

from simcheck import clock
from simcheck.errors import InvalidError
from simcheck.messages.words import Language
from simcheck.reports import drill, monthly, render, sheets
from simcheck.reports.document import Counted
from simcheck.reports.monthly import Month
from simcheck.reports.words import WORDS
from tests.running import NOON

pytestmark = pytest.mark.anyio


def test_months():
    with clock.fixed(NOON):
        assert Month.read("2026-02") == Month(datetime.date(2026, 2, 1), datetime.date(2026, 3, 1))
        assert Month.read("2025-12").last == datetime.date(2025, 12, 31)
        assert Month.read(f"{NOON:%Y-%m}").last == NOON.date()
        for written in ("2026", "2026-13", "10/2026", "2099-01", ""):
            with pytest.raises(InvalidError):
                Month.read(written)


async def made(session, language=Language.VI, **more):
    return await monthly.make(session, Month.read(f"{NOON:%Y-%m}"), WORDS[language], **more)


@pytest.mark.parametrize("language", Language)
async def test_a_report_in_both_languages(country, session, language):
    document = await made(session, language)
    assert len(document.sections) == 10
    assert document.language == language
    assert all(section.grids for section in document.sections)
    page = render.html(document)
    assert f'<html lang="{language}">' in page
    assert page.count("<svg ") == sum(len(each.pictures) for each in document.sections) == 6
    assert "<script" not in page
    assert "style=" not in page
    for section in document.sections:
        assert f">{section.heading}</h2>" in page
    assert render.pdf(document).startswith(b"%PDF-1.7")
    assert (
        len(sheets.workbook([grid for each in document.sections for grid in each.grids], WORDS[language]))
        > 5000
    )


async def test_a_pdf_can_be_read_aloud_and_has_every_letter(country, session):
    """Tagged, in a language, with a title; every letter has its glyph, the font is inside."""
    document = await made(session)
    one = render.pdf(document)
    assert one == render.pdf(document)
    for part in (b"/MarkInfo", b"/StructTreeRoot", b"/Lang(vi", b"pdfuaid", b"LibertinusSerif"):
        assert part in one


async def test_what_somebody_wrote_is_text(country, session, owner):
    owner.execute("SET app.scope = 'ministry'")
    owner.execute("UPDATE sale_pattern SET point_of_sale = '<script>alert(1)</script> #eval(\"1\") $x$ \\x'"
                  " WHERE point_of_sale = '=ĐL'")  # fmt: skip
    document = await made(session)
    assert "<script" not in render.html(document)
    assert "&lt;script&gt;" in render.html(document)
    assert render.pdf(document)


async def test_every_figure_of_a_report_is_as_long_as_its_list(country, session):
    """Every number of the whole document, but those of days that are over."""
    document = await made(session)
    walked = 0
    for section in document.sections:
        for grid in section.grids:
            for row in grid.rows:
                for cell in row[1:]:
                    if isinstance(cell, bool) or not isinstance(cell, int):
                        continue
                    assert isinstance(cell, Counted), (grid.caption, row[0])
                    assert cell.drill is not None, (grid.caption, row[0])
                    assert await drill.count(session, cell.drill) == cell, (grid.caption, row[0], cell.drill)
                    walked += 1
    assert walked > 200


async def test_small_groups_stay_hidden_in_every_form(country, session):
    document = await made(session, least=60)
    provinces = document.sections[2].grids[0]
    assert any(cell is None for row in provinces.rows for cell in row)
    cells = [cell for section in document.sections for grid in section.grids for row in grid.rows
             for cell in row[1:]]  # fmt: skip
    assert not [each for each in cells if isinstance(each, Counted) and 0 < each < 60]
    captions = {grid.caption for section in document.sections for grid in section.grids}
    assert WORDS[Language.VI]("chart.cases") not in captions  # nor is there any work day by day
    assert WORDS[Language.VI]("chart.ages") in captions
    assert "ẩn" in Parsed.of(render.html(document))


async def test_a_month_without_a_count(session):
    document = await made(session)
    assert document.sentences == ["Chưa có số liệu của tháng này."]
    assert render.pdf(document)


async def test_it_is_audited(country, service, owner):
    with clock.fixed(NOON):
        async with service.database.transaction("test", ministry=True) as session:
            await made(session)
    assert owner.execute("SELECT count(*) FROM audit WHERE act = 'report.made'").fetchone() == (1,)


class Parsed(HTMLParser):
    """The texts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    @classmethod
    def of(cls, page: str) -> list[str]:
        reader = cls()
        reader.feed(page)
        return reader.texts
