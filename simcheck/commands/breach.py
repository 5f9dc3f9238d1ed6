"""`simcheck breach`: what a leak would touch, and what is to be told to whom until when."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from simcheck.care import breach
from simcheck.care.breach import Drill, Leak
from simcheck.config import settings
from simcheck.errors import UsageError
from simcheck.messages.words import Language
from simcheck.service import opened

app = typer.Typer(no_args_is_help=True, help="Rehearse a leak of data.")


@app.callback()
def _group() -> None:
    """Nothing of this changes anything."""


@app.command()
def drill(
    leak: Annotated[Leak, typer.Argument(help="What gets out.")],
    of: Annotated[str, typer.Argument(help="Of a table or of the lake: which table or folder.")] = "",
    carrier: Annotated[str | None, typer.Option(help="The data of this carrier alone.")] = None,
    with_keys: Annotated[bool, typer.Option("--with-keys", help="The keys get out too.")] = False,
    language: Annotated[Language, typer.Option(help="Language of the texts.")] = Language.VI,
) -> None:
    """Say which tables and files it touches, how many people by carrier, what to tell whom until when."""
    if (leak in {Leak.TABLE, Leak.LAKE}) is not bool(of):
        raise UsageError(f"{leak}: name the table or folder with `table` and `lake`, and only with them")
    found = asyncio.run(_found(leak, of, carrier, with_keys))
    for each in found.touched:
        people = ", ".join(f"{code or '-'} {count:,}" for code, count in each.people.items())
        sealed = f"  sealed: {', '.join(each.sealed)}" if each.sealed else ""
        typer.echo(
            f"{each.name}  {each.activity.id}  {each.rows:,}  {each.readable}  {people or '-'}{sealed}"
        )
    typer.echo(f"\n{breach.notice(found, language)}\n\n{breach.letter(found, language)}")


async def _found(leak: Leak, of: str, carrier: str | None, with_keys: bool) -> Drill:
    async with (
        opened(settings()) as service,
        service.database.transaction("operator", ministry=True) as session,
    ):
        return await breach.drill(session, service, leak, of, carrier, with_keys=with_keys)
