"""`simcheck audit`: whether the chain holds."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

import typer

from simcheck import audit
from simcheck.config import settings
from simcheck.errors import UsageError
from simcheck.gate import chain
from simcheck.service import opened

app = typer.Typer(no_args_is_help=True, help="Verify the audit chain.")


@app.command()
def verify(
    kept: Annotated[
        str | None,
        typer.Option(
            metavar="SEQ:HASH", help="A checkpoint that was kept elsewhere: it must still be there."
        ),
    ] = None,
) -> None:
    """Read the whole chain, and the question log with it. Ends with 1 and the first bad row, if any."""
    rows, fault = asyncio.run(_verify(_parsed(kept)))
    if fault is not None:
        typer.echo(f"audit: {fault} ({rows:,} rows before it are right)", err=True)
        raise typer.Exit(1)
    typer.echo(f"audit: {rows:,} rows, all right")


@app.command()
def checkpoint() -> None:
    """Sign where the chain stands now, and print the checkpoint as `verify --kept` takes it."""
    made = asyncio.run(_checkpoint())
    typer.echo(made or "nothing was written since the last checkpoint")


def _parsed(kept: str | None) -> tuple[int, bytes] | None:
    if kept is None:
        return None
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", kept.strip())
    if not found:
        raise UsageError(f"--kept {kept}: write SEQ:HASH as `simcheck audit checkpoint` prints it")
    return int(found[1]), bytes.fromhex(found[2])


async def _verify(kept: tuple[int, bytes] | None) -> tuple[int, audit.Fault | None]:
    async with (
        opened(settings()) as service,
        service.database.transaction("operator", ministry=True, snapshot=True) as session,
    ):
        rows, fault = await audit.verify(session, service.keyring, kept)
        return rows, fault or await chain.verify(session)


async def _checkpoint() -> str | None:
    async with opened(settings()) as service:
        async with service.database.transaction("operator", ministry=True) as session:
            made = await audit.checkpoint(session, service.keyring)
        return f"{made.seq}:{made.hash.hex()}" if made else None
