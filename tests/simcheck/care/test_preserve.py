"""Orders to preserve: what they hold for, and what cannot be ordered."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from simcheck import clock
from simcheck.care import preserve
from simcheck.care.kinds import KINDS, THINGS
from simcheck.care.models import PreservedRecord
from simcheck.crosscheck import tidy
from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.holders import owed
from simcheck.sending import sweeps
from tests.caring import ended
from tests.holding import BINH, CHI, checked, national, wrong_name
from tests.running import NOON, a_file

pytestmark = pytest.mark.anyio


async def test_the_words_of_a_preserved_number_stay(service, owner, keyring):
    for number in (1, 2):
        ended(owner, keyring, number, "1 year")
    owner.execute("UPDATE message SET text = 'x', address = 'x'")
    owner.execute("UPDATE correction SET cells = 'x', outcome = 'differs'")
    async with service.database.transaction("person:x", ministry=True) as session:
        order = await preserve.place(session, keyring, "0900 000 001", "court order 12/2026")
    for _ in range(2):
        async with service.database.transaction("job:x", ministry=True) as session:
            await sweeps.forget(session, timedelta(days=90))
            await owed.forget(session, timedelta(days=90))
    kept = [keyring.token("msisdn", 900_000_001)]
    for table, column in (("message", "text"), ("correction", "cells")):
        rows = owner.execute(f"SELECT msisdn_token FROM {table} WHERE {column} IS NOT NULL").fetchall()
        assert [row[0] for row in rows] == kept, table
    async with service.database.transaction("person:x", ministry=True) as session:
        assert [each.basis for each in await preserve.standing(session)] == ["court order 12/2026"]
        await preserve.lift(session, order)
        assert await preserve.standing(session) == []
    async with service.database.transaction("job:x", ministry=True) as session:
        assert await sweeps.forget(session, timedelta(days=90)) == 1
    acts = owner.execute("SELECT act FROM audit WHERE stream = 'preservation' ORDER BY seq").fetchall()
    assert acts == [("preservation.placed",), ("preservation.lifted",)]


async def test_what_cannot_be_ordered(service, keyring):
    async with service.database.transaction("person:x", ministry=True) as session:
        order = await preserve.place(session, keyring, "001090000011", "order 1")
        with pytest.raises(ConflictError):
            await preserve.place(session, keyring, "001090000011", "order 2")
        for of, basis in (("12345", "order"), ("0900000001", ""), ("0900000001", "x" * 201)):
            with pytest.raises(InvalidError):
                await preserve.place(session, keyring, of, basis)
        await preserve.lift(session, order)
        with pytest.raises(ConflictError):
            await preserve.lift(session, order)
        with pytest.raises(NotFoundError):
            await preserve.lift(session, uuid.uuid4())


@pytest.mark.parametrize("of", ["0900000001", BINH.id_number])
async def test_a_record_that_changes_or_ends_is_kept_as_it_was(country, owner, keyring, of):
    """Of a number, and of the person whom it named: what hangs on it stays held when it names another one."""
    async with country.database.transaction("person:x", ministry=True) as session:
        order = await preserve.place(session, keyring, of, "court order 12/2026")
    before = owner.execute("SELECT batch_id FROM subscription LIMIT 1").fetchone()[0]
    token, later = keyring.token("msisdn", national(1)), NOON + timedelta(hours=2)
    with clock.fixed(later):
        await a_file(country, "viettel", [wrong_name(1, CHI), wrong_name(2)])  # 3 is gone
        await checked(country)
    kept = sa.select(PreservedRecord.msisdn_token).where(PreservedRecord.batch_id == before)
    async with country.database.transaction("job:x", ministry=True) as session:
        assert f"declared/viettel/{before}" in (await tidy.in_use(session))["declared"]
        numbers = set(await session.scalars(kept))
        assert await session.scalar(sa.select(sa.func.preserved(token))) is True
        assert await preserve.copy_cells(session, country) >= len(numbers)
        assert await preserve.copy_cells(session, country) == 0
    theirs = {1} if of.startswith("09") else {1, 3}  # of 2 nothing changed
    assert numbers == {keyring.token("msisdn", national(number)) for number in theirs}
    assert not any(
        b"Sai" in cells for (cells,) in owner.execute("SELECT cells FROM preserved_record").fetchall()
    )
    async with country.database.transaction("operator", ministry=True) as session:
        found = await preserve.kept(session, keyring, order)
        with pytest.raises(NotFoundError):
            await preserve.kept(session, keyring, uuid.uuid4())
    [own] = [each for each in found if each.row["msisdn_token"] == f"\\x{token.hex()}"]
    assert (own.carrier, own.at, own.cells["full_name"]) == ("viettel", later, "Nguyễn Hữu Sai")
    assert own.cells["id_number"] == BINH.id_number
    async with country.database.transaction("person:x", ministry=True) as session:
        await preserve.lift(session, order)
    owner.execute("UPDATE preservation SET lifted_at = %s", [NOON - timedelta(days=31)])
    kind = KINDS["preserved_records"]
    async with country.database.transaction("job:x", ministry=True) as session:
        limit = NOON - timedelta(days=30)
        assert (await kind.count(session, country, limit)).due == len(found)
        assert (await kind.remove(session, country, limit))[THINGS] == len(found)


async def test_cells_that_the_lake_has_lost_are_said_to_be_lost(country, owner, keyring):
    async with country.database.transaction("person:x", ministry=True) as session:
        order = await preserve.place(session, keyring, "0900000001", "court order 12/2026")
    owner.execute(
        "INSERT INTO preserved_record (preservation_id, carrier, msisdn_token, kept_at, record, batch_id,"
        " bucket, row) VALUES (%s, 'viettel', %s, now(), '{}', gen_random_uuid(), 0, 1)",
        [order, keyring.token("msisdn", national(1))],
    )
    async with country.database.transaction("job:x", ministry=True) as session:
        assert await preserve.copy_cells(session, country) == 1
        assert [each.cells for each in await preserve.kept(session, keyring, order)] == [None]
