from __future__ import annotations

import pytest

from simcheck import clock
from simcheck.access.roles import Role
from tests import reporting
from tests.desking import at_desk
from tests.reporting import count
from tests.running import NOON


@pytest.fixture
async def noon():
    """It is noon all the time."""
    with clock.fixed(NOON):
        yield


@pytest.fixture
async def country(noon, app, service, owner):
    """A small country, counted at noon."""
    reporting.a_country(owner)
    await count(service)


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
