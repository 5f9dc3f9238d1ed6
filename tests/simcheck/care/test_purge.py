"""What a purge removes, what it holds back, and that its counts say so."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from simcheck import clock
from simcheck.care import preserve, purge, retention
from simcheck.care.kinds import KINDS, THINGS, Kind
from simcheck.enforcement.orders import find, send
from simcheck.enforcement.stops import appeals, standing
from simcheck.errors import NotFoundError
from simcheck.gate import chain
from simcheck.reports import invariants
from simcheck.reports.invariants import INVARIANTS
from tests.caring import ORDER, TABLES, ago, alive, ended, rows, token

pytestmark = pytest.mark.anyio


async def purged(service, actor: str = "job:care.purge"):
    """Purge; its counts by kind."""
    made = await purge.run(service, actor)
    async with service.database.transaction("test", ministry=True) as session:
        found = {each.kind: each for each in await purge.counts(session, made)}
        [newest] = [each for each in await purge.newest(session) if each.id == made]
    return newest, found


async def test_everything_of_a_number_that_ended_long_ago_goes(service, owner, keyring):
    ended(owner, keyring, 1, "2 years 1 day")
    ended(owner, keyring, 2, "1 year 11 months")
    before = rows(owner, *TABLES)
    run, counts = await purged(service)
    after = rows(owner, *TABLES)
    assert {table: count // 2 for table, count in before.items()} == after
    one = counts["ended_numbers"]
    assert (one.due, one.held, one.removed, one.remaining) == (1, 0, 1, 0)
    assert one.detail["rows"]["case_event"] == 2
    assert run.whole is True
    assert set(counts) == {rule.id for rule in retention.load().rules if rule.timed} == set(KINDS)
    acts = [row[0] for row in owner.execute("SELECT act FROM audit WHERE stream = 'purge' ORDER BY seq")]
    assert (acts[0], acts[-1]) == ("purge.begun", "purge.done")
    assert acts.count("purge.counted") == 1  # kinds of which nothing was due say nothing
    again, counts = await purged(service)
    assert (counts["ended_numbers"].due, again.whole) == (0, True)


async def test_an_order_remembers_how_many_of_its_lines_are_gone(service, owner, keyring):
    """Its answers go with the last line; what it says still adds up."""
    ended(owner, keyring, 1, "3 years")
    ended(owner, keyring, 2, "1 year")
    order = "SELECT lines, forgotten, (SELECT count(*) FROM order_answer) FROM order_batch"
    await purged(service)
    assert owner.execute(order).fetchall() == [(2, 1, 1)]
    owner.execute("UPDATE subscription_end SET ended_at = now() - interval '3 years'")
    owner.execute("UPDATE message SET settled_at = now() - interval '3 years'")
    owner.execute("UPDATE case_event SET at = now() - interval '3 years'")
    _, counts = await purged(service)
    assert owner.execute(order).fetchall() == [(2, 2, 0)]
    assert counts["ended_numbers"].detail["rows"]["order_answer"] == 1
    for name in ("order_lines", "orders_done", "clock_steps", "carried_out"):
        async with service.database.transaction("test", ministry=True) as session:
            assert await invariants.off(session, INVARIANTS[name]) == [], name


@pytest.mark.parametrize("preserved", [False, True])
async def test_files_of_orders_go_two_years_after_their_answer(service, owner, keyring, preserved):
    ended(owner, keyring, 1, "1 day")
    place = send.place("viettel", ORDER)
    with service.store.writing(f"{place}/part") as stream:
        stream.write(b"a file")
    if preserved:
        async with service.database.transaction("person:x", ministry=True) as session:
            await preserve.place(session, keyring, "0900000001", "court order 12/2026")
    _, counts = await purged(service)
    assert counts["order_files"].due == 0
    owner.execute("UPDATE order_batch SET sent_at = done_at - interval '3 years'")
    owner.execute("UPDATE order_batch SET done_at = %s", [ago(owner, "2 years 1 day")])
    _, counts = await purged(service)
    one = counts["order_files"]
    assert (one.due, one.held, one.removed) == (1, int(preserved), int(not preserved))
    assert bool(service.store.files(place)) is preserved
    async with service.database.transaction("client:x", "viettel") as session:
        order = await find.one_sent(session, ORDER)
        with nullcontext() if preserved else pytest.raises(NotFoundError, match="two years"):
            send.fetched(session, order)
    _, counts = await purged(service)
    assert counts["order_files"].due == int(preserved)
    assert rows(owner, "order_line") == {"order_line": 1}


async def test_a_file_that_was_not_removed_is_seen_on_the_disk_and_goes_the_next_time(
    service, owner, keyring, monkeypatch
):
    """Whatever the ledger says: what is said there is kept before anything goes."""
    ended(owner, keyring, 1, "1 day")
    owner.execute("UPDATE order_batch SET sent_at = now() - interval '3 years'")
    owner.execute("UPDATE order_batch SET done_at = now() - interval '3 years'")
    place = send.place("viettel", ORDER)
    service.store.write(f"{place}/part", b"a file")

    def fails(_: str) -> None:
        raise OSError("the store is away")

    with monkeypatch.context() as broken, pytest.raises(OSError, match="away"):
        broken.setattr(service.store, "remove_folder", fails)
        await purged(service)
    assert owner.execute("SELECT purged_at IS NOT NULL FROM order_batch").fetchone() == (True,)
    assert service.store.files(place)
    with monkeypatch.context() as broken:  # nor is it believed that it went
        broken.setattr(service.store, "remove_folder", lambda _: None)
        with pytest.raises(IntegrityError, match="purge_count_sum_check"):
            await purged(service)
    _, counts = await purged(service)
    one = counts["order_files"]
    assert (one.due, one.held, one.removed, one.remaining) == (1, 0, 1, 0)
    assert not service.store.files(place)


@pytest.mark.parametrize("why", ["alive", "open_case", "open_order", "preserved", "person", "request"])
async def test_what_may_not_go_stays_and_it_is_said_why(service, owner, keyring, why):
    case = ended(owner, keyring, 1, "3 years")
    before = rows(owner, *TABLES)
    if why == "alive":
        alive(owner, keyring, 1)
    elif why == "open_case":
        owner.execute('UPDATE "case" SET closed_at = NULL, close_reason = NULL WHERE id = %s', [case])
    elif why == "open_order":
        owner.execute("UPDATE order_line SET state = 'sent', outcome = NULL")
    elif why == "request":
        owner.execute(
            "INSERT INTO person_request (id, kind, state, means, language, msisdn_token, form, made_by,"
            " made_at, acknowledge_by, answer_by) VALUES (gen_random_uuid(), 'erase', 'received', 'page',"
            " 'vi', %s, gen_random_uuid(), 'x', now(), now(), now())", [token(keyring, 1)],
        )  # fmt: skip
    else:
        of = "0900000001" if why == "preserved" else "001090000011"
        async with service.database.transaction("person:x", ministry=True) as session:
            await preserve.place(session, keyring, of, "court order 12/2026")
        if why == "person":
            owner.execute('UPDATE "case" SET id_token = (SELECT id_token FROM preservation)')
    run, counts = await purged(service)
    one = counts["ended_numbers"]
    assert (one.due, one.held, one.removed, one.remaining) == (1, 1, 0, 0)
    assert one.detail["held"] == {"preserved" if why == "person" else why: 1}
    assert rows(owner, *TABLES) == before
    assert run.whole is True


async def test_of_a_number_that_is_declared_as_over_the_end_stays_known(service, owner, keyring):
    """Else its clock would begin anew with the carrier's next file."""
    ended(owner, keyring, 1, "3 years")
    alive(owner, keyring, 1, "over")
    await purged(service)
    assert rows(owner, *TABLES) == {"subscription_end": 1}
    assert owner.execute("SELECT forgotten_at IS NOT NULL FROM subscription_end").fetchone() == (True,)
    _, counts = await purged(service)
    assert counts["ended_numbers"].due == 0


async def test_nobody_can_have_younger_history_removed(service, owner, keyring):
    """Whatever a program says: the database keeps two years."""
    ended(owner, keyring, 1, "23 months")
    async with service.database.transaction("job:x", ministry=True) as session:
        kind, soon = KINDS["ended_numbers"], clock.now() + timedelta(days=1)
        assert (await kind.remove(session, service, soon))[THINGS] == 0
        assert (await kind.count(session, service, soon)).due == 1
        assert (await KINDS["otp_questions"].remove(session, service, soon))[THINGS] == 0
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        owner.transaction(),
    ):
        owner.execute("SET LOCAL ROLE simcheck_service")
        owner.execute("DELETE FROM case_event")


async def test_no_carriers_scope_removes_anything(service, owner, keyring):
    ended(owner, keyring, 1, "3 years")
    before = rows(owner, *TABLES)
    for carrier in ("mobifone", "viettel"):
        async with service.database.transaction("client:x", carrier) as session:
            assert (await KINDS["ended_numbers"].remove(session, service, clock.now()))[THINGS] == 0
            assert (await KINDS["loose_messages"].remove(session, service, clock.now()))[THINGS] == 0
    assert rows(owner, *TABLES) == before


async def test_what_others_should_have_removed_is_told_as_left(service, owner, keyring):
    owner.execute(
        "INSERT INTO holder_challenge (id, msisdn_token, number, language, made_at, expires_at)"
        " VALUES (gen_random_uuid(), '', '', 'vi', now(), %s)", [ago(owner, "3 days")],
    )  # fmt: skip
    run, counts = await purged(service)
    one = counts["challenges"]
    assert (one.due, one.held, one.removed, one.remaining) == (1, 0, 0, 1)
    assert run.whole is False


async def test_a_removal_that_says_more_than_it_did_undoes_itself(service, owner, keyring, monkeypatch):
    ended(owner, keyring, 1, "3 years")
    before, kind = rows(owner, *TABLES), KINDS["ended_numbers"]

    async def boast(*given):
        gone = await kind.remove(*given)
        return gone | {THINGS: gone[THINGS] * 2}

    monkeypatch.setitem(KINDS, "ended_numbers", Kind(kind.count, boast))
    with pytest.raises(IntegrityError, match="purge_count_sum_check"):
        await purged(service)
    assert rows(owner, *TABLES) == before
    assert owner.execute("SELECT ended_at, whole FROM purge_run").fetchall() == [(None, None)]


async def test_counts_that_do_not_add_up_cannot_be_kept(owner):
    owner.execute(
        "INSERT INTO purge_run (id, begun_at, begun_by, policy) VALUES (gen_random_uuid(), now(), 'x', '1')"
    )
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute(
            "INSERT INTO purge_count (run_id, kind, older_than, due, held, removed, remaining)"
            " SELECT id, 'x', now(), 3, 0, 1, 1 FROM purge_run"
        )


async def test_file_names_and_messages_of_no_case(service, owner, keyring):
    case = ended(owner, keyring, 1, "3 years")
    owner.execute("UPDATE subscription_end SET ended_at = now()")
    owner.execute("UPDATE message SET case_id = NULL")
    owner.execute(
        "INSERT INTO batch (id, carrier, client, kind, state, digest, bytes, file_name, received_at,"
        " changed_at) VALUES (gen_random_uuid(), 'viettel', 'c', 'snapshot', 'done', 'x', 1, 'sealed', %s,"
        " %s)",
        [ago(owner, "40 days")] * 2,
    )
    _, counts = await purged(service)
    assert (counts["loose_messages"].removed, counts["file_names"].removed) == (1, 1)
    assert owner.execute("SELECT file_name FROM batch").fetchall() == [(None,)]
    assert rows(owner, "message", "message_part") == {}
    assert owner.execute('SELECT id FROM "case"').fetchall() == [(case,)]


async def test_whatever_the_ledger_says_of_its_end_what_happened_lately_stays(service, owner, keyring):
    ended(owner, keyring, 1, "1 year")
    async with service.database.transaction("job:stolen", ministry=True) as session:
        await session.execute(sa.text("UPDATE subscription_end SET ended_at = '2000-01-01'"))
    _, counts = await purged(service)
    assert counts["ended_numbers"].detail["held"] == {"recent": 1}


async def test_a_kind_that_fails_keeps_no_other_from_being_purged(service, owner, keyring, monkeypatch):
    ended(owner, keyring, 1, "3 years")

    async def fails(*_):
        raise OSError("the store is away")

    monkeypatch.setitem(KINDS, "feedback_files", Kind(fails))
    with pytest.raises(OSError, match="away"):
        await purge.run(service, "job:care.purge")
    async with service.database.transaction("test", ministry=True) as session:
        [newest] = await purge.newest(session)
        counts = {each.kind: each.removed for each in await purge.counts(session, newest.id)}
    assert newest.ended_at is None
    assert counts["ended_numbers"] == 1
    assert set(counts) == set(KINDS) - {"feedback_files"}


APPEAL = """
INSERT INTO appeal (id, carrier, msisdn_token, state, means, language, step, telephone, words, made_by,
                    made_at, answer_by, settled_by, settled_at, reason)
VALUES (gen_random_uuid(), 'viettel', %(token)s, %(state)s, 'page', 'vi', 1, 'x', 'x', 'holder:x', %(at)s,
        %(at)s, 'person:x', %(at)s, CASE %(state)s WHEN 'rejected' THEN 'still_wrong' END)
"""


async def test_appeals_go_two_years_after_their_answer(service, owner, keyring):
    """One that was upheld waits until what it is about is undone; one of a preserved number stays."""
    owner.execute("INSERT INTO carrier (code, added_at) VALUES ('viettel', now())")
    for number, state, old in (
        (1, "rejected", "3 years"), (2, "rejected", "1 year"), (3, "upheld", "3 years"),
        (4, "rejected", "3 years"),
    ):  # fmt: skip
        alive(owner, keyring, number)
        owner.execute(APPEAL, {"token": token(keyring, number), "state": state, "at": ago(owner, old)})
    owner.execute(
        "INSERT INTO policy (version, text, digest, valid_from, state, made_by, made_at)"
        " VALUES ('1', '', '', now(), 'draft', 'person:x', now())"
    )
    owner.execute(
        "INSERT INTO clock (carrier, msisdn_token, trigger, track, policy_version, started_at, step, step_at)"
        " VALUES ('viettel', %s, 'disowned', 't', '1', now(), 1, now())", [token(keyring, 3)],
    )  # fmt: skip
    async with service.database.transaction("person:x", ministry=True) as session:
        order = await preserve.place(session, keyring, "0900000004", "court order 12/2026")
    async with service.database.transaction("job:x", ministry=True) as session:
        assert await appeals.forget(session, timedelta(days=730)) == 2
    _, counts = await purged(service)
    one = counts["appeals"]
    assert (one.due, one.removed, one.detail["held"]) == (3, 1, {"not_undone": 1, "preserved": 1})
    assert counts["appeal_words"].detail["held"] == {"preserved": 1}
    owner.execute("UPDATE clock SET step = 0, step_at = NULL")
    async with service.database.transaction("person:x", ministry=True) as session:
        await preserve.lift(session, order)
    _, counts = await purged(service)
    assert counts["appeals"].removed == 2
    assert owner.execute("SELECT msisdn_token FROM appeal").fetchall() == [(token(keyring, 2),)]


async def test_bars_go_two_years_after_they_were_lifted_or_ended(service, owner, keyring):
    bar = """
    INSERT INTO order_bar (id, kind, msisdn_token, basis, starts_at, ends_at, asked_by, asked_at,
                           confirmed_by, confirmed_at, lift_asked_by, lift_asked_at, lifted_by, lifted_at)
    VALUES (gen_random_uuid(), 'vital', %(token)s, %(basis)s, %(asked)s, %(ends)s, 'a', %(asked)s,
            %(confirmed)s, CASE WHEN %(confirmed)s::text IS NOT NULL THEN %(asked)s::timestamptz END,
            CASE WHEN %(lifted)s::timestamptz IS NOT NULL THEN 'a' END, %(lifted)s,
            CASE WHEN %(lifted)s::timestamptz IS NOT NULL THEN 'b' END, %(lifted)s)
    """
    old, lately, before = ago(owner, "3 years"), ago(owner, "1 year"), ago(owner, "4 years")
    for number, (basis, ends, confirmed, lifted) in enumerate((
        ("lifted", None, "b", old), ("lifted lately", None, "b", lately), ("ended", old, "b", None),
        ("ended lately", lately, "b", None), ("never confirmed", None, None, None),
        ("stands", None, "b", None),
    )):  # fmt: skip
        values = {"basis": basis, "ends": ends, "confirmed": confirmed, "lifted": lifted, "asked": before}
        owner.execute(bar, values | {"token": token(keyring, number)})
    _, counts = await purged(service)
    one = counts["order_bars"]
    assert (one.due, one.held, one.removed) == (3, 0, 3)
    left = {basis for (basis,) in owner.execute("SELECT basis FROM order_bar")}
    assert left == {"lifted lately", "ended lately", "stands"}
    asked = "SELECT bar_over_at(bar) - asked_at FROM order_bar AS bar"
    owner.execute("UPDATE order_bar SET confirmed_by = NULL, confirmed_at = NULL WHERE basis = 'stands'")
    days = timedelta(days=standing.UNCONFIRMED_DAYS)
    assert owner.execute(f"{asked} WHERE basis = 'stands'").fetchone() == (days,)


@pytest.mark.parametrize("of", ["number", "person"])
async def test_requests_and_their_files_are_preserved(service, owner, keyring, of):
    """Of a number, and of a person of whom there is no record at all."""
    numbers = (token(keyring, 1), token(keyring, 2)) if of == "number" else (None, None)
    people = (None, None) if of == "number" else (keyring.token("id", 1090000011), keyring.token("id", 2))
    old = ago(owner, "3 years")
    for msisdn, person in zip(numbers, people, strict=True):
        owner.execute(
            "WITH made AS (INSERT INTO person_request (id, kind, state, means, language, msisdn_token,"
            " id_token, form, made_by, made_at, acknowledge_by, answer_by, acknowledged_at, answered_at,"
            " answered_by, outcome) VALUES (gen_random_uuid(), 'copy', 'answered', 'staff', 'vi', %s, %s,"
            " gen_random_uuid(), 'x', %s, %s, %s, %s, %s, 'x', 'done') RETURNING id)"
            " INSERT INTO request_file (request_id, name, content, made_at) SELECT id, 'copy.json', 'x', %s"
            " FROM made", [msisdn, person, *[old] * 6],
        )  # fmt: skip
    async with service.database.transaction("person:x", ministry=True) as session:
        await preserve.place(session, keyring, "0900000001" if of == "number" else "001090000011", "order 1")
    _, counts = await purged(service)
    for kind in ("request_files", "requests"):
        one = counts[kind]
        assert (one.due, one.held, one.removed, one.remaining) == (2, 1, 1, 0), kind
    assert rows(owner, "person_request", "request_file") == {"person_request": 1, "request_file": 1}


@pytest.mark.parametrize("of", ["number", "person"])
async def test_questions_before_codes_are_preserved_by_whole_roots(service, owner, keyring, of):
    """The chain says which are kept, so that they are missed if they go. They go once the order is lifted."""
    person = keyring.token("id", 1090000011)
    for number in (1, 2, 3):
        owner.execute(
            "INSERT INTO otp_question (at, client, msisdn_token, id_token, eligible, reasons)"
            " VALUES (%s, 'c', %s, %s, true, 0)",
            [ago(owner, "3 years"), token(keyring, number), person if number == 2 else b""],
        )
        async with service.database.transaction("job:x", ministry=True) as session:
            assert await chain.link(session) == 1
    async with service.database.transaction("person:x", ministry=True) as session:
        order = await preserve.place(
            session, keyring, "0900000002" if of == "number" else "001090000011", "order 1"
        )
    _, counts = await purged(service)
    one = counts["otp_questions"]
    assert (one.due, one.held, one.removed) == (3, 1, 2)
    assert owner.execute("SELECT msisdn_token FROM otp_question").fetchall() == [(token(keyring, 2),)]

    async def fault():
        async with service.database.transaction("test", ministry=True) as session:
            return await chain.verify(session)

    assert await fault() is None
    with owner.transaction(force_rollback=True):
        owner.execute("DELETE FROM otp_question")
        assert [each[0] for each in owner.execute(chain.COMPARE.text)] == [2]
    async with service.database.transaction("person:x", ministry=True) as session:
        await preserve.lift(session, order)
    _, counts = await purged(service)
    assert counts["otp_questions"].removed == 1
    assert await fault() is None
