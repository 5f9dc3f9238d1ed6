from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from simcheck import clock
from simcheck.access.models import Carrier
from simcheck.db.base import SERVICE_ROLE
from simcheck.db.engine import Database, NoActorError, actor_of, driver_url
from simcheck.errors import UnavailableError
from simcheck.webhooks.models import Webhook

pytestmark = pytest.mark.anyio


def webhook(carrier: str) -> Webhook:
    return Webhook(
        carrier=carrier, client="c", url="https://example.vn/", secret=b"x", events=[], added_at=clock.now()
    )


@pytest.fixture
async def two_carriers(service):
    """A row of viettel and a row of mobifone, in a table with a carrier."""
    for carrier in ("viettel", "mobifone"):
        async with service.database.transaction("test", carrier) as session:
            session.add(Carrier(code=carrier, added_at=clock.now()))
            await session.flush()
            session.add(webhook(carrier))


async def test_a_transaction_knows_whose_act_it_is(service):
    async with service.database.transaction("client:v", "viettel") as session:
        row = (await session.execute(sa.text("""
            SELECT current_user, current_setting('app.actor'), current_setting('app.carrier'),
                   current_setting('app.scope')
        """))).one()  # fmt: skip
        assert tuple(row) == (SERVICE_ROLE, "client:v", "viettel", "carrier")
        assert actor_of(session) == "client:v"


async def test_it_ends_with_the_transaction(service):
    async with service.database.transaction("client:v", "viettel", ministry=True):
        pass
    async with service.database.engine.connect() as connection:
        left = (await connection.execute(sa.text("""
            SELECT current_user, current_setting('app.actor'), current_setting('app.scope')
        """))).one()  # fmt: skip
    assert tuple(left) == ("postgres", "", "")


@pytest.mark.parametrize("actor", ["", "  "])
async def test_no_actor_no_transaction(service, actor):
    with pytest.raises(NoActorError):
        async with service.database.transaction(actor):
            pass


async def test_an_error_leaves_nothing(service, owner):
    with pytest.raises(ZeroDivisionError):
        async with service.database.transaction("test") as session:
            session.add(Carrier(code="viettel", added_at=clock.now()))
            await session.flush()
            raise ZeroDivisionError
    assert owner.execute("SELECT count(*) FROM carrier").fetchone() == (0,)


async def seen(service, carrier=None, **more) -> list[str]:
    async with service.database.transaction("test", carrier, **more) as session:
        return sorted(await session.scalars(sa.select(Webhook.carrier)))


async def test_carriers_are_held_apart(service, two_carriers):
    assert await seen(service, "viettel") == ["viettel"]
    assert await seen(service, "mobifone") == ["mobifone"]
    assert await seen(service) == []
    assert await seen(service, "") == []
    assert await seen(service, ministry=True) == ["mobifone", "viettel"]


async def test_a_carrier_cannot_write_anothers_rows(service, two_carriers, owner):
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
        async with service.database.transaction("test", "viettel") as session:
            session.add(webhook("mobifone"))
    async with service.database.transaction("test", "viettel") as session:
        changed = await session.execute(sa.update(Webhook).values(url="https://mine.example/"))
        assert changed.rowcount == 1
        gone = await session.execute(sa.delete(Webhook).where(Webhook.carrier == "mobifone"))
        assert gone.rowcount == 0
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
        async with service.database.transaction("test", "viettel") as session:
            await session.execute(sa.update(Webhook).values(carrier="mobifone"))
    urls = owner.execute("SELECT carrier, url FROM webhook ORDER BY carrier").fetchall()
    assert urls == [("mobifone", "https://example.vn/"), ("viettel", "https://mine.example/")]


async def test_the_service_cannot_make_tables(service):
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        async with service.database.transaction("test", ministry=True) as session:
            await session.execute(sa.text("CREATE TABLE mine (x int)"))


async def test_a_snapshot_sees_one_moment(service):
    async with service.database.transaction("test", snapshot=True) as session:
        await session.scalar(sa.select(sa.func.count()).select_from(Carrier))
        async with service.database.transaction("other") as other:
            other.add(Carrier(code="viettel", added_at=clock.now()))
        assert await session.scalar(sa.select(sa.func.count()).select_from(Carrier)) == 0


async def test_a_database_that_is_away(tmp_path):
    away = Database(f"postgresql://x@/x?host={tmp_path}")
    with pytest.raises(UnavailableError):
        async with away.transaction("test"):
            pass


async def test_a_connection_that_was_cut_is_told_as_unavailable_and_replaced(service, owner):
    with pytest.raises(UnavailableError):
        async with service.database.transaction("test") as session:
            pid = await session.scalar(sa.text("SELECT pg_backend_pid()"))
            owner.execute("SELECT pg_terminate_backend(%s)", [pid])
            await asyncio.sleep(0.1)
            await session.execute(sa.text("SELECT 1"))
    async with service.database.transaction("test") as session:
        assert await session.scalar(sa.text("SELECT 1")) == 1


def test_both_spellings_of_an_address():
    assert driver_url("postgres://u@h/d") == driver_url("postgresql://u@h/d")
    assert driver_url("postgres://u@h/d").drivername == "postgresql+psycopg"
