from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from simcheck import clock
from simcheck.errors import InvalidError, NotFoundError
from simcheck.holders import confirm, disown
from simcheck.holders import records as holders_records
from simcheck.holders.models import Means
from simcheck.messages.words import Language
from simcheck.review import dossier, known, records, unmask
from simcheck.review.difference import Kind
from simcheck.review.records import Asked
from tests.building import row
from tests.holding import AN, BINH, a_country, case_of, national
from tests.reviewing import acting
from tests.running import NOON

pytestmark = pytest.mark.anyio


@pytest.fixture
async def country(service, owner, tmp_path):
    """A row whose name is another one, three more under the same ID, one whose ID nobody bears."""
    owner.execute("INSERT INTO carrier VALUES ('viettel', now()) ON CONFLICT DO NOTHING")
    rows = [
        row(1, AN, full_name="Tran Van Anh"), row(2, AN), row(3, AN), row(4, AN, full_name="Nguyễn Hữu Sai"),
        row(5, BINH, id_number="001188999999"),
    ]  # fmt: skip
    with clock.fixed(NOON):
        await a_country(service, tmp_path, rows)
        yield


async def test_a_case_is_shown_masked(service, owner, country):
    case, _ = case_of(owner, service.keyring, 1)
    found = await acting(service, "lan", lambda s: dossier.of(s, service, case))
    assert found.is_masked
    both = await records.read(service, found.wanted)
    assert (both.number, both.asked, both.status) == (
        "+84******001", Asked.SOMEBODY, "active",
    )  # fmt: skip
    name, identity, born = both.rows
    assert (name.written, name.registered) == ("T••• V•• A••", "T••• V•• A•")
    assert [each.kind for each in name.pieces] == [
        Kind.SAME,
        Kind.MARK,
        Kind.SAME,
        Kind.MARK,
        Kind.SAME,
        Kind.EXTRA,
    ]
    assert identity.registered == "•" * 9 + AN.id_number[-3:]
    assert born.registered == "••/••/1990"
    assert [each.reason.name for each in found.reasons] == ["NAME_DIFFERENT", "SIM_LIMIT_PER_CARRIER"]
    assert found.reasons[0].text[Language.VI] == "Họ tên là của người khác."
    assert AN.full_name not in repr(found)
    assert AN.id_number not in repr(found)


async def test_what_is_known_of_a_case_is_masked_and_part_of_the_look(service, owner, country):
    case, _ = case_of(owner, service.keyring, 1)
    seen = "SELECT actor, subject FROM audit WHERE act = 'case.seen'"
    its = [("person:lan", f"case/{case}")]
    await acting(service, "lan", lambda s: dossier.of(s, service, case))
    shown, found = await acting(service, "lan", lambda s: known.of(s, service, case))
    assert owner.execute(seen).fetchall() == its  # one look, one row
    assert shown.id == case
    assert [change.said(Language.EN).partition(": ")[2] for _, change in found.history] == [
        "A check opened the case"
    ]
    assert (len(found.others), found.others_total) == (3, 3)
    assert [each.number for each in found.others if each.case_id] == ["+84******004"]
    assert {each.number for each in found.others} == {f"+84******00{n}" for n in (2, 3, 4)}
    assert [each.case_id for each in found.mates] == [case]
    assert (found.claims, found.notices, found.earlier) == ([], [], [])
    assert AN.full_name not in repr(found)
    with clock.fixed(NOON + timedelta(minutes=2)):
        await acting(service, "lan", lambda s: known.of(s, service, case))
    await acting(service, "binh", lambda s: known.of(s, service, case))
    assert owner.execute(f"{seen} ORDER BY seq").fetchall() == [*its, *its, ("person:binh", its[0][1])]
    with pytest.raises(NotFoundError):
        await acting(service, "lan", lambda s: known.of(s, service, uuid.uuid4()))


async def test_the_newest_of_many_others_and_of_all_there_are(service, owner, country, monkeypatch):
    case, _ = case_of(owner, service.keyring, 1)
    monkeypatch.setattr(known, "MOST_OTHERS", 2)
    _, found = await acting(service, "lan", lambda s: known.of(s, service, case))
    assert (len(found.others), found.others_total) == (2, 3)
    assert found.others[0].case_id  # those with an open case first


async def test_a_look_in_clear_says_what_for(service, owner, country):
    case, _ = case_of(owner, service.keyring, 1)
    with pytest.raises(InvalidError, match="deciding"):
        await acting(service, "lan", lambda s: unmask.look(s, service, case, "curious"))
    with pytest.raises(NotFoundError):
        await acting(service, "lan", lambda s: unmask.look(s, service, uuid.uuid4(), "deciding"))
    assert owner.execute("SELECT count(*) FROM audit WHERE act = 'case.unmasked'").fetchone() == (0,)
    found, beside = await acting(service, "lan", lambda s: unmask.look(s, service, case, "deciding"))
    assert not found.is_masked
    both = await records.read(service, found.wanted)
    assert both.number == f"+84{national(1)}"
    name, identity, born = both.rows
    assert (name.written, name.registered) == ("Tran Van Anh", AN.full_name)
    assert (identity.registered, born.registered) == (AN.id_number, "25/05/1990")
    assert {each.number for each in beside.others} == {f"+84{national(n)}" for n in (2, 3, 4)}
    said = owner.execute("SELECT actor, subject, detail FROM audit WHERE act = 'case.unmasked'").fetchall()
    assert said == [("person:lan", f"case/{case}", {"purpose": "deciding", "others": 3})]


async def test_of_a_number_that_nobody_bears_the_register_says_so(service, owner, country):
    case, _ = case_of(owner, service.keyring, 5)
    found = await acting(service, "lan", lambda s: dossier.of(s, service, case))
    both = await records.read(service, found.wanted)
    assert (both.asked, both.status) == (Asked.NOBODY, None)
    assert {each.registered for each in both.rows} == {""}
    owner.execute("UPDATE register_snapshot SET state = 'retired', retired_at = now()")
    silent = await acting(service, "lan", lambda s: dossier.of(s, service, case))
    both = await records.read(service, silent.wanted)
    assert (both.asked, both.now) == (Asked.SILENT, None)


@pytest.mark.parametrize("declared", ["200000777", "001088000099"])
async def test_whoever_bore_the_number_before_stands_beside_it(service, owner, tmp_path, declared):
    """An old number of nine digits, one of twelve that was cancelled: the register is asked once for both."""
    owner.execute("INSERT INTO carrier VALUES ('viettel', now()) ON CONFLICT DO NOTHING")
    one = AN._replace(old_id_number="200000777", previous_id_number="001088000099")
    paper = "cmnd" if len(declared) == 9 else "cccd"
    with clock.fixed(NOON):
        rows = [row(1, one, id_number=declared, id_type=paper)]
        await a_country(service, tmp_path, rows, [one, BINH])
        case, _ = case_of(owner, service.keyring, 1)
        found, _ = await acting(service, "lan", lambda s: unmask.look(s, service, case, "deciding"))
        both = await records.read(service, found.wanted)
    assert (both.asked, both.now.person) == (Asked.SOMEBODY, int(AN.id_number))
    assert [each.registered for each in both.rows] == [AN.full_name, AN.id_number, "25/05/1990"]


async def test_the_holders_answers_stand_in_the_case_and_in_its_column(service, owner, country):
    case, _ = case_of(owner, service.keyring, 1)

    async def answer(session):
        its = await holders_records.find(session, "viettel", service.keyring.token("msisdn", national(1)))
        await confirm.confirm(session, service, its, Means.SMS)

    async def refuse(session):
        its = await holders_records.find(session, "viettel", service.keyring.token("msisdn", national(1)))
        await disown.disown(session, service, its, Means.PAGE)

    said = 'SELECT answer FROM "case" WHERE id = %s'
    assert owner.execute(said, [case]).fetchone() == (None,)
    await acting(service, "x", answer)
    assert owner.execute(said, [case]).fetchone() == ("confirmed",)
    await acting(service, "x", refuse)
    assert owner.execute(said, [case]).fetchone() == ("disowned",)
    _, found = await acting(service, "lan", lambda s: known.of(s, service, case))
    assert [each.means for each in found.confirmations] == ["sms"]
    assert [event.move for event, _ in found.history] == ["opened", "evidence", "disowned"]


async def test_a_record_that_is_gone_leaves_the_case_to_be_read(service, owner, country):
    case, _ = case_of(owner, service.keyring, 1)
    owner.execute(
        "DELETE FROM subscription WHERE msisdn_token = %s", [service.keyring.token("msisdn", national(1))]
    )
    found = await acting(service, "lan", lambda s: dossier.of(s, service, case))
    assert (found.wanted, found.subscription) == (None, None)
    assert await records.read(service, found.wanted) is None
