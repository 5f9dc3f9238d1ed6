from __future__ import annotations

import pytest

from tests import subscribed


@pytest.fixture(autouse=True)
def a_register(request):
    """The register that the runs of these tests were against."""
    if "service" in request.fixturenames:
        subscribed.register(request.getfixturevalue("owner"))
