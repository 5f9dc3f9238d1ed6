from __future__ import annotations

from asyncio import to_thread

import pytest

from simcheck.reports.invariants import INVARIANTS
from tests import reporting

pytestmark = pytest.mark.anyio


async def test_an_empty_service_adds_up(command, owner):
    code, said, error = await to_thread(command, "invariants")
    assert (code, error) == (0, "")
    assert said.count("adds up") == len(INVARIANTS)
    assert owner.execute("SELECT count(*) FROM invariant_check").fetchone() == (len(INVARIANTS),)


async def test_what_is_off_is_named(command, owner):
    reporting.a_country(owner, rows=30)
    code, said, error = await to_thread(command, "invariants", "cases", "case_history", "--rows", "2")
    assert code == 1
    assert "1 of 2 do not add up" in error
    assert "Cases = beginnings in their history: 30 <> 0" in said
    assert said.count("1 <> 0") == 2
    code, _, error = await to_thread(command, "invariants", "everything")
    assert code == 2
    assert "there is no such equality" in error
