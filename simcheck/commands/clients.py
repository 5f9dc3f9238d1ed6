"""`simcheck clients`: the systems that may ask for tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

import carriers.registry
from simcheck.access import clients, scopes
from simcheck.commands.acting import in_a_transaction
from simcheck.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="Add, revoke and list client systems.")


@app.command()
def add(
    client: Annotated[str, typer.Argument(help="The client's id, such as viettel-upload.")],
    carrier: Annotated[str | None, typer.Option(help="Its carrier. Without: a relying service.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may do; again for more. Default: all.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    public_keys: Annotated[
        Path | None, typer.Option(help="A JWK set: it proves itself by private_key_jwt, without a secret.")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Requests a second. Default: the service's.")] = None,
) -> None:
    """Add a client and print its secret, once."""
    if carrier is not None:
        carriers.registry.adapter(carrier)  # refuses a code that nobody reads files of
    if rate is not None and rate <= 0:
        raise UsageError(f"--rate {rate:g}: requests a second, more than 0")
    wanted = scope or (scopes.of_carriers() if carrier else scopes.of_services())
    keys = _read_keys(public_keys) if public_keys else None

    async def work(session: AsyncSession) -> str | None:
        return await clients.add(
            session, client, name or client, carrier=carrier, scopes=wanted, public_keys=keys, rate=rate
        )

    secret = in_a_transaction(work)
    typer.echo(f"client_id      {client}")
    if secret:
        typer.echo(f"client_secret  {secret}")


@app.command()
def revoke(client: Annotated[str, typer.Argument(help="The client's id.")]) -> None:
    """End a client: it gets no more tokens, and those that it has are refused within seconds."""
    in_a_transaction(lambda session: clients.revoke(session, client))
    typer.echo(f"{client} is revoked")


@app.command(name="list")
def show() -> None:
    """List the clients that are not revoked."""
    for client, standing in sorted(in_a_transaction(clients.standing).items()):
        typer.echo(f"{client}  {standing.carrier or '-'}  {' '.join(sorted(standing.scopes))}")


def _read_keys(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        raise UsageError(f"{path}: not a file with a JWK set") from None
    if not isinstance(read, dict):
        raise UsageError(f"{path}: not a file with a JWK set")
    return read
