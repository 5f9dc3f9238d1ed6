from __future__ import annotations

import asyncio
import datetime
import json
import unicodedata
import uuid
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.holders import find_due
from simcheck import clock
from simcheck.cases.states import State
from simcheck.crosscheck.models import Subscription
from simcheck.errors import ConflictError, InvalidError, TooManyError, UnavailableError
from simcheck.holders import correct, disown, records, sessions
from simcheck.holders.correct import Check, Fault, Given, Submitted
from simcheck.holders.models import Correction, Means, Outcome
from simcheck.matching.rules import VERDICTS
from simcheck.register import keeping
from tests import building, holding
from tests.building import AS_OF, citizen, country, full_names, row
from tests.holding import AN, BINH, CHI, case_of, held, national, state_of, wrong_name
from tests.running import NOON, a_file, a_register, final

pytestmark = pytest.mark.anyio
TRUE = Given(BINH.id_number, BINH.full_name, BINH.date_of_birth)


def shown(id_number="", full_name="", date_of_birth=""):
    return correct.preview(Given(id_number, full_name, date_of_birth), AS_OF)


def test_how_typed_cells_are_read():
    seen = shown(" 001 188.000-002 ", "  Lê   Thị\u200b Bình ", "3/2/1988")
    assert (seen.read, seen.faults, seen.strange) == (TRUE, (), ())
    assert (
        shown("００１１８８０００００２", unicodedata.normalize("NFD", "Lê Thị Bình"), "1988-02-03") == seen
    )
    assert shown("123 456 789", "H'Hen Niê", "1992").read == Given("123456789", "H'Hen Niê", "1992")
    assert shown(BINH.id_number, "Y-Bion", "05/1988").read.date_of_birth == "1988-05"
    assert shown(BINH.id_number, BINH.full_name, "1999-01-01").strange == (Fault("id_number", "conflict"),)


@pytest.mark.parametrize(
    ("cells", "faults"),
    [
        ({}, {"id_number": "missing", "full_name": "missing", "date_of_birth": "missing"}),
        ({"id_number": "1234"}, {"id_number": "malformed"}),
        ({"id_number": BINH.id_number[1:]}, {"id_number": "malformed"}),
        ({"id_number": "OO1188000002"}, {"id_number": "malformed"}),
        ({"id_number": "B1234567"}, {"id_number": "malformed"}),
        ({"full_name": "Lê Thị 8ình"}, {"full_name": "malformed"}),
        ({"full_name": "-"}, {"full_name": "malformed"}),
        ({"full_name": "=cmd()"}, {"full_name": "malformed"}),
        ({"full_name": "Bình\r\nBcc: x@y.vn"}, {"full_name": "malformed"}),
        ({"full_name": "Lê " * 40}, {"full_name": "long"}),
        ({"date_of_birth": "31/02/1988"}, {"date_of_birth": "impossible"}),
        ({"date_of_birth": "2999-01-01"}, {"date_of_birth": "impossible"}),
        ({"date_of_birth": "yesterday"}, {"date_of_birth": "malformed"}),
    ],
)
def test_what_stops_a_form(cells, faults):
    given = {**asdict(TRUE), **cells} if cells else dict.fromkeys(correct.FIELDS, "")
    assert {each.field: each.code for each in shown(**given).faults} == faults


@given(st.text(max_size=40), st.text(max_size=60), st.text(max_size=30))
def test_what_was_read_is_read_the_same_again(id_number, full_name, date_of_birth):
    seen = shown(id_number, full_name, date_of_birth)
    again = correct.preview(seen.read, AS_OF)
    assert again.faults == seen.faults or seen.faults
    if not seen.faults:
        assert again == seen
        assert all(each.isprintable() for each in asdict(seen.read).values())


@given(full_names(1, 7))
def test_every_vietnamese_name_can_be_typed(name):
    for form in ("NFC", "NFD"):
        seen = shown(BINH.id_number, unicodedata.normalize(form, name.lower()), BINH.date_of_birth)
        assert seen.faults == ()
        assert seen.read.full_name == name.lower()


async def test_what_agrees_closes_the_case(service, owner, keyring, tmp_path):
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1, row_ref="KH-1"), wrong_name(2, CHI)])
        holder, form = await held(service, owner, 1), uuid.uuid4()
        said = Given(BINH.id_number, "LE THI BINH", "03-02-1988")
        before = owner.execute("SELECT verdict, reasons, facts FROM subscription ORDER BY row").fetchall()
        assert await holding.put_right(service, holder, said, form) == Submitted(Outcome.AGREES, State.CLOSED)
        # The same form once more is the same correction; another one has nothing left to correct.
        assert await holding.put_right(service, holder, said, form) == Submitted(
            Outcome.AGREES, State.CLOSED, again=True
        )
        with pytest.raises(ConflictError, match="nothing to correct"):
            await holding.put_right(service, holder, said)
    assert state_of(owner, holder.case_id) == ("closed", "corrected", "corrected")
    assert state_of(owner, case_of(owner, keyring, 2)[0])[0] == "with_holder"
    # The ledger is not touched: the gate's answer turns when the carrier mends its record.
    after = owner.execute("SELECT verdict, reasons, facts FROM subscription ORDER BY row").fetchall()
    assert after == before
    [kept] = await holding.all_of(service, Correction)
    assert correct.cells_of(keyring, kept) == Given(BINH.id_number, "LE THI BINH", "1988-02-03")
    assert (kept.carrier, kept.row, kept.made_by) == ("viettel", 1, holder.actor)
    assert kept.verdict is not None
    assert VERDICTS[kept.verdict].value == "variant"
    assert BINH.id_number.encode() not in kept.cells
    whole = owner.execute("SELECT json_agg(a)::text FROM (SELECT * FROM audit) AS a").fetchone()[0]
    assert '"outcome": "agrees"' in whole
    for secret in (BINH.id_number, "BINH", "1988-02-03", str(national(1))):
        assert secret not in whole


async def test_what_does_not_agree_goes_to_staff(service, owner, keyring, tmp_path):
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1)])
        holder, form = await held(service, owner, 1), uuid.uuid4()
        said = replace(TRUE, full_name="Phạm Thị Lan")
        first = await holding.put_right(service, holder, said, form)
        assert first == Submitted(Outcome.DIFFERS, State.WITH_STAFF)
        assert (
            await holding.put_right(service, holder, TRUE, form)
        ).outcome is Outcome.DIFFERS  # a replay tells nothing
        # While staff look, more can be said; and what agrees then still closes the case.
        assert (await holding.put_right(service, holder, said)).state is State.WITH_STAFF
        assert (await holding.put_right(service, holder, TRUE)).state is State.CLOSED
    events = owner.execute(
        "SELECT move, reason, evidence FROM case_event WHERE move <> 'opened' ORDER BY id"
    ).fetchall()
    assert [each[:2] for each in events] == [
        ("answered", "does_not_agree"), ("evidence", "does_not_agree"), ("corrected", "holder_corrects")
    ]  # fmt: skip
    evidence = keyring.open(events[0][2], f"case_event/evidence/{holder.case_id}")
    assert json.loads(evidence)["full_name"] == "Phạm Thị Lan"
    assert owner.execute("SELECT count(*) FROM correction").fetchone() == (3,)


async def test_tries_are_few(service, owner, tmp_path):
    """Of a number, and of a person's ID number however many numbers ask; both also when asked at once."""
    wrong = replace(TRUE, date_of_birth="1971-01-01")
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1), wrong_name(2)])
        holder, other = await held(service, owner, 1), await held(service, owner, 2)
        done = await asyncio.gather(
            *(holding.put_right(service, holder, wrong) for _ in range(7)), return_exceptions=True
        )
        assert [type(each) for each in done].count(TooManyError) == 2
        assert {each.outcome for each in done if isinstance(each, Submitted)} == {Outcome.DIFFERS}
        with pytest.raises(TooManyError, match="help desk"):
            await holding.put_right(service, holder, TRUE)
        assert (await holding.put_right(service, other, TRUE)).outcome is Outcome.AGREES
    assert owner.execute("SELECT count(*) FROM correction").fetchone() == (6,)
    with clock.fixed(NOON + datetime.timedelta(days=1)):
        holder = await held(service, owner, 1)
        assert (await holding.put_right(service, holder, TRUE)).outcome is Outcome.AGREES


async def test_one_person_is_asked_about_only_so_often(service, owner, tmp_path, monkeypatch):
    monkeypatch.setattr(correct, "PERSON", correct.Limit("corrections-person", 1, 2))
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1), wrong_name(2)])
        holders = [await held(service, owner, 1), await held(service, owner, 2)]
        for holder in holders:
            await holding.put_right(service, holder, replace(TRUE, full_name="Phạm Lan"))
        with pytest.raises(TooManyError):
            await holding.put_right(service, holders[0], TRUE)
        other = Given(CHI.id_number, CHI.full_name, CHI.date_of_birth)
        assert (await holding.put_right(service, holders[0], other)).outcome is Outcome.AGREES


async def test_other_peoples_forms_and_states(service, owner, keyring, tmp_path):
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1), wrong_name(2)])
        holder, other, form = await held(service, owner, 1), await held(service, owner, 2), uuid.uuid4()
        await holding.put_right(service, holder, replace(TRUE, full_name="Phạm Lan"), form)
        with pytest.raises(ConflictError, match="sent already"):
            await holding.put_right(service, other, TRUE, form)
        with pytest.raises(InvalidError, match="full_name"):
            await holding.put_right(service, other, replace(TRUE, full_name="x\0;"))
        async with other.transaction(service) as session:
            found = await records.find(session, "viettel", other.msisdn_token)
            await disown.disown(session, service, found, Means.PAGE)
        with pytest.raises(ConflictError, match="nothing to correct"):
            await holding.put_right(service, other, TRUE)
        async with service.database.transaction("public", ministry=True) as session:
            person = await sessions.start_identity(session, keyring, AN.id_number)
        with pytest.raises(InvalidError, match="Prove"):
            await holding.put_right(service, person.holder, TRUE)
        owner.execute("UPDATE register_snapshot SET state = 'retired'")
        with pytest.raises(UnavailableError):
            await holding.put_right(service, holder, TRUE)
    assert owner.execute("SELECT count(*) FROM correction").fetchone() == (1,)


async def test_what_others_claim_no_holder_can_settle(service, owner, tmp_path):
    """A number on two rows of the carrier for two people, and one that another carrier declares too."""
    with clock.fixed(NOON):
        rows = [wrong_name(1), wrong_name(2), row(2, AN)]
        await holding.a_country(service, tmp_path, rows)
        await a_file(service, "itel", [row(1, CHI)])
        await holding.checked(service)
        for number in (1, 2):
            holder = replace(await held(service, owner, number), carrier="viettel")
            done = await holding.put_right(service, holder, TRUE)
            assert (done.outcome, done.state) == (Outcome.DIFFERS, State.WITH_STAFF), number


async def test_it_is_the_check_of_a_run(service, owner, tmp_path):
    """Whatever the record was: a correction is judged as the same cells are in the carrier's next file."""
    citizens, [file, *_] = country(23, 80, 150)
    chance = building.random.Random(5)
    people = [citizen(each * 31 + 5, f"Lê Văn {each}".replace(str(each), "Tú")) for each in range(3)]
    rows = [dict(each) for each in file.rows if not each.get("problem")]
    with clock.fixed(NOON):
        await a_register(service, tmp_path, citizens)
        await a_file(service, file.carrier, rows)
        await holding.checked(service)
        judged, mended = [], []
        async with service.database.transaction("test", ministry=True) as session:
            found = await session.scalars(correct.sa.select(Subscription).order_by(Subscription.row))
            for each in found:
                whose = chance.choice([*citizens, *people])
                said = Given(
                    chance.choice([whose.id_number, whose.id_number, citizens[0].id_number]),
                    chance.choice([whose.full_name, building.bare(whose.full_name), "Lê Sai"]),
                    chance.choice([whose.date_of_birth, "1990-05-25"]),
                )
                read = correct.preview(said, AS_OF).read
                register = await keeping.counting(session, service)
                again = await correct.check(service, Check(uuid.uuid4(), each, read, register))
                judged.append((again.verdict.value, frozenset(building.reasons_of(again.reasons))))
                mended.append(rows[each.row - 1] | asdict(read))
    with clock.fixed(NOON + holding.HOUR):
        await a_file(service, file.carrier, mended)
        await holding.checked(service)
    limits = {"SIM_LIMIT_PER_CARRIER", "SIM_LIMIT_TOTAL", "MSISDN_DUPLICATE_IN_CARRIER"}
    told = final(owner, service, file.carrier)
    assert len({each.verdict for each in told}) >= 3
    for (verdict, reasons), each in zip(judged, told, strict=True):
        assert reasons - limits == each.reasons - limits
        if not {"MSISDN_DUPLICATE_IN_CARRIER"} & reasons:
            assert verdict == each.verdict


async def test_a_record_that_changed_while_the_register_was_asked_is_checked_again(service, owner, tmp_path):
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1)])
        holder = await held(service, owner, 1)
        async with holder.transaction(service) as session:
            kept = await correct.keep(session, service, holder, TRUE, uuid.uuid4())
        found = await correct.check(service, kept)
    with clock.fixed(NOON + holding.HOUR):
        await a_file(service, "viettel", [wrong_name(2), wrong_name(1, CHI)])
        await holding.checked(service)
        async with holder.transaction(service) as session:
            done = await correct.finish(session, service, kept, found)
        assert done == Submitted(Outcome.WAITING, State.WITH_HOLDER)
        await find_due(service)
        await holding.checked(service)
        async with holder.transaction(service) as session:
            done = await correct.finish(session, service, kept, found)
    assert done == Submitted(Outcome.AGREES, State.CLOSED)
