"""A holder with the pages in front of them: what is typed, what is sent, what comes back."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from simcheck import clock
from simcheck.cases import codes
from simcheck.config import Settings
from simcheck.service import opened
from tests import holding
from tests.browsing import aside, fresh_home, token_in
from tests.building import row
from tests.holding import BINH, CHI, case_of, digits_in, national, sent, wrong_name
from tests.running import NOON
from tests.serving import ISSUER, keyring_file, new_database


@dataclass
class Walker:
    """A browser without a screen. `http` keeps its cookies."""

    http: httpx.AsyncClient
    service: Any
    owner: Any
    prefix: str = ""

    async def send(self, seen: str, fields: dict[str, str], to: str | None = None) -> httpx.Response:
        """Fill in the form of a page and send it, to the page's own address unless said otherwise."""
        page = await self.http.get(self.prefix + seen)
        data = {"form_token": token_in(page), **fields}
        return await self.http.post(self.prefix + (to or seen), data=data)

    def typed(self, number: int) -> dict[str, str]:
        """What the holder of a subscription types at the start."""
        code = codes.shown(case_of(self.owner, self.service.keyring, number)[1])
        return {"code": code, "number": f"0{national(number)}"}

    async def ask(self, number: int) -> str:
        """Ask for a one-time code; the one that was sent."""
        answer = await self.send("/", self.typed(number))
        assert (answer.status_code, answer.headers["location"]) == (303, f"{self.prefix}/code"), answer.text
        await holding.checked(self.service)
        codes_sent = [each for each in sent(self.owner, self.service.keyring) if each.kind == "code"]
        return digits_in(
            [each.text for each in codes_sent if each.address.endswith(str(national(number)))][-1]
        )

    async def prove(self, number: int) -> None:
        """Go as far as the record."""
        answer = await self.send("/code", {"digits": await self.ask(number)})
        assert (answer.status_code, answer.headers["location"]) == (303, f"{self.prefix}/record"), answer.text


@pytest.fixture(scope="session")
def country(postgres, keyring, run_folder) -> Iterator[tuple[str, Path]]:
    """A database and a lake to be copied. Numbers 1, 2 (Bình's) and 4 (Chi's) stand under another name, 3
    (Bình's) agrees.
    """
    home = fresh_home(run_folder)
    rows = [wrong_name(1), wrong_name(2), row(3, BINH), wrong_name(4, CHI)]

    async def build() -> None:
        async with opened(Settings(home=home, database_url=url)) as service:
            with clock.fixed(NOON):
                await holding.a_country(service, home, rows)

    keyring_file(home, keyring)
    with new_database(postgres) as url:
        aside(build)
        yield url.rpartition("/")[2].partition("?")[0], home / "lake"


@pytest.fixture
def database_url(postgres, country) -> Iterator[str]:
    """A copy of the country's database."""
    with new_database(postgres, country[0]) as url:
        yield url


@pytest.fixture
def settings(settings, country) -> Any:
    """The test's settings, with a copy of the country's lake."""
    shutil.copytree(country[1], settings.home / "lake")
    return settings


@pytest.fixture
def walker(http, service, owner) -> Walker:
    """Somebody at the start page."""
    return Walker(http, service, owner)


@pytest.fixture
async def stranger(app, service, owner) -> AsyncIterator[Walker]:
    """Somebody else, with another browser."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as http:
        yield Walker(http, service, owner)
