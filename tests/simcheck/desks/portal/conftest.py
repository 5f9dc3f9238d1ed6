"""People of carriers who have signed in, and a carrier whose file was checked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from simcheck import clock
from simcheck.access.roles import Role
from tests import holding
from tests.desking import at_desk
from tests.holding import CHI, wrong_name
from tests.running import NOON


@pytest.fixture
async def manager(app) -> AsyncIterator[Any]:
    """A manager of viettel."""
    async with at_desk(app, Role.MANAGER) as desk:
        yield desk


@pytest.fixture
async def uploader(app) -> AsyncIterator[Any]:
    """An uploader of viettel."""
    async with at_desk(app, Role.UPLOADER) as desk:
        yield desk


@pytest.fixture
async def stranger(app) -> AsyncIterator[Any]:
    """A manager of another carrier."""
    async with at_desk(app, Role.MANAGER, "mobifone") as desk:
        yield desk


@pytest.fixture
async def checked(service, tmp_path) -> None:
    """A file of viettel whose three rows do not agree, checked at noon."""
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1), wrong_name(2, CHI), wrong_name(3)])
