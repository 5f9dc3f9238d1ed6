"""Searching the chain at the desk, and whether it holds."""

from __future__ import annotations

import re

import pytest

from jobs.upkeep import verify
from simcheck import audit
from simcheck.audit import search
from simcheck.audit.models import Check
from tests.holding import all_of
from tests.simcheck.desks.admin.test_people import EVIL

pytestmark = pytest.mark.anyio
CASE = "6f2c1c1e-1111-4111-8111-123456789012"
CODE = "K7M2P9QXRB"


async def note(service, act, subject, detail=None, actor="person:an"):
    async with service.database.transaction(actor, "viettel", ministry=True) as session:
        audit.record(session, act, subject, detail, stream=act.partition(".")[0])


def rows(page) -> list[str]:
    return re.findall(r"<tr data-row>(.*?)</tr>", page.text, re.DOTALL)


async def test_rows_are_found_and_shown_as_text(auditor, service):
    await note(service, "thing.done", f"thing/{EVIL}", {"said": EVIL, "list": [EVIL, 1], "none": None})
    page = await auditor.get("/desk/audit?act=thing.done")
    [row] = rows(page)
    assert EVIL not in page.text
    assert "&lt;script&gt;" in row
    assert "None" not in row


async def test_who_looked_at_a_case(auditor, service, owner):
    owner.execute(
        'INSERT INTO "case" (id, code, carrier, msisdn_token, state, acts, verdict, reasons, opened_at, '
        "changed_at, severity, target_at) "
        "VALUES (%s, %s, 'viettel', '', 'with_staff', 'staff', 2, 0, now(), now(), 1, now())",
        [CASE, search_code()],
    )
    await note(service, "case.unmasked", f"case/{CASE}")
    await note(service, "case.moved", f"case/{CASE}", actor="person:binh")
    await note(service, "case.unmasked", "case/other")
    page = await auditor.get(f"/desk/audit?case={search_code()}&looks=yes")
    [row] = rows(page)
    assert "person:an" in row
    assert "A look" in row
    assert len(rows(await auditor.get(f"/desk/audit?case={search_code().lower()}"))) == 2
    assert len(rows(await auditor.get(f"/desk/audit?subject=case/{CASE}"))) == 2


def search_code() -> str:
    """A case code with the right check character."""
    from simcheck.cases import codes

    [code] = [CODE[:9] + each for each in codes.ALPHABET if codes.read(CODE[:9] + each)]
    return code


async def test_the_search_itself_is_noted(auditor, owner):
    await auditor.get("/desk/audit?actor=person:an&since=2026-11-01")
    said = owner.execute("SELECT actor, detail FROM audit WHERE act = 'audit.searched'").fetchone()
    asked = {"actor": "person:an", "since": "2026-11-01", "looks": False, "more": False}
    assert said == ("person:auditor", asked)


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("actor=0912345678", "actor"), ("subject=case/0912345678", "subject"),
        ("subject=Nguyễn+Văn+An", "subject"),
        ("actor=%3Cscript%3E", "actor"), ("since=2026-02-30", "since"), ("until=x", "until"),
        ("case=K7M2P-9QXRX", "case"), (f"case={'2' * 10}", "case"), ("stream=%00", "stream"),
    ],
)  # fmt: skip
async def test_what_may_be_personal_goes_nowhere(auditor, owner, query, fault):
    page = await auditor.get(f"/desk/audit?{query}")
    if query == "stream=%00":  # nothing is left of what cannot be seen
        assert page.status_code == 200
        return
    assert page.status_code == 422
    assert f'id="{fault}-fault"' in page.text
    assert owner.execute("SELECT count(*) FROM audit WHERE act = 'audit.searched'").fetchone() == (0,)


async def test_pages_and_days(auditor, service, monkeypatch):
    monkeypatch.setattr(search, "PAGE", 2)
    for number in range(3):
        await note(service, "thing.done", f"thing/{number}")
    page = await auditor.get("/desk/audit?stream=thing")
    onward = re.search(r'rel="next" href="([^"]+)"', page.text)[1].replace("&amp;", "&")
    assert [len(rows(page)), len(rows(await auditor.get(onward)))] == [2, 1]
    assert (await auditor.get("/desk/audit?after=x")).status_code == 400
    for query in ("until=2020-01-01", "since=9999-12-31"):
        assert "Nothing fits" in (await auditor.get(f"/desk/audit?{query}")).text
    for query in ("since=0001-01-01", "until=9999-12-31"):
        assert len(rows(await auditor.get(f"/desk/audit?{query}"))) == 2, query


async def test_the_chain_is_looked_through_by_a_job(auditor, service, owner):
    assert "was never checked" in (await auditor.get("/desk/audit")).text
    for _ in range(2):
        assert (await auditor.send("/desk/audit/verify")).status_code == 303
    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'audit.verify'"
    assert owner.execute(jobs).fetchone() == (1,)
    assert "It is being checked" in (await auditor.get("/desk/audit")).text
    await verify(service)
    [check] = await all_of(service, Check)
    assert (check.asked_by, check.cause) == ("person:auditor", None)
    assert f"Whole up to row {check.rows}," in (await auditor.get("/desk/audit")).text


async def test_the_first_bad_row_is_shown(auditor, service, owner):
    await note(service, "thing.done", "thing/1")
    await note(service, "thing.done", "thing/2")
    owner.execute("UPDATE audit SET actor = 'person:somebody' WHERE subject = 'thing/2'")
    await verify(service)
    page = await auditor.get("/desk/audit")
    assert "The chain does not hold" in page.text
    assert "stream thing, number 2. the row was changed" in page.text
    owner.execute("UPDATE audit SET actor = 'person:an' WHERE subject = 'thing/2'")
    await verify(service)
    page = await auditor.get("/desk/audit")
    assert "Whole up to row" in page.text
    assert "Earlier checks" in page.text
