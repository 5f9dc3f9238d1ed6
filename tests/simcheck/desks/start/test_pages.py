from __future__ import annotations

import pytest

from simcheck.access.roles import Role, Side
from tests.desking import at_desk

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("role", Role)
async def test_everybody_arrives_and_is_offered_what_is_theirs(app, role):
    async with at_desk(app, role) as desk:
        answer = await desk.get(desk.root)
        assert answer.status_code == 200
        assert f"Xin chào, Nguyễn {role.value.title()}" in answer.text
        other = "/portal/" if role.side is Side.MINISTRY else "/desk/q"
        assert other not in answer.text
