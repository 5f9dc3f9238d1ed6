"""The demo's people at the desks: an account for every role, whose passwords and one-time codes are told.

What they sign in with is drawn for each demo, and lies beside its data, for `simcheck codes`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import pyotp
import typer

from simcheck import clock, terminal
from simcheck.access import passwords, people, sign_in, totp
from simcheck.access.people import New
from simcheck.access.roles import Role, Side
from simcheck.errors import UnavailableError, UsageError
from simcheck.service import Service

CARRIER = "viettel"  # whose uploader and manager there are
FILE = "people.json"
# Two reviewers do not get the same case, and nobody approves what they proposed themselves.
TWICE = {Role.REVIEWER, Role.SUPERVISOR}


@dataclass(frozen=True)
class Account:
    """What somebody of the demo signs in with. `secret` is that of their one-time codes (base32)."""

    username: str
    role: str
    carrier: str | None
    password: str = field(repr=False)
    secret: str = field(repr=False)

    def code(self, at: float) -> str:
        """The one-time code at a moment (UNIX time)."""
        drawn: str = pyotp.TOTP(self.secret, digits=totp.DIGITS, interval=totp.PERIOD).at(int(at))
        return drawn


def names() -> list[tuple[str, Role]]:
    """The demo's user names, with their roles."""
    return [
        (role.value + number, role)
        for role in Role
        for number in (("", "-2") if role in TWICE else ("",))
    ]  # fmt: skip


async def add_all(service: Service, home: Path) -> list[Account]:
    """Make the accounts, each with its second step, and keep what they sign in with under `home`."""
    made = [await _add(service, name, role) for name, role in names()]
    file = home / FILE
    file.touch(0o600)
    file.write_text(json.dumps([asdict(each) for each in made]), "utf-8")
    return made


async def _add(service: Service, name: str, role: Role) -> Account:
    carrier = None if role.side is Side.MINISTRY else CARRIER
    made = Account(name, role.value, carrier, passwords.draw(), totp.new_secret())
    called = name.replace("-", " ").capitalize()
    async with service.database.transaction("operator", ministry=True) as session:
        await people.add(session, service, New(name, called, [role], carrier, password=made.password))
        passed = await sign_in.first(session, service, name, made.password)
        assert passed is not None
        # By the code before this one, so that whoever reads the list can use the one of now.
        before = made.code(clock.now().timestamp() - totp.PERIOD)
        enrolled = await sign_in.enrol(session, service, passed, made.secret, before)
    if enrolled is None:
        raise UnavailableError("the clock jumped while accounts were made. Run the demo again.")
    return made


def read(home: Path) -> list[Account]:
    """The accounts of the demo whose home it is. Raises `UsageError` where there is none."""
    try:
        return [Account(**each) for each in json.loads((home / FILE).read_text("utf-8"))]
    except FileNotFoundError:
        raise UsageError(f"there is no demo in {home}. `simcheck demo` makes one") from None


def tell(accounts: Sequence[Account], url: str | None, language: terminal.Language) -> None:
    """Print the accounts with their codes of this moment; with the address where they sign in."""
    now = time.time()
    if url is not None:
        terminal.say(language, "demo_desks", url=f"{url}/desk/sign-in")
    rows = [
        (each.username, each.carrier or "", each.password, each.code(now), totp.shown(each.secret))
        for each in accounts
    ]
    terminal.print_people(rows, language)
    terminal.say(language, "demo_codes", seconds=totp.PERIOD - int(now) % totp.PERIOD)


def codes(
    home: Annotated[Path, typer.Option(envvar="SIMCHECK_HOME", help="Where the demo keeps its data.")] = Path(
        ".simcheck"
    ),
    language: Annotated[terminal.Language | None, typer.Option(help="Language of what is printed.")] = None,
) -> None:
    """The demo's people at the desks: passwords, and one-time codes of this moment."""
    tell(read(home / "demo"), None, language or terminal.spoken())
