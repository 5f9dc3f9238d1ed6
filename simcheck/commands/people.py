"""`simcheck people`: accounts at the desks. The first administrator is made by this command."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

import carriers.registry
from simcheck.access import people
from simcheck.access.people import New
from simcheck.config import settings
from simcheck.service import Service, opened

app = typer.Typer(no_args_is_help=True, help="Add, list and change the accounts of people at the desks.")
Result = TypeVar("Result")
Username = Annotated[str, typer.Argument(help="The user name, such as an.nguyen.")]
Ask = Annotated[
    bool, typer.Option("--ask", help="Ask for the password. Without: one is drawn and printed once.")
]


@app.command()
def add(
    username: Username,
    name: Annotated[str, typer.Option(help="What the person is called.")],
    role: Annotated[list[str], typer.Option(help="A role; again for more.")],
    carrier: Annotated[str | None, typer.Option(help="Their carrier. Without: the ministry.")] = None,
    email: Annotated[str | None, typer.Option(help="Their email address.")] = None,
    provider: Annotated[
        str | None, typer.Option(help="They sign in at the identity provider, which says this of them.")
    ] = None,
    ask: Ask = False,
) -> None:
    """Add an account, and print the password for its first sign-in, once."""
    if carrier is not None:
        carriers.registry.adapter(carrier)  # refuses a code that nobody reads files of
    password = _asked() if ask and provider is None else None
    new = New(username, name, role, carrier, email, provider, password)
    drawn = _acting(lambda session, service: people.add(session, service, new))
    typer.echo(f"username  {username}")
    if drawn:
        typer.echo(f"password  {drawn}")


@app.command(name="list")
def show(carrier: Annotated[str | None, typer.Option(help="Only this carrier's.")] = None) -> None:
    """List the accounts: user name, carrier, roles, how they sign in, and whether they are disabled."""
    for each in _acting(lambda session, service: people.listed(session, service.keyring, carrier)):
        state = "disabled" if each.disabled_at else each.means
        typer.echo(f"{each.username}  {each.carrier or '-'}  {' '.join(each.roles)}  {state}")


@app.command()
def disable(username: Username) -> None:
    """Shut an account: whoever sits there is signed out at once."""
    _acting(lambda session, _: people.disable(session, username))
    typer.echo(f"{username} is disabled")


@app.command()
def enable(username: Username) -> None:
    """Open an account again."""
    _acting(lambda session, _: people.enable(session, username))
    typer.echo(f"{username} is enabled")


@app.command()
def reset(username: Username, ask: Ask = False) -> None:
    """Give an account a new password and let it enrol its second step anew; whoever sits there is signed
    out.
    """
    password = _asked() if ask else None
    new = _acting(lambda session, service: people.reset(session, service, username, password))
    typer.echo(f"username  {username}")
    if not ask:
        typer.echo(f"password  {new}")


@app.command(name="roles")
def set_roles(
    username: Username, role: Annotated[list[str], typer.Argument(help="All roles that it is to have.")]
) -> None:
    """Give an account other roles; whoever sits there is signed out."""
    _acting(lambda session, _: people.set_roles(session, username, role))
    typer.echo(f"{username} has the roles {' '.join(role)}")


def _asked() -> str:
    """A password, typed twice without being shown; or a line of a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


def _acting(work: Callable[[AsyncSession, Service], Awaitable[Result]]) -> Result:
    """Do the work in one transaction, in the operator's name."""

    async def run() -> Result:
        async with (
            opened(settings()) as service,
            service.database.transaction("operator", ministry=True) as session,
        ):
            return await work(session, service)

    return asyncio.run(run())
