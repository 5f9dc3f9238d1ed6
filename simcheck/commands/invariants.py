"""`simcheck invariants`: whether everything adds up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.commands.acting import in_a_transaction
from simcheck.errors import UsageError
from simcheck.messages.words import Language
from simcheck.reports import invariants as adding_up
from simcheck.reports.invariants import Checked, Line
from simcheck.reports.words import WORDS


def invariants(
    name: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="These alone. Default: all.")
    ] = None,
    rows: Annotated[
        int, typer.Option(min=0, max=adding_up.MOST_LINES, help="Lines to print of each that is off.")
    ] = 10,
) -> None:
    """Count everything twice and compare. Ends with 1 where something does not add up."""
    chosen = name or list(adding_up.INVARIANTS)
    for each in chosen:
        if each not in adding_up.INVARIANTS:
            raise UsageError(
                f"{each}: there is no such equality. There are {', '.join(adding_up.INVARIANTS)}"
            )
    words = WORDS[Language.EN]
    for found, lines in (checked := in_a_transaction(lambda session: _checked(session, chosen, rows))):
        sign, state = ("<>", f"{found.off:,} off") if found.off else ("=", "adds up")
        what = words(f"invariant.{found.name}")
        typer.echo(f"{found.name:13} {state:>12}  {what}: {found.counted:,} {sign} {found.accounted:,}")
        for line in lines:
            typer.echo(f"    {line.carrier or '-'}  {line.key}  {line.counted:,} <> {line.accounted:,}")
    broken = sum(found.off > 0 for found, _ in checked)
    if broken:
        typer.echo(f"{broken} of {len(chosen)} do not add up", err=True)
        raise typer.Exit(1)


async def _checked(
    session: AsyncSession, names: Sequence[str], rows: int
) -> list[tuple[Checked, Sequence[Line]]]:
    """Each equality's check, and its first lines that are off: a statement sees one moment."""
    told: list[tuple[Checked, Sequence[Line]]] = []
    for name in names:
        invariant = adding_up.INVARIANTS[name]
        found = await adding_up.check(session, invariant)
        told.append((found, await adding_up.off(session, invariant, most=rows) if found.off else ()))
    return told
