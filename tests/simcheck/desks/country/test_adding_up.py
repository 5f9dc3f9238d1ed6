from __future__ import annotations

import csv
import io

import pytest

from jobs.reports import check_invariants
from simcheck.access.roles import Role
from simcheck.desks.country.adding_up import PATH, ROWS
from tests.desking import at_desk

pytestmark = pytest.mark.anyio


async def test_what_does_not_add_up_leads_to_its_rows(country, service, supervisor, owner):
    """The cases of this country were put there without a history."""
    await check_invariants(service)
    page = await supervisor.get(PATH)
    assert page.status_code == 200
    assert "phép đối chiếu không khớp" in page.text
    owner.execute("SET app.scope = 'ministry'")
    [cases] = owner.execute('SELECT count(*) FROM "case"').fetchone()
    assert f'<a href="{PATH}/case_history">{cases} dòng lệch</a>' in page.text
    assert f"{PATH}/cases" not in page.text.replace(f"{PATH}/case_", "")
    first = await supervisor.get(f"{PATH}/case_history")
    assert first.text.count("<tr data-row>") == ROWS
    [one] = owner.execute('SELECT min(id::text) FROM "case"').fetchone()
    assert f'<a href="/desk/cases/{one}">' in first.text
    assert f"{PATH}/case_history?past={ROWS}" in first.text
    last = await supervisor.get(f"{PATH}/case_history?past={cases - 1}")
    assert last.text.count("<tr data-row>") == 1
    assert 'rel="next"' not in last.text
    file = await supervisor.get(f"{PATH}/case_history/file?format=csv")
    lines = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert len(lines) == cases + 1
    assert lines[1][1:] == [one, "1", "0"]
    assert (await supervisor.get(f"{PATH}/case_history/file?format=xlsx")).content[:2] == b"PK"
    exported = owner.execute("SELECT detail ->> 'rows' FROM audit WHERE act = 'country.lines_exported'")
    assert exported.fetchall() == [(str(cases),)] * 2


async def test_what_adds_up_and_what_was_never_checked(country, app, supervisor):
    assert 'class="empty"' in (await supervisor.get(PATH)).text
    assert "Không còn dòng nào lệch" in (await supervisor.get(f"{PATH}/batch_rows")).text
    for name in ("nothing", "x'; DROP", "__class__"):
        assert (await supervisor.get(f"{PATH}/{name}")).status_code == 404
    for past in ("-1", "x", "9999999", "٣", "1e3"):
        assert (await supervisor.get(f"{PATH}/cases?past={past}")).status_code == 400
    assert (await supervisor.get(f"{PATH}/cases/file?format=pdf")).status_code == 400
    async with at_desk(app, Role.AUDITOR) as auditor:
        assert (await auditor.get(PATH)).status_code == 200


async def test_single_things_are_not_for_who_sees_no_small_group(analyst):
    assert (await analyst.get(PATH)).status_code == 403
    assert (await analyst.get(f"{PATH}/cases")).status_code == 403
    assert PATH not in (await analyst.get("/desk/country")).text
