"""A bulk decision does to a case what `cases.decide` does to one, field by field."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs import bulk as jobs
from simcheck import clock
from simcheck.cases import find
from simcheck.cases.decide import Wanted
from simcheck.cases.decide import decide as make_move
from simcheck.cases.states import Who
from simcheck.review import bulk, bulk_moves, words
from simcheck.review.bulk import Wish
from simcheck.review.filters import Filter
from tests.publishing import Sim, run
from tests.reviewing import acting

pytestmark = pytest.mark.anyio
ROW = """
SELECT to_jsonb("case") - '{id,code,msisdn_token,clock_left}'::text[], contested,
       extract(epoch FROM clock_left),
       (SELECT jsonb_agg(to_jsonb(e) - '{id,case_id,evidence}'::text[] #- '{detail,bulk}' ORDER BY id)
        FROM case_event e WHERE case_id = "case".id AND move <> 'opened')
FROM "case" JOIN subscription USING (carrier, msisdn_token) WHERE "case".id = %s
"""


@pytest.fixture(autouse=True)
def carriers(owner):
    owner.execute("INSERT INTO carrier VALUES ('viettel', now())")


@pytest.mark.parametrize("decision", [each for each in bulk.decisions() if each != "release"])
@pytest.mark.parametrize("state", ["with_holder", "with_staff"])
async def test_one_by_one_and_in_bulk_are_the_same(service, owner, decision, state):
    await run(service, Sim("one"), Sim("two"))
    if state == "with_staff":
        owner.execute(
            "UPDATE \"case\" SET state = 'with_staff', acts = 'staff', target_at = now(), clock_left = NULL, "
            "escalated = true, snoozed_until = now(), contradicted = true, severity = 2"
        )
    async with service.database.transaction("test", ministry=True) as session:
        one, two = [each.case.id for each in await find.page(session, "viettel")]
    known = words.decisions()[decision]
    reason = next(iter(known.reasons))
    owner.execute("UPDATE \"case\" SET assignee = 'dung' WHERE id = %s", [two])
    wish = Wish(Filter(assigned=bulk.filters.Assigned.SOMEBODY), decision, reason)
    made = await acting(service, "lan", lambda s: bulk.draft(s, service, wish))
    await acting(service, "lan", lambda s: bulk.propose(s, service, made.id))
    if made.second:
        await acting(service, "binh", lambda s: bulk.approve(s, made.id))
    with clock.fixed(clock.now() + timedelta(hours=5)):
        await jobs.batch(service, str(made.id))
        wanted = Wanted(known.move, Who.STAFF, reason)
        referral = timedelta(days=service.settings.referral_days)
        if bulk_moves.move_of(decision).start >= {state}:
            await acting(
                service, "lan",
                lambda s: make_move(s, service.keyring, one, wanted, referral=referral),
            )  # fmt: skip
    owner.execute('UPDATE "case" SET assignee = NULL')
    assert owner.execute(ROW, [one]).fetchone() == owner.execute(ROW, [two]).fetchone()
    done = await acting(service, "test", lambda s: bulk.one(s, made.id))
    assert done.decided == (state in bulk_moves.move_of(decision).start)
