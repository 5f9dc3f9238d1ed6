from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def carriers(request):
    """The carriers that the tests' subscriptions belong to."""
    if "service" in request.fixturenames:
        owner = request.getfixturevalue("owner")
        for code in ("viettel", "mobifone"):
            owner.execute("INSERT INTO carrier VALUES (%s, now()) ON CONFLICT DO NOTHING", [code])
