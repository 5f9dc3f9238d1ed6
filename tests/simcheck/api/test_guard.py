from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated

import pytest
import sqlalchemy as sa

from simcheck import audit, clock
from simcheck.access import clients, tokens
from simcheck.access.models import Client
from simcheck.api import guard
from simcheck.api.guard import Acting, Principal, acts, asks

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def routes(app):
    """A route that is a transaction, one that is none, and one that fails after its work."""

    @app.get("/try/acts")
    async def does(acting: Annotated[Acting, acts("batches:read")]) -> dict[str, object]:
        audit.record(acting.session, "try.done", "try/1")
        seen = sorted(await acting.session.scalars(sa.select(Client.carrier).distinct()))
        return {"carrier": acting.principal.carrier, "seen": seen, "actor": acting.session.info["actor"]}

    @app.get("/try/asks")
    async def asked(principal: Annotated[Principal, asks("batches:write")]) -> str:
        return principal.client

    @app.get("/try/fails")
    async def fails(acting: Annotated[Acting, acts("batches:read")]) -> None:
        audit.record(acting.session, "try.failed", "try/1")
        raise ZeroDivisionError


async def test_a_carrier_sees_its_own(http, viettel, mobifone):
    said = (await http.get("/try/acts", headers=viettel)).json()
    assert (said["carrier"], said["seen"]) == ("viettel", ["viettel"])
    assert said["actor"].startswith("client:viettel-")
    assert (await http.get("/try/asks", headers=viettel)).json().startswith("viettel-")


async def test_a_relying_service_sees_none(http, token_of, viettel, app):
    @app.get("/try/relying")
    async def relying(acting: Annotated[Acting, acts("otp-checks")]) -> list[str]:
        return list(await acting.session.scalars(sa.select(Client.id)))

    assert (await http.get("/try/relying", headers=await token_of())).json() == []


async def test_the_work_is_committed_before_the_answer_and_undone_with_an_error(http, viettel, owner):
    """A client that has its answer finds what it did."""
    acts_done = "SELECT act FROM audit WHERE act LIKE 'try.%'"
    assert (await http.get("/try/acts", headers=viettel)).status_code == 200
    assert owner.execute(acts_done).fetchall() == [("try.done",)]
    failed = await http.get("/try/fails", headers=viettel)
    assert (failed.status_code, failed.json()["code"]) == (500, "defect")
    assert "ZeroDivision" not in failed.text
    assert owner.execute(acts_done).fetchall() == [("try.done",)]


async def test_a_commit_that_fails_is_no_success(http, app, viettel, owner):
    """The transaction ends before the answer begins."""

    @app.get("/try/late")
    async def late(acting: Annotated[Acting, acts("batches:read")]) -> str:
        pid = await acting.session.scalar(sa.text("SELECT pg_backend_pid()"))
        owner.execute("SELECT pg_terminate_backend(%s)", [pid])
        await asyncio.sleep(0.1)
        return "done"

    @app.get("/try/deferred")
    async def deferred(acting: Annotated[Acting, acts("batches:read")]) -> str:
        acting.session.info["before_commit"].append(cannot)
        return "done"

    async def cannot(_: object) -> None:
        raise ZeroDivisionError

    assert (await http.get("/try/deferred", headers=viettel)).status_code == 500
    away = await http.get("/try/late", headers=viettel)
    assert (away.status_code, away.json()["retry"]) == (503, True)


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "Bearer a.b.c", "bearer"]
)
async def test_without_a_good_token(http, header):
    answer = await http.get("/try/acts", headers={"Authorization": header} if header is not None else {})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_without_the_scope(http, token_of):
    header = await token_of("viettel", "batches:write")
    answer = await http.get("/try/acts", headers=header)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert "batches:read" in answer.json()["detail"]
    assert (await http.get("/try/asks", headers=header)).status_code == 200


async def test_an_expired_token(http, viettel):
    assert (await http.get("/try/acts", headers=viettel)).status_code == 200
    with clock.fixed(clock.now() + timedelta(seconds=601)):
        assert (await http.get("/try/acts", headers=viettel)).status_code == 401


async def test_a_revoked_client_is_out_within_seconds(http, viettel, service, monkeypatch):
    client = (await http.get("/try/asks", headers=viettel)).json()
    async with service.database.transaction("test", ministry=True) as session:
        await clients.revoke(session, client)
    assert (await http.get("/try/asks", headers=viettel)).status_code == 200
    monkeypatch.setattr(guard, "FRESH", 0.0)
    assert (await http.get("/try/asks", headers=viettel)).status_code == 401


async def test_a_token_of_a_key_that_is_gone(http, viettel, service, owner, app):
    owner.execute("DELETE FROM signing_key")
    async with service.database.transaction("test") as session:
        await tokens.rotate(session, service.keyring)
    await app.state.doorkeeper.refresh()
    assert (await http.get("/try/asks", headers=viettel)).status_code == 401


async def test_a_client_has_its_rate(http, token_of, viettel):
    slow = await token_of("mobifone", rate=5)
    with clock.fixed(clock.now()):  # nothing comes back meanwhile, however long the answers take
        answers = [await http.get("/try/asks", headers=slow) for _ in range(20)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:10] == [200] * 10
    assert statuses[-1] == 429
    refused = answers[-1]
    assert (refused.json()["code"], refused.json()["retry"]) == ("too_many_requests", True)
    assert int(refused.headers["retry-after"]) >= 1
    assert (await http.get("/try/asks", headers=viettel)).status_code == 200


async def test_those_who_wait_for_the_same_go_on_together(service, viettel):
    """Behind a lock the last of a hundred would have to wait for a hundred turns of the loop."""
    keeper, turns, came = guard.Doorkeeper(service), 0, []

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def ask() -> None:
        await keeper.principal(viettel["Authorization"])
        came.append(turns)

    counting = asyncio.create_task(count())
    await asyncio.gather(*(ask() for _ in range(100)))
    assert max(came) - min(came) <= 3
    counting.cancel()


async def test_one_who_leaves_takes_nothing_from_those_who_wait_too(service, viettel):
    keeper = guard.Doorkeeper(service)
    first, second = (asyncio.create_task(keeper.principal(viettel["Authorization"])) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).carrier == "viettel"
    assert first.cancelled()


async def test_many_at_once(http, viettel, mobifone):
    answers = await asyncio.gather(
        *(http.get("/try/acts", headers=viettel if number % 2 else mobifone) for number in range(40))
    )
    said = [answer.json()["carrier"] for answer in answers]
    assert said == ["viettel" if number % 2 else "mobifone" for number in range(40)]
