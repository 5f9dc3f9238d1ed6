"""`simcheck care`: the register of processing, how long everything is kept, purges."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import asdict
from typing import Annotated

import typer

from simcheck.care import preserve, processing, purge, retention
from simcheck.care.models import PurgeCount, PurgeRun
from simcheck.config import settings
from simcheck.messages.words import Language
from simcheck.service import opened

app = typer.Typer(no_args_is_help=True, help="Data protection: what is kept and why, and its removal.")
Spoken = Annotated[Language, typer.Option(help="Language of what is printed.")]


@app.command("processing")
def show_processing(language: Spoken = Language.EN) -> None:
    """Print the register of processing activities."""
    register = processing.load()
    typer.echo(f"{register.controller[language.value]}, {register.version}")
    for each in register.activities:
        typer.echo(f"\n{each.id}: {each.purpose[language.value]}")
        typer.echo(f"  {each.subjects[language.value]}: {each.data[language.value]}")
        typer.echo(f"  -> {each.recipients[language.value]}")
        typer.echo(f"  {each.ground} [{each.confidence}]")
        places = [table.name for table in each.tables] + [f"lake/{folder}" for folder in each.lake]
        typer.echo(f"  {', '.join(places)}")


@app.command("retention")
def show_retention(language: Spoken = Language.EN) -> None:
    """Print how long each kind of data is kept, from when on, and why."""
    chosen = settings()
    for rule in retention.load().rules:
        days = rule.kept_days(chosen)
        kept = f"{rule.years} years" if rule.years else f"{days:g} days" if days is not None else "-"
        typer.echo(f"{rule.id}  {kept}, {rule.since[language.value]}: {rule.what[language.value]}")
        typer.echo(f"  {rule.source} [{rule.confidence}]")


@app.command("purge")
def run_purge() -> None:
    """Remove now what is older than that, and print what was counted. Ends with 1 where something is left."""
    run, counts = asyncio.run(_purged())
    for each in counts:
        typer.echo(
            f"{each.kind}  older than {each.older_than:%Y-%m-%dT%H:%M:%SZ}  due {each.due:,}  "
            f"held {each.held:,}  removed {each.removed:,}  left {each.remaining:,}"
        )
    if not run.whole:
        typer.echo("purge: something that is due is left", err=True)
        raise typer.Exit(1)


@app.command("preserved")
def show_preserved(order: uuid.UUID) -> None:
    """Print records that an order to preserve kept as they were, for the authority that ordered it: a line of
    JSON each, in clear. The look is audited.
    """
    for each in asyncio.run(_preserved(order)):
        typer.echo(json.dumps(asdict(each), ensure_ascii=False, default=str))


async def _preserved(order: uuid.UUID) -> list[preserve.Kept]:
    async with (
        opened(settings()) as service,
        service.database.transaction("operator", ministry=True) as session,
    ):
        return await preserve.kept(session, service.keyring, order)


async def _purged() -> tuple[PurgeRun, list[PurgeCount]]:
    async with opened(settings()) as service:
        made = await purge.run(service, "operator")
        async with service.database.transaction("operator", ministry=True) as session:
            return await session.get_one(PurgeRun, made), await purge.counts(session, made)
