from __future__ import annotations

import datetime

import pytest

from jobs.reports import check_invariants, count_country, count_flow
from simcheck import clock
from simcheck.reports import invariants
from simcheck.reports.invariants import _SUMS, INVARIANTS, KEPT
from tests.building import row
from tests.holding import AN, BINH, CHI, a_country, wrong_name
from tests.running import NOON

pytestmark = pytest.mark.anyio
# What breaks in a table, and what has to be found.
BREAKS = {
    "UPDATE batch SET rows = rows + 1": {"batch_rows"},
    "UPDATE run SET rows = rows + 1": {"run_rows", "run_buckets"},
    "UPDATE run_bucket SET rows = rows + 1": {"run_buckets"},
    "UPDATE country_day SET subscriptions = subscriptions + 1": {"country"},
    "DELETE FROM country_day": {"country"},
    "UPDATE subscription SET verdict = 0": {"country"},
    "DELETE FROM \"case\"": {"wrong", "case_history"},
    "DELETE FROM case_event": {"case_history", "case_states"},
    "UPDATE \"case\" SET closed_at = now(), close_reason = 'gone', acts = 'staff'": {"cases"},
    "UPDATE \"case\" SET state = 'disowned'": {"case_states"},
    "UPDATE \"case\" SET pending = true": {"pending"},
    """INSERT INTO notice_track (case_id, carrier, msisdn_token, reason_group, state, count)
       SELECT id, carrier, msisdn_token, 'name', 'active', 1 FROM "case" LIMIT 1""": {"notices"},
    """INSERT INTO message (id, key, kind, channel, language, template, state, address_token, parts, due_at,
           expires_at, made_at, changed_at, settled_at)
       VALUES (gen_random_uuid(), 'k', 'code', 'sms', 'vi', '1', 'sent', 'x', 2, now(), now(), now(), now(),
           now())""": {"parts", "outcomes"},
    """INSERT INTO correction (id, carrier, case_id, msisdn_token, form, batch_id, row, outcome, made_by,
           made_at)
       VALUES (gen_random_uuid(), 'viettel', gen_random_uuid(), 'x', gen_random_uuid(), gen_random_uuid(), 1,
           'waiting', 'holder', now())""": {"corrections"},
    """INSERT INTO desk_decision (id, case_id, carrier, decision, reason, version, state, made_by, made_at,
           binds_at, settled_at)
       SELECT gen_random_uuid(), id, carrier, 'close', 'x', 1, 'bound', 'a', now(), now(), now()
       FROM "case" LIMIT 1""": {"decisions"},
    """INSERT INTO bulk_proposal (id, query, decision, reason, cases, sample, second, state, proposed_by,
           proposed_at, expires_at, begun_at, decided)
       VALUES (gen_random_uuid(), 'q', 'close', 'x', 1, '{}', false, 'approved', 'a', now(), now(), now(),
           1)""": {"bulk"},
    """INSERT INTO double_review (id, case_id, carrier, version, state_then, verdict, reasons, first_by,
           first_decision, first_reason, first_at)
       VALUES (gen_random_uuid(), gen_random_uuid(), 'viettel', 1, 'x', 2, 1, 'a', 'close', 'x', now())""":
        {"reviews"},
    """INSERT INTO double_review (id, case_id, carrier, version, state_then, verdict, reasons, first_by,
           first_decision, first_reason, first_at, second_by, second_decision, second_reason, second_at)
       SELECT gen_random_uuid(), id, carrier, 1, 'x', 2, 1, 'a', 'close', 'x', now(), 'b', 'close', 'x', now()
       FROM "case" LIMIT 1""": {"reviews"},
    """INSERT INTO order_batch (id, carrier, act, state, lines, proposed_by, proposed_at)
       VALUES (gen_random_uuid(), 'viettel', 'one_way', 'proposed', 1, 'a', now())""": {"order_lines"},
    """WITH made AS (
           INSERT INTO order_batch (id, carrier, act, state, lines, proposed_by, proposed_at,
               approved_by, sent_at, digest, size, done_at)
           VALUES (gen_random_uuid(), 'viettel', 'one_way', 'done', 1, 'a', now(), 'b', now(), 'x', 1,
               now())
           RETURNING id
       ) INSERT INTO order_line (order_id, line, carrier, msisdn_token, act, reason, evidence, made_at, state,
           outcome)
       SELECT id, 1, 'viettel', 'x', 'one_way', 'r', '{}', now(), 'unknown', 'unknown' FROM made""":
        {"orders_done"},
    """WITH made AS (
           INSERT INTO policy (version, text, digest, valid_from, state, made_by, made_at)
           VALUES ('1', '', '', now(), 'draft', 'a', now())
       ) INSERT INTO clock (carrier, msisdn_token, trigger, track, policy_version, started_at, step, step_at)
       VALUES ('viettel', 'x', 'disowned', 't', '1', now(), 1, now())""": {"clock_steps"},
    """INSERT INTO clock_event (carrier, msisdn_token, at, kind, step, actor)
       VALUES ('viettel', 'x', now(), 'reached', 1, 'a')""": {"carried_out"},
    """INSERT INTO flow_day SELECT day - 3, 'viettel', 'case_opened', 1
       FROM report_counted WHERE what = 'flow'""": {"flow"},
}  # fmt: skip


@pytest.fixture
async def checked_country(service, owner, tmp_path):
    """A carrier's file that was checked, with a case or two, as the service itself makes them."""
    with clock.fixed(NOON):
        await a_country(service, tmp_path, [row(0, AN), row(1, BINH), row(2, CHI), wrong_name(3)])
        await count_country(service)
        await count_flow(service)
    owner.execute("SET app.scope = 'ministry'")


async def checks(service, at=NOON) -> dict[str, invariants.Checked]:
    with clock.fixed(at):
        await check_invariants(service)
        async with service.database.transaction("test", ministry=True) as session:
            return {each.name: each for each in await invariants.newest(session)}


async def test_what_the_service_made_adds_up(checked_country, service):
    found = await checks(service)
    assert list(found) == list(INVARIANTS)
    assert {name: each.off for name, each in found.items() if each.off} == {}
    for name in ("batch_rows", "run_rows", "run_buckets", "country", "wrong", "cases", "case_history"):
        assert found[name].counted == found[name].accounted > 0, name
    assert found["batch_rows"].counted == 4


async def test_whatever_breaks_is_found(checked_country, owner):
    """Each equality is broken by something, by what concerns it alone."""

    def broken() -> set[str]:
        return {
            name
            for name, each in INVARIANTS.items()
            if owner.execute(_SUMS.format(lines=each.lines)).fetchone()[2]
        }

    for change, names in BREAKS.items():
        with owner.transaction(force_rollback=True):
            assert owner.execute(change).rowcount > 0, change
            assert broken() == names, change
    assert set().union(*BREAKS.values()) == set(INVARIANTS)
    assert broken() == set()


async def test_what_is_off_is_listed_until_it_is_mended(checked_country, service, owner):
    day = datetime.timedelta(days=1)
    assert (await checks(service))["batch_rows"].off_since is None
    owner.execute("UPDATE batch SET rows = rows + 7")
    first = (await checks(service, NOON + day))["batch_rows"]
    assert (first.counted, first.accounted, first.off, first.off_since) == (11, 4, 1, NOON + day)
    later = (await checks(service, NOON + 2 * day))["batch_rows"]
    assert (later.checked_at, later.off_since) == (NOON + 2 * day, NOON + day)
    batch = owner.execute("SELECT id FROM batch").fetchone()[0]
    async with service.database.transaction("test", ministry=True) as session:
        assert await invariants.off(session, INVARIANTS["batch_rows"]) == [("viettel", str(batch), 11, 4)]
        assert await invariants.off(session, INVARIANTS["batch_rows"], past=1) == []
    owner.execute("UPDATE batch SET rows = rows - 7")
    assert (await checks(service, NOON + 3 * day))["batch_rows"].off_since is None
    await checks(service, NOON + KEPT + 2.5 * day)
    kept = "SELECT min(checked_at) FROM invariant_check"
    assert owner.execute(kept).fetchone() == (NOON + 3 * day,)


async def test_a_run_that_is_not_counted_yet_breaks_nothing(checked_country, service, owner):
    owner.execute("UPDATE run SET published_at = published_at + interval '1 minute'")
    owner.execute("DELETE FROM country_day")
    assert (await checks(service))["country"][1:4] == (0, 0, 0)
