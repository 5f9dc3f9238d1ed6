"""What tests of the pages stand on: forms out of pages, a site with people on it, Debian's Chromium."""

from __future__ import annotations

import asyncio
import re
import socket
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving import new_database, serving

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
ROWS_EACH = 6  # subscriptions of one walk


def token_in(page: httpx.Response) -> str:
    """The token that a page's forms carry."""
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def aside(act: Callable[[], Awaitable[Any]]) -> Any:
    """Wait for something on a thread of its own: Playwright's loop keeps this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(act())).result()  # type: ignore[arg-type]


@dataclass(frozen=True)
class Site:
    """A running service, over a country of a few people, each with some numbers."""

    address: str
    settings: Any
    keyring: Any
    owner: Any
    people: list[Any]

    def code(self, number: int) -> str:
        """The case code of a subscription, as a message shows it."""
        from simcheck.cases import codes
        from tests.holding import case_of

        return codes.shown(case_of(self.owner, self.keyring, number)[1])

    def digits(self) -> str:
        """The newest one-time code that was sent, once the job has done so."""
        from tests.holding import digits_in, sent
        from tests.running import work

        aside(lambda: self.as_service(work))
        return digits_in([each.text for each in sent(self.owner, self.keyring) if each.kind == "code"][-1])

    async def as_service(self, act: Callable[[Any], Awaitable[Any]]) -> Any:
        """Do something with the service's own means."""
        from simcheck.service import opened

        async with opened(self.settings) as service:
            return await act(service)


@contextmanager
def a_site(
    postgres: Any, keyring: Any, home: Path, issuer: str | None, people: list[Any], **more: Any
) -> Iterator[Site]:
    """A site with these people, who have `ROWS_EACH` subscriptions each: all wrong by name but every third,
    which agrees. `more` are settings beside.
    """
    import psycopg
    from pydantic import SecretStr

    from simcheck import clock
    from simcheck.config import Settings
    from tests.building import row
    from tests.holding import a_country, wrong_name
    from tests.running import NOON
    from tests.serving import keyring_file

    rows = [
        row(number, person) if number % 3 == 2 else wrong_name(number, person)
        for at, person in enumerate(people)
        for number in range(at * ROWS_EACH, (at + 1) * ROWS_EACH)
    ]
    with (
        new_database(postgres) as url, psycopg.connect(url, autocommit=True) as owner,
        socket.create_server(("127.0.0.1", 0)) as bound,
    ):  # fmt: skip
        provider = {} if issuer is None else {
            "oidc_issuer": issuer, "oidc_client_id": "simcheck", "oidc_client_secret": SecretStr("hush"),
        }  # fmt: skip
        settings = Settings(
            home=home, database_url=url, public_url=f"http://127.0.0.1:{bound.getsockname()[1]}",
            password_rounds=1, password_kib=8, **(provider | more),
        )  # fmt: skip
        keyring_file(home, keyring)
        site = Site(settings.issuer, settings, keyring, owner, people)

        async def build(service: Any) -> None:
            with clock.fixed(NOON):
                await a_country(service, home, rows, people)

        aside(lambda: site.as_service(build))
        with serving(settings, keyring, bound):
            yield site


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    assert Path(CHROMIUM).exists(), "install it: make browser"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def a_person(number: int) -> Any:
    """A citizen; `number` tells them apart."""
    from tests.building import citizen

    return citizen(number + 1, "Lê Thị Bình", "1988-02-03", "F")


def fresh_home(run_folder: Path) -> Path:
    """A folder of this run's own."""
    made = run_folder / uuid.uuid4().hex
    made.mkdir()
    return made
