from __future__ import annotations

import pytest

from jobs.gate import link_questions
from simcheck import audit, clock
from simcheck.gate import chain

pytestmark = pytest.mark.anyio
ASKED = """
INSERT INTO otp_question (at, client, msisdn_token, id_token, eligible, reasons)
SELECT now(), 'asker', sha256(int4send(n)), ''::bytea, n %% 2 = 0, n FROM generate_series(1, %s) AS n
"""


async def fault(service) -> str | None:
    async with service.database.transaction("test", ministry=True, snapshot=True) as session:
        _, found = await audit.verify(session, service.keyring)
        assert found is None
        return str(found) if (found := await chain.verify(session)) else None


@pytest.fixture
async def chained(service, owner, monkeypatch):
    """Seven questions in three roots, and one that is not chained yet."""
    monkeypatch.setattr(chain, "MOST", 3)
    owner.execute(ASKED, [7])
    await link_questions(service)
    owner.execute(ASKED, [1])


async def test_all_questions_are_chained_once(chained, service, owner):
    assert await fault(service) is None
    assert owner.execute(
        "SELECT array_agg(id ORDER BY id) FROM otp_question GROUP BY chained ORDER BY chained"
    ).fetchall() == [([1, 2, 3],), ([4, 5, 6],), ([7],), ([8],)]
    details = owner.execute("SELECT detail FROM audit WHERE stream = 'otp' ORDER BY seq").fetchall()
    assert [(each["first"], each["last"], each["questions"]) for (each,) in details] == [
        (1, 3, 3), (4, 6, 3), (7, 7, 1)
    ]  # fmt: skip
    for _ in range(2):
        await link_questions(service)
    assert owner.execute("SELECT count(*) FROM audit WHERE stream = 'otp'").fetchone() == (4,)
    assert await fault(service) is None


async def test_a_question_that_came_late_has_a_root_of_its_own(chained, service, owner):
    """Its id was given out before others that are chained already."""
    owner.execute("DELETE FROM otp_question WHERE chained IS NULL")
    owner.execute(
        "INSERT INTO otp_question (id, at, client, msisdn_token, id_token, eligible, reasons) "
        "OVERRIDING SYSTEM VALUE VALUES (0, now(), 'late', '', '', false, 1)"
    )
    await link_questions(service)
    assert owner.execute("SELECT chained FROM otp_question WHERE client = 'late'").fetchone() == (0,)
    assert await fault(service) is None


@pytest.mark.parametrize(
    "act",
    [
        "UPDATE otp_question SET eligible = NOT eligible WHERE id = 5",
        "UPDATE otp_question SET client = 'other' WHERE id = 5",
        "UPDATE otp_question SET at = at + interval '1 microsecond' WHERE id = 5",
        "UPDATE otp_question SET msisdn_token = id_token, id_token = msisdn_token WHERE id = 5",
        "DELETE FROM otp_question WHERE id = 5",
        "DELETE FROM otp_question WHERE chained = 4",
        "UPDATE otp_question SET chained = 4 WHERE chained IS NULL",
        "UPDATE otp_question SET chained = NULL WHERE id = 4",
    ],
)
async def test_what_is_done_to_the_log_shows(act, chained, service, owner):
    owner.execute(act)
    assert await fault(service) == "otp row 2: its questions were changed, or one is missing or was put in"


async def test_a_root_that_nobody_wrote(chained, service, owner):
    owner.execute("UPDATE otp_question SET chained = 8 WHERE id = 8")
    assert await fault(service) == "otp_question row 8: chained with a root that the chain does not have"


async def test_nothing_asked_nothing_written(service, owner):
    await link_questions(service)
    assert owner.execute("SELECT count(*) FROM audit").fetchone() == (0,)


async def test_old_questions_leave_by_whole_roots_and_the_rest_still_holds(chained, service, owner):
    """What is gone is known from the chain; a root that nobody let go of is missed."""
    owner.execute("UPDATE otp_question SET at = now() - interval '3 years' WHERE id <= 5")
    owner.execute("UPDATE otp_question SET chained = NULL")
    owner.execute("DELETE FROM audit WHERE stream = 'otp'")
    owner.execute("DELETE FROM audit_head WHERE stream = 'otp'")
    for _ in range(3):
        await link_questions(service)
    assert await fault(service) is None
    async with service.database.transaction("job:x", ministry=True) as session:
        assert await chain.forget(session, clock.now()) == 3  # of the second root a young question is left
    assert owner.execute("SELECT min(id) FROM otp_question").fetchone() == (4,)
    assert await fault(service) is None
    async with service.database.transaction("job:x", ministry=True) as session:
        assert await chain.forget(session, clock.now()) == 0
    owner.execute("DELETE FROM otp_question WHERE chained = 4")
    assert "missing" in str(await fault(service))
