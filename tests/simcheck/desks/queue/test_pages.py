from __future__ import annotations

import pytest

from simcheck.access.roles import Role
from tests.desking import at_desk
from tests.reviewing import one_case

pytestmark = pytest.mark.anyio


@pytest.fixture
async def reviewer(app):
    async with at_desk(app, Role.REVIEWER) as desk:
        yield desk


async def test_from_the_queue_to_a_decision_and_on(reviewer, owner):
    case = one_case(owner)
    p = await reviewer.get("/desk/queue")
    assert p.status_code == 200, p.text
    p = await reviewer.get("/desk/queue/facets")
    assert p.status_code == 200, p.text
    p = await reviewer.get(f"/desk/cases/{case}")
    assert p.status_code == 200, p.text
    p = await reviewer.send("/desk/queue/next")
    p = await reviewer.get(p.headers["location"])
    assert p.status_code == 200, p.text
    p = await reviewer.send(f"/desk/cases/{case}/decide", {"decision": "same_person"})
    assert p.status_code == 422, p.text
    p = await reviewer.send(f"/desk/cases/{case}/decide", {"decision": "same_person", "reason": "spelling", "version": "1"})  # fmt: skip
    assert p.status_code == 303, p.text
    p = await reviewer.get(p.headers["location"])
    assert p.status_code == 200, p.text
    p = await reviewer.send("/desk/queue/search", {"q": "0900000001"})
    assert p.status_code == 200, p.text
