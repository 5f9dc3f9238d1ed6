"""`simcheck notices`: campaigns counted, released, called back; how far everything is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.config import settings
from simcheck.messages.words import Group
from simcheck.notices import campaigns, figures
from simcheck.notices.campaigns import Filter
from simcheck.notices.models import Campaign
from simcheck.notices.policy import of
from simcheck.service import Service, opened

app = typer.Typer(no_args_is_help=True, help="Count, release and call back campaigns of notices.")
Result = TypeVar("Result")
Name = Annotated[str, typer.Argument(help="The campaign's name, such as viettel-names.")]


@app.command()
def preview(
    name: Name,
    carrier: Annotated[str | None, typer.Option(help="Of this carrier alone.")] = None,
    group: Annotated[Group | None, typer.Option(help="Of this group of reasons alone.")] = None,
) -> None:
    """Compose and count everything that waits, and send nothing."""
    chosen = Filter(carrier, group.value if group else None)
    made = _in_a_transaction(
        lambda session, service: campaigns.preview(session, service, of(service.settings), name, chosen)
    )
    _tell(made)
    typer.echo(f"release it with: simcheck notices release {name}")


@app.command()
def release(name: Name) -> None:
    """Let a campaign go that was counted before."""
    made, tracks = _in_a_transaction(
        lambda session, service: campaigns.release(session, of(service.settings), name)
    )
    typer.echo(f"{made.name} is released: {tracks:,} holders are told in the hours of the policy")


@app.command()
def cancel(name: Name) -> None:
    """Drop a draft, or call back what has not left of a released campaign."""
    made, called_off = _in_a_transaction(lambda session, _: campaigns.cancel(session, name))
    typer.echo(f"{made.name} is cancelled: {called_off:,} messages were called off")


@app.command()
def status() -> None:
    """Print campaigns, cases and messages by state."""

    async def work(session: AsyncSession, _: Service) -> None:
        for campaign in await figures.campaigns(session):
            _tell(campaign)
        for track in await figures.tracks(session):
            typer.echo(f"cases     {track.carrier:14} {track.state:14} {track.cases:>12,}")
        for each in await figures.messages(session):
            what = f"{each.kind} {each.channel} {each.state}"
            typer.echo(
                f"messages  {each.carrier or '-':14} {what:38} {each.messages:>12,} {each.parts:>12,} parts"
            )

    _in_a_transaction(work)
    if figures.calendar_ends(of(settings())):
        typer.echo("the policy knows no holidays for the months to come: add them to policy.toml", err=True)


def _tell(campaign: Campaign) -> None:
    whose = " ".join(filter(None, (campaign.carrier, campaign.reason_group))) or "all"
    typer.echo(f"{campaign.name}  {campaign.state}  ({whose}, texts {campaign.template})")
    typer.echo(
        f"  {campaign.tracks:,} cases, {campaign.unreachable:,} without an address: {campaign.sms:,} SMS "
        f"in {campaign.parts:,} parts and {campaign.emails:,} emails"
    )
    typer.echo(
        f"  {campaign.cost_vnd:,} VND for the first notices, "
        f"{campaign.whole_cost_vnd:,} VND if nobody answers"
    )


def _in_a_transaction(work: Callable[[AsyncSession, Service], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with (
            opened(settings()) as service,
            service.database.transaction("operator", ministry=True) as session,
        ):
            return await work(session, service)

    return asyncio.run(run())
