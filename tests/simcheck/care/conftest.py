"""A country whose people ask about their data: numbers 1 and 2 stand under a wrong name, 3 is in order."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from simcheck import clock
from simcheck.config import Settings
from simcheck.service import opened
from tests import holding
from tests.browsing import aside, fresh_home
from tests.building import row
from tests.holding import BINH, wrong_name
from tests.running import NOON
from tests.serving import keyring_file, new_database


@pytest.fixture(scope="session")
def built(postgres, keyring, run_folder) -> Iterator[tuple[str, Path]]:
    """A database and a lake to be copied."""
    home = fresh_home(run_folder)
    rows = [wrong_name(1), wrong_name(2), row(3, BINH, email="binh@example.vn")]

    async def build() -> None:
        async with opened(Settings(home=home, database_url=url)) as service:
            with clock.fixed(NOON):
                await holding.a_country(service, home, rows)

    keyring_file(home, keyring)
    with new_database(postgres) as url:
        aside(build)
        yield url.rpartition("/")[2].partition("?")[0], home / "lake"


@pytest.fixture
def database_url(request, postgres) -> Iterator[str]:
    """A copy of the country's database, where the test has one; else an empty one."""
    template = [request.getfixturevalue("built")[0]] if "country" in request.fixturenames else []
    with new_database(postgres, *template) as url:
        yield url


@pytest.fixture
async def country(service, built) -> AsyncIterator[Any]:
    """The service over the country, at noon."""
    shutil.copytree(built[1], service.settings.home / "lake")
    with clock.fixed(NOON):
        yield service
