from __future__ import annotations

import pytest

from simcheck import clock
from tests import reporting
from tests.running import NOON


@pytest.fixture
async def country(service, owner):
    """A small country, counted at noon."""
    reporting.a_country(owner)
    with clock.fixed(NOON):
        await reporting.count(service)


@pytest.fixture
async def session(service):
    with clock.fixed(NOON):
        async with service.database.transaction("test", ministry=True) as session:
            yield session
