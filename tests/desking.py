"""People at the desks, for tests: an account for every role, and browsers in which somebody has signed in.

    async with at_desk(app, Role.REVIEWER) as desk:      # an httpx client that is signed in
        page = await desk.get("/desk/queue")
        answer = await desk.send("/desk/queue/next", {})  # a form, with its token

    sit(site, context, Role.MANAGER)                     # the same for a context of the real browser

People of a carrier are viettel's unless said otherwise. An account is made when it is first asked for; no
password is hashed on the way, so this takes a few milliseconds.
"""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from simcheck.access import people, staff_sessions
from simcheck.access.models import Account
from simcheck.access.people import New
from simcheck.access.roles import Role, Side
from tests.serving import ISSUER

CARRIER = "viettel"
PASSWORD = "một câu dài chỉ dùng để thử"
COOKIE = "desk_session"
HOST = "127.0.0.1"  # whose cookies they are


def username(role: Role, carrier: str | None = None) -> str:
    """Whose account is made for a role: `reviewer`, `manager-viettel`."""
    return role.value if role.side is Side.MINISTRY else f"{role.value}-{carrier or CARRIER}"


async def account(service: Any, role: Role, carrier: str | None = None, name: str | None = None) -> str:
    """The user name of somebody with this role alone, whose account is made where there is none."""
    chosen = name or username(role, carrier)
    at = None if role.side is Side.MINISTRY else carrier or CARRIER
    async with service.database.transaction("test", ministry=True) as session:
        if await session.get(Account, chosen) is None:
            new = New(chosen, f"Nguyễn {role.value.title()}", [role], at, None, None, PASSWORD)
            await people.add(session, service, new)
    return chosen


async def everybody(service: Any) -> dict[Role, str]:
    """An account for every role."""
    return {role: await account(service, role) for role in Role}


async def token(service: Any, role: Role, carrier: str | None = None, name: str | None = None) -> str:
    """The token of a new session of somebody with this role."""
    chosen = await account(service, role, carrier, name)
    async with service.database.transaction("test", ministry=True) as session:
        found = await people.find(session, chosen)
        return (await staff_sessions.start(session, service, found, "Chrome, Linux")).token


@dataclass
class Desk:
    """A browser without a screen in which somebody has signed in. `http` keeps its cookies."""

    http: httpx.AsyncClient
    root: str

    async def get(self, path: str, **more: Any) -> httpx.Response:
        """A page."""
        return await self.http.get(path, **more)

    async def form_token(self) -> str:
        """The token that all forms of this session carry."""
        page = await self.http.get(f"{self.root}/account")
        found = re.search(r'name="form_token" value="([^"]+)"', page.text)
        assert found, page.text
        return found[1]

    async def send(self, path: str, fields: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        """Send a form there, with its token."""
        data = {"form_token": await self.form_token(), **(fields or {})}
        return await self.http.post(path, data=data, **more)


@asynccontextmanager
async def at_desk(
    app: Any, role: Role, carrier: str | None = None, name: str | None = None
) -> AsyncIterator[Desk]:  # fmt: skip
    """A client of the application in which somebody with this role has signed in."""
    held = await token(app.state.service, role, carrier, name)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as http:
        http.cookies.set(COOKIE, held, domain=HOST)
        yield Desk(http, "/desk" if role.side is Side.MINISTRY else "/portal")


def sit(site: Any, context: Any, role: Role, carrier: str | None = None) -> None:
    """Let somebody with this role be signed in to a running site, in a context of the browser."""
    from tests.browsing import aside

    held = aside(lambda: site.as_service(lambda service: token(service, role, carrier)))
    context.add_cookies([{"name": COOKIE, "value": held, "url": site.address}])


@contextmanager
def a_bare_site(postgres: Any, keyring: Any, home: Path, **more: Any) -> Iterator[Any]:
    """A running service (`browsing.Site`) with nobody in it but people at desks. `more` are settings
    beside.
    """
    import psycopg

    from simcheck.config import Settings
    from tests.browsing import Site
    from tests.serving import keyring_file, new_database, serving

    with (
        new_database(postgres) as url, psycopg.connect(url, autocommit=True) as owner,
        socket.create_server(("127.0.0.1", 0)) as bound,
    ):  # fmt: skip
        settings = Settings(
            home=home, database_url=url, public_url=f"http://127.0.0.1:{bound.getsockname()[1]}",
            password_rounds=1, password_kib=8, **more,
        )  # fmt: skip
        keyring_file(home, keyring)
        with serving(settings, keyring, bound):
            yield Site(settings.issuer, settings, keyring, owner, [])
