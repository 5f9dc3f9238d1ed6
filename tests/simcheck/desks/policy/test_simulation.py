from __future__ import annotations

import pytest

from simcheck.access.roles import Role
from simcheck.enforcement.policy import shipped
from tests import clocking
from tests.desking import at_desk
from tests.reviewing import one_case

pytestmark = pytest.mark.anyio
AT = "/desk/policy/simulation"


async def test_what_would_be_due_before_anything_is_in_force(app, owner):
    async with at_desk(app, Role.SUPERVISOR) as desk:
        assert "Chưa có phiên bản nào" in (await desk.get(AT)).text
        for place in range(3):
            one_case(owner, acts="holder", state="with_holder", province="079" if place else None)
        await desk.send("/desk/policy", {"text": shipped().replace("most_a_day = 60_000", "most_a_day = 2")})
        page = await desk.get(f"{AT}?lang=en")
        assert page.status_code == 200, page.text
        assert page.text.count('<td class="number">3</td>') >= 6  # three steps of three cases, and sums
        assert "Pulled" in page.text
        assert "Not known" in page.text
        for wrong, code in (("days=7", 400), ("carrier=nobody", 404), ("version=none", 404)):
            assert (await desk.get(f"{AT}?{wrong}")).status_code == code


async def test_a_draft_beside_what_is_in_force(app, owner):
    await clocking.in_force(app.state.service)
    one_case(owner, acts="holder", state="with_holder")
    async with at_desk(app, Role.ADMINISTRATOR) as desk:
        draft = shipped().replace("2026.11.1", "mild").replace("after = 5\n", "after = 9\n")
        await desk.send("/desk/policy", {"text": draft})
        page = await desk.get(f"{AT}?version=mild&carrier=viettel&days=60&lang=en")
        assert "Under 2026.11.1, in force" in page.text
