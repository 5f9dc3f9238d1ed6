"""A country of some hundred subscriptions whose figures are counted: made once, copied for each test."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from simcheck import clock
from simcheck.access.roles import Role
from simcheck.config import Settings
from simcheck.service import opened
from tests import reporting
from tests.browsing import aside, fresh_home
from tests.desking import at_desk
from tests.reporting import count
from tests.running import NOON
from tests.serving import keyring_file, new_database


@pytest.fixture(scope="session")
def built(postgres, keyring, run_folder) -> Iterator[str]:
    """The name of a database to be copied."""
    home = fresh_home(run_folder)

    async def build() -> None:
        async with opened(Settings(home=home, database_url=url)) as service:
            with clock.fixed(NOON):
                await count(service)

    keyring_file(home, keyring)
    with new_database(postgres) as url:
        with psycopg.connect(url, autocommit=True) as owner:
            reporting.a_country(owner)
        aside(build)
        yield url.rpartition("/")[2].partition("?")[0]


@pytest.fixture
def database_url(request, postgres) -> Iterator[str]:
    """A copy of the country's database, where the test has one; else an empty one."""
    template = [request.getfixturevalue("built")] if "country" in request.fixturenames else []
    with new_database(postgres, *template) as url:
        yield url


@pytest.fixture
async def noon():
    """It is noon all the time."""
    with clock.fixed(NOON):
        yield


@pytest.fixture
async def country(noon, app):
    """A small country, counted at noon."""


@pytest.fixture
async def supervisor(country, app):
    """A desk at which small groups are seen."""
    async with at_desk(app, Role.SUPERVISOR) as desk:
        yield desk


@pytest.fixture
async def analyst(country, app):
    """A desk at which they are not."""
    async with at_desk(app, Role.ANALYST) as desk:
        yield desk
