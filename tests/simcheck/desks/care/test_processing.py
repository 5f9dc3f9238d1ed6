"""The register of processing, read at the desk."""

from __future__ import annotations

import pytest

from simcheck.care import processing

pytestmark = pytest.mark.anyio


async def test_every_activity_stands_there(auditor):
    page = await auditor.get("/desk/processing")
    assert page.status_code == 200
    for each in processing.load().activities:
        assert each.purpose["en"].replace("'", "&#39;") in page.text, each.id
