"""`simcheck orders`: what is due and what is in its way, orders under way, the brake in an emergency."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.access.models import Carrier
from simcheck.commands.acting import in_a_transaction
from simcheck.config import settings
from simcheck.enforcement.orders import brake as brakes
from simcheck.enforcement.orders import find, propose
from simcheck.enforcement.orders.models import EVERYWHERE
from simcheck.errors import UsageError
from simcheck.service import opened

app = typer.Typer(no_args_is_help=True, help="See what is due and ordered, or let all of it stand still.")


@app.command()
def due() -> None:
    """Say what is due at this moment, and what is in the way of an order. Nobody is touched."""

    async def run() -> list[propose.Due]:
        async with (
            opened(settings()) as service,
            service.database.transaction("operator", ministry=True) as session,
        ):
            return await propose.due(session, service)

    for each in asyncio.run(run()):
        typer.echo(
            f"{each.carrier:12} {propose.STEPS[each.step]:10} {each.shut or '-':16} {each.clocks:>12,}"
        )


@app.command("list")
def list_() -> None:
    """List the orders that are not settled, the newest first, and the brakes that are on."""
    in_a_transaction(_list)


async def _list(session: AsyncSession) -> None:
    for each in await brakes.pulled(session):
        typer.echo(f"BRAKE {each.scope}: {each.reason}, {each.count:,} lines, by {each.pulled_by}")
    for order in await find.page(session, states=find.OPEN):
        late = " NO ANSWER" if order.escalated_at else ""
        typer.echo(f"{order.id} {order.carrier:12} {order.act:10} {order.lines:>9,} {order.state}{late}")


@app.command()
def brake(
    scope: Annotated[str, typer.Argument(help="A carrier, or all.")],
) -> None:
    """Let orders of a carrier, or of all, stand still at once. Only a person at the desk lets go again."""

    async def pull(session: AsyncSession) -> bool:
        if scope != EVERYWHERE and await session.get(Carrier, scope) is None:
            raise UsageError(f"{scope}: there is no such carrier. Name one, or say all")
        return await brakes.pull(session, scope, brakes.BY_HAND)

    typer.echo("The brake is on." if in_a_transaction(pull) else "The brake was on already.")
