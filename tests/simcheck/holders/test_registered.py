from __future__ import annotations

from dataclasses import replace

import pytest

from simcheck import clock
from simcheck.cases import codes
from simcheck.cases.states import Closed, State
from simcheck.errors import InvalidError, NotFoundError
from simcheck.holders import records, registered, sessions
from simcheck.messages.words import Group, groups_of
from tests import holding
from tests.building import row
from tests.holding import AN, BINH, CHI, case_of, held, national, wrong_name
from tests.running import NOON, a_file

pytestmark = pytest.mark.anyio


async def shown(service, holder):
    async with holder.transaction(service) as session:
        return await registered.show(session, service, holder)


async def of(service, number, carrier="viettel"):
    async with service.database.transaction("test", ministry=True) as session:
        found = await records.find(session, carrier, service.keyring.token("msisdn", national(number)))
        return await registered.of(session, service, found)


async def test_a_record_is_masked(service, owner, keyring, tmp_path):
    rows = [
        wrong_name(1),
        row(2, AN),
        row(3, CHI, full_name="\u202eGian\u200b  Dối", id_number=" 001-075 000 003", date_of_birth="1980"),
        row(4, CHI, full_name="", id_number="", date_of_birth="no date"),
        row(5, CHI, date_of_birth="30/11/1975", id_number="", email="chi@example.vn"),
    ]
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, rows)
        holder = await held(service, owner, 1)
        seen = await shown(service, holder)
        case_id, code = case_of(owner, keyring, 1)
        assert seen == registered.Registered(
            carrier="viettel", number="+84******001", name="N. H. S.", id_number="*********002", born="1988",
            agrees=False, reasons=seen.reasons,
            case=registered.OpenCase(codes.shown(code), State.WITH_HOLDER, None, None), can_correct=True,
            can_disown=True,
        )  # fmt: skip
        assert groups_of(seen.reasons) == [Group.NAME]
        fine, hidden, empty, missing = [await of(service, number) for number in (2, 3, 4, 5)]
    assert (fine.agrees, fine.reasons, fine.case, fine.can_correct, fine.can_disown) == (
        True, 0, None, False, True
    )  # fmt: skip
    assert (hidden.name, hidden.id_number, hidden.born) == ("G. D.", "*********003", "1980")
    assert (empty.name, empty.id_number, empty.born, empty.agrees) == ("", "", "", False)
    assert groups_of(missing.reasons) == [Group.ID_MISSING]
    # Nothing that only the register knows, and nothing in full that the record has.
    told = f"{seen}{hidden}{empty}{missing}"
    for secret in (
        "Bình",
        "Ngọc",
        "Sai",
        BINH.id_number,
        CHI.id_number,
        "02-03",
        "11-30",
        "example",
        str(national(1)),
    ):
        assert secret not in told
    looks = owner.execute(
        "SELECT stream, actor, subject, detail FROM audit WHERE act = 'record.shown'"
    ).fetchall()
    assert len(looks) == 5
    assert looks[0] == (
        "record/viettel", holder.actor, f"msisdn/{keyring.token('msisdn', national(1)).hex()}",
        {"case": str(case_id)},
    )  # fmt: skip


async def test_what_is_over_and_what_is_gone(service, owner, tmp_path):
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1), wrong_name(2)])
        one, two = await held(service, owner, 1), await held(service, owner, 2)
    with clock.fixed(NOON + holding.HOUR / 2):
        await a_file(service, "viettel", [row(1, BINH)])
        await holding.checked(service)
        seen = await shown(service, one)
        assert seen.agrees
        assert seen.case is not None
        assert (seen.case.state, seen.case.closed, seen.can_correct) == (State.CLOSED, Closed.AGREES, False)
        with pytest.raises(NotFoundError, match="not declared"):
            await shown(service, two)


async def test_another_carriers_record_is_not_there(service, owner, keyring, tmp_path):
    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1)])
        holder = await held(service, owner, 1)
        with pytest.raises(NotFoundError):
            await shown(service, replace(holder, carrier="mobifone"))
        async with service.database.transaction("public", ministry=True) as session:
            person = await sessions.start_identity(session, keyring, AN.id_number)
        with pytest.raises(InvalidError, match="Choose"):
            await shown(service, person.holder)
