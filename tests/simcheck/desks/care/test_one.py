"""Answering a request at the desk."""

from __future__ import annotations

import pytest

from simcheck.access.roles import Role
from tests.caring import alive
from tests.desking import at_desk
from tests.simcheck.desks.care.test_asked import written_down

pytestmark = pytest.mark.anyio


@pytest.fixture
async def place(supervisor, owner, keyring) -> str:
    """Where a request to put something right is."""
    owner.execute("INSERT INTO carrier VALUES ('viettel', now())")
    alive(owner, keyring, 1)
    return (await written_down(supervisor, "correct", "001090000011", "The name is wrong.")).headers[
        "location"
    ]


async def test_from_acknowledging_to_the_answer(supervisor, auditor, owner, place):
    page = await supervisor.get(place)
    assert "The name is wrong." in page.text
    assert "Decree 356/2025" in page.text
    seen = await auditor.get(place)
    assert ("The name is wrong." in seen.text, seen.status_code) == (False, 200)
    assert (await auditor.send(f"{place}/acknowledge")).status_code == 403
    assert (await supervisor.send(f"{place}/acknowledge")).headers["location"] == place
    assert (await supervisor.send(f"{place}/acknowledge")).status_code == 409
    assert (await supervisor.send(f"{place}/extend", {"why": ""})).status_code == 422
    assert (await supervisor.send(f"{place}/extend", {"why": "The carrier looks."})).status_code == 303
    for form in ({"outcome": "", "text": "x"}, {"outcome": "done", "text": ""}):
        assert (await supervisor.send(f"{place}/answer", form)).status_code == 422
    done = await supervisor.send(f"{place}/answer", {"outcome": "done", "text": "Put right."})
    assert done.status_code == 303
    page = await supervisor.get(place)
    assert "Put right." in page.text
    assert "is answered" in page.text
    read = owner.execute("SELECT count(*) FROM audit WHERE act = 'request.read'").fetchone()[0]
    assert read >= 2


async def test_erasing_by_one_press(supervisor, place, app):
    made = (await written_down(supervisor, "erase", "001090000012")).headers["location"]
    assert (await supervisor.send(f"{place}/erase")).status_code == 409
    assert (await supervisor.send(f"{made}/erase")).status_code == 303
    assert "nothing that may be erased" in (await supervisor.get(made)).text
    for path in (f"{made}/copy.json", f"{made}/x", "/desk/requests/Y-000009-Z"):
        assert (await supervisor.get(path)).status_code == 404
    async with at_desk(app, Role.REVIEWER) as desk:
        assert (await desk.get(made)).status_code == 403
