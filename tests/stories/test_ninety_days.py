"""Ninety days and more of a small country: what is silent comes to its end, what is put right is let be."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simcheck.config import Settings
from simcheck.service import opened
from tests import holding, ordering
from tests.browsing import aside, fresh_home
from tests.building import row
from tests.holding import BINH, DUNG, PEOPLE, wrong_name
from tests.passing import Days
from tests.serving import keyring_file, new_database

pytestmark = pytest.mark.anyio
ROWS = [*(wrong_name(number) for number in range(1, 9)), row(9, DUNG), row(10, DUNG)]


@pytest.fixture(scope="module")
def country(postgres, keyring, run_folder) -> Iterator[tuple[str, Path]]:
    """A database and a lake to be copied, as they are on day 5: numbers 1 to 8 stand under another name, and
    their holders were told on six days; 9 and 10 agree.
    """
    home = fresh_home(run_folder)

    async def build() -> None:
        async with opened(Settings(home=home, database_url=url)) as service:
            import psycopg

            with psycopg.connect(url, autocommit=True) as owner:
                days = Days(None, service, owner)
                with days.fixed():
                    await holding.a_country(service, home, ROWS)
                    await ordering.a_policy(service)
                await days.days(range(6))

    keyring_file(home, keyring)
    with new_database(postgres) as url:
        aside(build)
        yield url.rpartition("/")[2].partition("?")[0], home / "lake"


@pytest.fixture
def database_url(postgres, country) -> Iterator[str]:
    with new_database(postgres, country[0]) as url:
        yield url


@pytest.fixture
def settings(settings, country) -> Any:
    shutil.copytree(country[1], settings.home / "lake")
    return settings


@pytest.fixture
def days(app, service, owner) -> Days:
    return Days(app, service, owner)


async def test_silence(days, tmp_path):
    await days.day(6)
    print(ordering.rows(days.owner, "SELECT count(*) AS c FROM message")[0].c)
    print([(each.act, each.lines) for each in days.proposals()])
    print(await days.approve())
    print(await days.answer())
    print(days.step(1))
