"""The drill counts whose data it is, says until when, and changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from simcheck.care import breach
from simcheck.care.breach import Leak
from simcheck.errors import InvalidError
from simcheck.messages.words import Language
from tests.holding import BINH
from tests.running import NOON

pytestmark = pytest.mark.anyio


async def drilled(service, *of, **more):
    async with service.database.transaction("operator", ministry=True) as session:
        return await breach.drill(session, service, *of, **more)


async def test_the_whole_database(country):
    found = await drilled(country, Leak.DATABASE)
    assert found.people["viettel"] == 3
    by_name = {each.name: each for each in found.touched}
    assert (by_name["subscription"].rows, by_name["subscription"].readable) == (3, "tokens")
    assert by_name["run"].readable == "none"
    assert found.notify_by - found.found_at == timedelta(hours=72)
    assert found.found_at == NOON
    assert not found.grave
    assert (await drilled(country, Leak.DATABASE, with_keys=True)).grave
    for language in Language:
        told = breach.notice(found, language)
        assert "VIETTEL: 3" in told
        assert BINH.full_name not in told
        assert breach.letter(found, language)


async def test_a_table_a_folder_a_carrier(country):
    assert (await drilled(country, Leak.TABLE, "subscription", "itel")).touched == []
    lake = await drilled(country, Leak.LAKE, "declared", "viettel")
    assert [(each.name, each.rows, each.people, each.readable) for each in lake.touched] == [
        ("declared", 1, {"viettel": 3}, "sealed")
    ]
    whole = await drilled(country, Leak.WHOLE_LAKE)
    assert {each.name for each in whole.touched} == {"declared", "findings", "feedback", "register"}
    assert whole.people[""] == 4  # the register's
    keys = await drilled(country, Leak.KEYS)
    assert {"subscription", "declared"} <= {each.name for each in keys.touched}
    assert keys.grave  # sealed data is read with them
    for leak, of in ((Leak.TABLE, "moons"), (Leak.LAKE, "moons")):
        with pytest.raises(InvalidError, match="moons"):
            await drilled(country, leak, of)


async def test_nothing_can_be_changed_in_a_drill(country):
    with pytest.raises(DBAPIError, match="read-only"):
        async with country.database.transaction("operator", ministry=True) as session:
            await breach.drill(session, country, Leak.TABLE, "case")
            await session.execute(sa.text("DELETE FROM subscription_end"))
