"""`simcheck report`: reports as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.commands.acting import in_a_transaction
from simcheck.errors import UsageError
from simcheck.messages.words import Language
from simcheck.reports import monthly as reporting
from simcheck.reports import render, sheets
from simcheck.reports.document import Document
from simcheck.reports.monthly import Month
from simcheck.reports.words import WORDS, Words

app = typer.Typer(no_args_is_help=True, help="Write reports of the country.")


@app.callback()
def _group() -> None:
    """Reports are read from counts that the workers make."""


@app.command()
def monthly(
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help="The month.")],
    out: Annotated[Path, typer.Option(help="The folder for the files.")],
    language: Annotated[Language | None, typer.Option(help="This language alone. Default: both.")] = None,
    least: Annotated[
        int, typer.Option(min=0, help="Hide groups of fewer SIMs than this, so that nobody can compute them.")
    ] = 0,
) -> None:
    """Write the report of a month as HTML, PDF and XLSX."""
    asked = Month.read(month)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out}: the folder cannot be made ({error.strerror}). Name another one.") from None
    for each in [language] if language else list(Language):
        document = _made(asked, WORDS[each], least)
        grids = [grid for section in document.sections for grid in section.grids]
        written = {
            "html": render.html(document).encode(),
            "pdf": render.pdf(document),
            "xlsx": sheets.workbook(grids, WORDS[each]),
        }
        for kind, content in written.items():
            path = out / f"report-{month}.{each}.{kind}"
            path.write_bytes(content)
            typer.echo(path)


def _made(month: Month, words: Words, least: int) -> Document:
    async def work(session: AsyncSession) -> Document:
        return await reporting.make(session, month, words, least=least)

    return in_a_transaction(work)
