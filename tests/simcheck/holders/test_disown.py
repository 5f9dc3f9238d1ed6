from __future__ import annotations

import pytest

from simcheck import clock
from simcheck.holders import disown, records
from simcheck.holders.models import Means
from tests import holding
from tests.building import row
from tests.holding import AN, case_of, national, state_of, wrong_name
from tests.running import NOON

pytestmark = pytest.mark.anyio


async def say(service, number, means=Means.PAGE):
    async with service.database.transaction("holder:x", "viettel") as session:
        found = await records.find(session, "viettel", service.keyring.token("msisdn", national(number)))
        return (await disown.disown(session, service, found, means)).id


async def test_not_mine(service, owner, keyring, tmp_path):
    """With a case and without; said again, it changes nothing; whoever asks before a code is told no."""
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1), row(2, AN)])
        case_id, _ = case_of(owner, keyring, 1)
        assert await say(service, 1) == await say(service, 1, Means.SMS) == case_id
        begun = await say(service, 2, Means.SIGN_IN)
    assert state_of(owner, case_id) == state_of(owner, begun) == ("disowned", None, "disowned")
    contested = owner.execute("SELECT contested FROM subscription").fetchall()
    assert contested == [(True,), (True,)]
    moves = owner.execute("SELECT move, reason FROM case_event WHERE move <> 'opened' ORDER BY id").fetchall()
    assert moves == [("disowned", "by_page"), ("disowned", "by_sign_in")]


async def test_in_a_dispute_it_is_evidence(service, owner, keyring, tmp_path):
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1)])
        case_id, _ = case_of(owner, keyring, 1)
        owner.execute(
            "UPDATE \"case\" SET state = 'disputed', acts = 'staff', target_at = now(), clock_left = NULL"
            " WHERE id = %s", [case_id],
        )  # fmt: skip
        assert await say(service, 1) == case_id
    assert state_of(owner, case_id)[0] == "disputed"
    [(move, reason, evidence)] = owner.execute(
        "SELECT move, reason, evidence FROM case_event WHERE move <> 'opened'"
    ).fetchall()
    assert (move, reason) == ("evidence", "by_page")
    assert b"not mine" in keyring.open(evidence, f"case_event/evidence/{case_id}")
