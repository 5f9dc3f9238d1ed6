"""`simcheck keys`: the key file, and the keys that sign access tokens."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from simcheck.access import tokens
from simcheck.config import Settings, settings
from simcheck.errors import UsageError
from simcheck.privacy import Keyring
from simcheck.service import keyring_of, opened

app = typer.Typer(no_args_is_help=True, help="Make, rotate and list keys.")


@app.command()
def make() -> None:
    """Make a key file. It is never overwritten: with it, all sealed data would be lost."""
    path = settings().keys_path
    made = Keyring.make()
    made.save(path)
    typer.echo(f"{path}: made, current data key {made.current}. Keep a copy in a safe place.")


@app.command()
def rotate(
    only_tokens: Annotated[
        bool, typer.Option("--tokens", help="The key that signs access tokens, in place of the data key.")
    ] = False,
) -> None:
    """Draw a new data key; the old ones stay for reading. Start the processes anew to use it."""
    chosen = settings()
    if only_tokens:
        typer.echo(f"access tokens are signed with {asyncio.run(_rotate_tokens(chosen))} from now on")
        return
    if chosen.keys is not None:
        raise UsageError("the keys come from SIMCHECK_KEYS. Rotate the file that it was filled from.")
    rotated = Keyring.load(chosen.keys_path).rotate()
    rotated.save(chosen.keys_path, replacing=True)
    typer.echo(f"{chosen.keys_path}: current data key is {rotated.current}")


@app.command(name="list")
def show() -> None:
    """List the ids of the data keys, never the keys."""
    ring = keyring_of(settings())
    for kid in ring.ids:
        typer.echo(f"{kid}{'  current' if kid == ring.current else ''}")


async def _rotate_tokens(chosen: Settings) -> str:
    async with opened(chosen) as service, service.database.transaction("operator", ministry=True) as session:
        return await tokens.rotate(session, service.keyring)
