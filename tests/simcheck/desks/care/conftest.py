from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from simcheck.access.roles import Role
from tests.desking import Desk, at_desk


@pytest.fixture
async def supervisor(app) -> AsyncIterator[Desk]:
    """A supervisor at the desk, in English."""
    async with at_desk(app, Role.SUPERVISOR) as desk:
        desk.http.cookies.set("desk_language", "en")
        yield desk


@pytest.fixture
async def auditor(app) -> AsyncIterator[Desk]:
    """An auditor at the desk, in English."""
    async with at_desk(app, Role.AUDITOR) as desk:
        desk.http.cookies.set("desk_language", "en")
        yield desk
