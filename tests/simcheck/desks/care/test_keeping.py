"""Retention, purges and orders at the desk."""

from __future__ import annotations

import re
from html import unescape

import pytest

from simcheck.care import purge, retention
from tests.caring import ended

pytestmark = pytest.mark.anyio


async def test_the_table_beside_the_newest_purge(supervisor, auditor, service, owner, keyring):
    assert "No purge yet" in (await auditor.get("/desk/retention")).text
    ended(owner, keyring, 1, "3 years")
    ended(owner, keyring, 2, "3 years")
    placed = {"of": "0900000002", "basis": "court order 12/2026"}
    assert (await supervisor.send("/desk/retention/preserve", placed)).status_code == 303
    await purge.run(service, "job:care.purge")
    page = (await auditor.get("/desk/retention")).text
    assert "Nothing too old is left" in page
    row = page[page.index("Cases, their history") :].partition("</tr>")[0]
    assert re.findall(r'<td class="number">(\d+)', row) == ["1", "1", "0"]
    for rule in retention.load().rules:
        assert rule.what["en"] in unescape(page), rule.id
    assert "court order 12/2026" in page
    assert "/lift" not in page  # an auditor changes nothing
    page = (await supervisor.get("/desk/retention")).text
    [lift] = re.findall(r'action="(/desk/retention/preserve/[^"]+/lift)"', page)
    assert (await supervisor.send("/desk/retention/preserve", placed)).status_code == 422
    assert (await supervisor.send(lift)).status_code == 303
    assert "court order 12/2026" not in (await supervisor.get("/desk/retention")).text
    assert (await supervisor.send(lift)).status_code == 409


async def test_what_cannot_be_preserved(supervisor):
    for form, fault in (
        ({"of": "x", "basis": "order"}, "Write a mobile number"),
        ({"of": "0900000001", "basis": ""}, "reference"),
    ):
        page = await supervisor.send("/desk/retention/preserve", form)
        assert (page.status_code, fault in page.text) == (422, True)
