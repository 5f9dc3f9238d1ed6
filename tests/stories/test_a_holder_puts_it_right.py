"""A holder reads a notice, corrects the record; the carrier mends it, and the gate says yes."""

from __future__ import annotations

import datetime
import re

import pytest

from jobs import notices
from simcheck import clock
from simcheck.cases import codes
from simcheck.holders import registered
from simcheck.holders.correct import Given
from simcheck.holders.models import Outcome
from tests import holding
from tests.building import row
from tests.holding import BINH, asked, national, sent, wrong_name
from tests.running import NOON, a_file, work

pytestmark = pytest.mark.anyio
DAY = datetime.timedelta(days=1)


async def test_from_the_notice_to_the_yes(http, token_of, service, owner, keyring, tmp_path):
    async def eligible() -> list[str]:
        relying = await token_of(None, "otp-checks")
        question = {"msisdn": f"+84{national(1)}", "id_number": BINH.id_number}
        said = (await http.post("/v1/otp-checks", json=question, headers=relying)).json()
        assert said["eligible"] is (said["reasons"] == [])
        return said["reasons"]

    with clock.fixed(NOON):
        await holding.a_country(service, tmp_path, [wrong_name(1)])
        await notices.follow(service)
    with clock.fixed(NOON + DAY):
        await notices.make_due(service)
        [first] = sent(owner, keyring)
        assert (first.kind, first.address) == ("first", f"84{national(1)}")
        [code] = [each for each in re.findall(r"[0-9A-Z]{5}-[0-9A-Z]{5}", first.text) if codes.read(each)]
        challenge = await asked(service, code, 1)
        [digits] = [holding.digits_in(each.text) for each in sent(owner, keyring) if each.kind == "code"]
        async with service.database.transaction("public", ministry=True) as session:
            proof = await holding.possession.prove(session, service, challenge, digits)
        assert proof.started is not None
        holder = proof.started.holder
        async with holder.transaction(service) as session:
            seen = await registered.show(session, service, holder)
        assert seen.case is not None
        assert seen.case.deadline is not None
        assert f"{seen.case.deadline:%d/%m/%Y}" in first.text
        said = Given(BINH.id_number, "Lê Thị Bình", "3/2/1988")
        done = await holding.put_right(service, holder, said)
        assert done.outcome is Outcome.AGREES
        assert sorted(each.kind for each in sent(owner, keyring)) == ["code", "first", "thanks"]
        # Nobody but the carrier makes a number good for one-time codes.
        assert await eligible() == ["NOT_VERIFIED"]
        carrier = await token_of("viettel")
        [correction] = (await http.get("/v1/corrections", headers=carrier)).json()["corrections"]
    with clock.fixed(NOON + DAY + holding.HOUR):
        await a_file(service, "viettel", [row(1, BINH, **correction["corrected"])])
        await work(service)
        taken, carrier = {"corrections": [correction["id"]]}, await token_of("viettel")
        assert (await http.post("/v1/corrections/acknowledge", headers=carrier, json=taken)).json() == {
            "acknowledged": 1
        }
        assert await eligible() == []
        await notices.follow(service)
    assert [each.kind for each in sent(owner, keyring)].count("thanks") == 1
