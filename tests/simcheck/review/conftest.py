from __future__ import annotations

import psycopg
import pytest

from tests.reviewing import many_cases
from tests.serving import new_database

ROWS = 200_000


@pytest.fixture(scope="package")
def crowd_url(postgres):
    """The address of a database with 200,000 open cases, for whoever only reads."""
    with new_database(postgres) as url:
        with psycopg.connect(url, autocommit=True) as owner:
            many_cases(owner, ROWS)
        yield url


@pytest.fixture
async def crowd(crowd_url):
    """That database, as a server holds it."""
    from simcheck.db.engine import Database

    database = Database(crowd_url, 2)
    yield database
    await database.close()
