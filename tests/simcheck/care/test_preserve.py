"""Orders to preserve: what they hold for, and what cannot be ordered."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from simcheck.care import preserve
from simcheck.errors import ConflictError, InvalidError, NotFoundError
from simcheck.holders import owed
from simcheck.sending import sweeps
from tests.caring import ended

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
