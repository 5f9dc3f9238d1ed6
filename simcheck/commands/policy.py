"""`simcheck policy`: documents of what follows, checked, added, signed off, simulated."""

from __future__ import annotations

import asyncio
import csv
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.access import roles, sign_in
from simcheck.access.models import Account
from simcheck.access.roles import Permission, Role
from simcheck.commands.acting import in_a_transaction
from simcheck.config import settings
from simcheck.enforcement import policy as documents
from simcheck.enforcement import reading, store
from simcheck.enforcement.policy import SHIPPED, Policy
from simcheck.enforcement.simulate import MOST_DAYS, Simulation
from simcheck.enforcement.simulate import simulate as simulating
from simcheck.enforcement.words import Act
from simcheck.errors import NotAllowedError, NotFoundError, UsageError
from simcheck.service import Service, opened

app = typer.Typer(no_args_is_help=True, help="Check, add, approve and simulate policies of enforcement.")
File = Annotated[Path, typer.Argument(help="The document, a TOML file.")]
Version = Annotated[str, typer.Argument(help="The version, such as 2026.11.1.")]


@app.command()
def show(
    version: Annotated[str | None, typer.Argument(help="Print this version. Without: list all.")] = None,
    shipped: Annotated[bool, typer.Option("--shipped", help="Print the text that comes with us.")] = False,
) -> None:
    """List the versions, or print the text of one."""
    if shipped:
        typer.echo(documents.shipped(), nl=False)
    elif version is not None:
        typer.echo(in_a_transaction(lambda session: store.one(session, version)).text, nl=False)
    else:
        in_a_transaction(_list)


async def _list(session: AsyncSession) -> None:
    now = await store.in_force(session)
    for each in await store.versions(session):
        mark = "*" if now and each.version == now.version else " "
        typer.echo(
            f"{mark} {each.version:16} {each.state:10} from {each.valid_from}  written by {each.made_by}, "
            f"approved by {each.approved_by or 'nobody'}"
        )


@app.command()
def check(file: File) -> None:
    """Say whether a document can be kept to; every fault with its line. Needs no database."""
    found = reading.read(_text(file))
    steps = sum(len(track.steps) for track in found.tracks)
    typer.echo(f"{file}: version {found.version}, {len(found.tracks)} tracks, {steps} steps, all right")


@app.command()
def add(file: Annotated[Path | None, typer.Argument(help="The document. Without: ours.")] = None) -> None:
    """Keep a document as a draft; somebody who may has to approve it."""
    text = documents.shipped() if file is None else _text(file)
    made = in_a_transaction(lambda session: store.add(session, text))
    typer.echo(
        f"{made.version} is a draft. Approve it with: simcheck policy approve {made.version} --as NAME"
    )


@app.command()
def approve(
    version: Version,
    username: Annotated[str, typer.Option("--as", metavar="NAME", help="Whose signature it is.")],
) -> None:
    """Sign a draft off, with somebody's password and one-time code: never with the writer's."""
    password, code = _typed("Password"), _typed("One-time code")
    asyncio.run(_approve(version, username, password, code))
    typer.echo(f"{version} is approved")


def _typed(what: str) -> str:
    """Something that is not shown; or a line of a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    typed: str = typer.prompt(what, hide_input=True)
    return typed


async def _approve(version: str, username: str, password: str, code: str) -> None:
    async with opened(settings()) as service:
        account = await _known(service, username, password, code)
        may = roles.permissions_of(Role(each) for each in account.roles)
        if account.carrier is not None or Permission.POLICY_APPROVE not in may:
            raise NotAllowedError(f"{username} may not approve policies.")
        async with service.database.transaction(f"person:{username}", ministry=True) as session:
            await store.approve(session, version)


async def _known(service: Service, username: str, password: str, code: str) -> Account:
    """Whoever has this password and this code. Each try counts, as at a desk."""
    actor = "operator"
    async with service.database.transaction(actor, ministry=True) as session:
        await sign_in.take_try(session, service, username, service.keyring.token("client", actor).hex())
    async with service.database.transaction(actor, ministry=True) as session:
        passed = await sign_in.first(session, service, username, password)
    account = None
    if passed is not None:
        async with service.database.transaction(actor, ministry=True) as session:
            await sign_in.take_code(session, service, username)
        async with service.database.transaction(actor, ministry=True) as session:
            account = await sign_in.second(session, service, passed, code)
    if account is None:
        raise NotAllowedError("Name, password and code do not belong together.")
    return account


@app.command()
def withdraw(version: Version) -> None:
    """Take back a draft, or what is approved and not in force yet."""
    in_a_transaction(lambda session: store.withdraw(session, version))
    typer.echo(f"{version} is withdrawn")


@app.command()
def simulate(
    version: Annotated[str | None, typer.Option(help="This version. Without: the one in force.")] = None,
    file: Annotated[Path | None, typer.Option(help="A document that nobody has added yet.")] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="Else today.")] = None,
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="How many days.")] = 120,
    carrier: Annotated[str | None, typer.Option(help="Of this carrier alone.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write day, carrier, province, step, orders here.")] = None,
) -> None:
    """Print what would be due on each day if nobody did anything; `!` where the brake would be pulled."""
    day = _day(first)

    async def work(session: AsyncSession) -> Simulation:
        policy = reading.read(_text(file)) if file else await _policy(session, version)
        return await simulating(session, policy, day, days, carrier=carrier)

    found = in_a_transaction(work)
    _tell(found)
    if out is not None:
        _write(found, out)


async def _policy(session: AsyncSession, version: str | None) -> Policy:
    if version is not None:
        return store.policy_of(await store.one(session, version))
    found = await store.in_force(session)
    if found is None:
        raise NotFoundError(f"No policy is in force. Name a version, or add {SHIPPED} first.")
    return found


def _tell(found: Simulation) -> None:
    console = Console(highlight=False)
    typer.echo(
        f"policy {found.policy.version}: {found.clocks:,} clocks ({found.waiting:,} not started yet), "
        f"{found.standing:,} more stand still"
    )
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Day")
    for name in (*Act, "total"):
        table.add_column(name, justify="right")
    for day, steps, brake in zip(found.days, found.by_day, found.brakes, strict=True):
        if steps.any():
            row = [f"{each:,}" for each in (*steps.tolist(), steps.sum())]
            table.add_row(f"{day} {'!' if brake else ''}", *row)
    console.print(table)
    for title, names, counts in (
        ("Carrier", found.carriers, found.by_carrier), ("Province", found.provinces, found.by_province),
    ):  # fmt: skip
        for name, steps in zip(names, counts, strict=True):
            typer.echo(f"{title:9} {name or '-':14} " + " ".join(f"{each:>12,}" for each in steps.tolist()))


def _write(found: Simulation, out: Path) -> None:
    acts = list(Act)
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["day", "carrier", "province", "step", "orders"])
            for day, carrier, province, step in zip(*found.counts.nonzero(), strict=True):
                orders = found.counts[day, carrier, province, step]
                words = [found.days[day], found.carriers[carrier], found.provinces[province], acts[step]]
                rows.writerow([*words, orders])
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror}).") from None


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeError):
        raise UsageError(f"{file}: cannot be read as UTF-8 text.") from None


def _day(text: str | None) -> date:
    try:
        return store.today() if text is None else date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text}: write a day as YYYY-MM-DD.") from None
