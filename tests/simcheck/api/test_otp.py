from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from simcheck import clock
from simcheck.config import Settings
from simcheck.errors import TooManyError
from simcheck.gate.reasons import Reason
from tests.serving import ISSUER
from tests.subscribed import ID, NUMBER, ago, published, register, subscribed

pytestmark = pytest.mark.anyio
GOOD = {"msisdn": NUMBER, "id_number": ID}
OTHER_ID = "001085000059"


@pytest.fixture
async def relying(token_of):
    return await token_of(None, "otp-checks")


@pytest.fixture
def run(owner, service):
    register(owner)
    return published(owner)


@pytest.fixture
def ask(http, relying):
    async def asked(**changes):
        return await http.post("/v1/otp-checks", json={**GOOD, **changes}, headers=relying)

    return asked


async def reasons(ask, **changes) -> list[str]:
    said = (await ask(**changes)).json()
    assert said["eligible"] is (said["reasons"] == [])
    return said["reasons"]


async def test_yes(ask, run, owner, service):
    subscribed(
        owner, service, run, sim_changed_at=ago(days=40, hours=1), device_changed_at=ago(days=9, hours=1)
    )
    said = await ask()
    assert said.status_code == 200
    as_of = datetime.fromisoformat(said.json().pop("as_of"))
    assert timedelta(hours=2) <= datetime.now(UTC) - as_of < timedelta(hours=3)
    assert said.json() | {"as_of": 0} == {
        "eligible": True, "reasons": [], "as_of": 0,
        "sim_changed_days": 40, "device_changed_days": 9, "tenure_days": 400,
    }  # fmt: skip


@pytest.mark.parametrize("written", ["0912345678", "84912345678", "+84 912 345 678", "912345678"])
async def test_a_number_is_read_however_it_is_written(written, ask, run, owner, service):
    subscribed(owner, service, run)
    assert await reasons(ask, msisdn=written, id_number="001 085 000 042") == []


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"verdict": "variant"}, ["NOT_VERIFIED"]),
        ({"verdict": "mismatch"}, ["NOT_VERIFIED"]),
        ({"verdict": "unverifiable"}, ["NOT_VERIFIED"]),
        ({"verdict": "rejected"}, ["NOT_VERIFIED"]),
        ({"status": "terminated"}, ["NOT_ACTIVE"]),
        ({"status": "a word nobody knows"}, ["NOT_ACTIVE"]),
        ({"status": " Hoạt động "}, []),
        ({"status": None}, []),
        ({"under_order": True}, ["UNDER_ORDER"]),
        ({"claimants": 2}, ["CLAIMED_TWICE"]),
        ({"sim_changed_at": ago(days=2)}, ["SIM_CHANGED"]),
        ({"sim_changed_at": ago(days=-1)}, ["SIM_CHANGED"]),
        ({"sim_changed_at": ago(days=4)}, []),
        ({"device_changed_at": ago(days=2)}, ["DEVICE_CHANGED"]),
        ({"under_order": True, "status": "off"}, ["NOT_ACTIVE", "UNDER_ORDER"]),
    ],
)
async def test_each_reason_of_a_subscription(cells, expected, ask, run, owner, service):
    subscribed(owner, service, run, **cells)
    assert await reasons(ask) == expected


async def test_nobodys_number_and_somebody_elses_look_the_same(ask, run, owner, service):
    subscribed(owner, service, run, under_order=True, sim_changed_at=ago(days=1))
    somebody, nobody = await ask(id_number=OTHER_ID), await ask(msisdn="0912345679")
    assert somebody.json() == nobody.json()
    assert somebody.json()["reasons"] == ["NOT_THIS_PERSON"]
    assert somebody.json()["tenure_days"] is None
    assert {*somebody.headers} == {*nobody.headers}


async def test_a_subscription_without_an_id_is_nobodys(ask, run, owner, service):
    subscribed(owner, service, run, key=None)
    assert await reasons(ask) == ["NOT_THIS_PERSON"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"msisdn": "0241234567"}, "MSISDN_INVALID"),
        ({"msisdn": ""}, "MSISDN_INVALID"),
        ({"msisdn": "+1 202 555 0100"}, "MSISDN_INVALID"),
        ({"id_number": ""}, "ID_INVALID"),
        ({"id_number": "B1234567"}, "ID_INVALID"),
        ({"id_number": "1085000042"}, "ID_INVALID"),  # two zeros short: not ours to guess
        ({"id_number": "OO1O85OOOO42"}, "ID_INVALID"),
    ],
)
async def test_what_is_no_number(changes, expected, ask, run, owner, service):
    subscribed(owner, service, run)
    assert await reasons(ask, **changes) == [expected]


async def test_two_carriers_that_serve_it(ask, run, owner, service):
    subscribed(owner, service, run)
    ported = published(owner, "mobifone")
    subscribed(owner, service, ported, key=int(OTHER_ID), status="terminated")
    assert await reasons(ask) == []
    owner.execute("UPDATE subscription SET status = 'active'")
    assert await reasons(ask) == ["CLAIMED_TWICE"]


async def test_the_active_one_of_ones_own_rows_counts(ask, run, owner, service):
    subscribed(owner, service, run, status="terminated", verdict="mismatch")
    subscribed(owner, service, published(owner, "mobifone"))
    assert await reasons(ask) == []


async def test_without_a_register_nothing_is_known(ask):
    said = await ask()
    assert (said.status_code, said.json()["eligible"]) == (503, False)


async def test_the_registers_age(ask, owner, service):
    register(owner, as_of=ago(hours=30))
    subscribed(owner, service, published(owner))
    assert await reasons(ask, max_age=31 * 3600) == []
    assert await reasons(ask, max_age=29 * 3600) == ["REGISTER_TOO_OLD"]
    assert await reasons(ask, max_age=0) == ["REGISTER_TOO_OLD"]


async def test_nobody_can_ask_for_an_older_register_than_we_allow(ask, owner, service):
    register(owner, as_of=ago(days=8))
    subscribed(owner, service, published(owner))
    assert await reasons(ask, max_age=10**9) == ["REGISTER_TOO_OLD"]


async def test_a_newer_register_has_to_be_looked_at_in_time(ask, owner, service, app):
    register(owner, as_of=ago(hours=50))
    subscribed(owner, service, published(owner))
    register(owner, imported_at=ago(hours=5))
    said = (await ask()).json()
    assert said["eligible"] is True
    assert ago(hours=51) < datetime.fromisoformat(said["as_of"]) < ago(hours=49)  # what it rests on
    app.state.desk._policy = replace(app.state.desk._policy, recheck=timedelta(hours=4))
    assert await reasons(ask) == ["RECHECK_OVERDUE"]


async def test_rows_that_no_published_run_stands_behind(ask, run, owner, service):
    subscribed(owner, service, run)
    owner.execute("UPDATE run SET state = 'failed'")
    assert await reasons(ask) == ["RECHECK_OVERDUE"]


async def test_a_carrier_that_sends_nothing_any_more(ask, owner, service):
    register(owner)
    subscribed(owner, service, published(owner, received_at=ago(days=36)))
    assert await reasons(ask) == ["CARRIER_DATA_TOO_OLD"]


async def test_a_policy_that_takes_variants(owner, service, settings, http, relying):
    from simcheck.gate.questions import policy_of

    assert policy_of(settings).variants is False
    assert policy_of(Settings(otp_variants=True)).variants is True


async def test_wrong_guesses_about_a_number(app, ask, run, owner, service, http, token_of):
    """After ten wrong ones not even the right one is answered, whoever asks; others' numbers are."""
    subscribed(owner, service, run)
    subscribed(owner, service, run, number=912345679, row=2)
    for last in range(10):
        assert await reasons(ask, id_number=f"00108500010{last}") == ["NOT_THIS_PERSON"]
    refused = await ask()
    assert (refused.status_code, refused.json()["eligible"]) == (429, False)
    assert refused.json()["reasons"] == ["TOO_MANY_GUESSES"]
    assert 8000 < int(refused.headers["Retry-After"]) <= 8641
    another = await token_of(None, "otp-checks")
    assert (await http.post("/v1/otp-checks", json=GOOD, headers=another)).status_code == 429
    assert await reasons(ask, msisdn="0912345679") == []
    desk = app.state.desk
    with clock.fixed(datetime.now(UTC) + timedelta(seconds=8641)):
        assert (await desk.ask("c", NUMBER, ID)).eligible
        assert not (await desk.ask("c", NUMBER, OTHER_ID)).eligible
        with pytest.raises(TooManyError):
            await desk.ask("c", NUMBER, ID)


async def test_many_guesses_at_once_are_no_way_around(ask, run, owner, service):
    subscribed(owner, service, run)
    guesses = [f"0010850001{number:02}" for number in range(40)]
    said = await asyncio.gather(*(ask(id_number=guess) for guess in [*guesses, ID]))
    assert sorted(each.status_code for each in said) == [200] * 10 + [429] * 31
    assert owner.execute(
        "SELECT count(*), count(*) FILTER (WHERE eligible) FROM otp_question"
    ).fetchone() == (41, 0)


async def test_right_questions_cost_nothing(ask, run, owner, service):
    subscribed(owner, service, run)
    said = await asyncio.gather(*(ask() for _ in range(30)))
    assert {each.json()["eligible"] for each in said} == {True}
    assert owner.execute("SELECT count(*) FROM rate_bucket WHERE level < 10").fetchone() == (0,)


async def test_wrong_guesses_of_a_client(app, ask, run, owner, service):
    """It cannot try one ID number on many numbers."""
    from simcheck.gate.guesses import Buckets

    app.state.desk._buckets = Buckets(Settings(client_guesses=5))
    subscribed(owner, service, run)
    said = await asyncio.gather(*(ask(msisdn=f"09123400{number:02}") for number in range(8)))
    assert sorted(each.status_code for each in said) == [200] * 5 + [429] * 3
    assert (await ask()).status_code == 429


async def test_every_question_is_logged_before_it_is_answered(ask, run, owner, service, relying):
    subscribed(owner, service, run)
    for changes in ({}, {"id_number": OTHER_ID}, {"msisdn": "12"}, {"id_number": "x"}):
        await ask(**changes)
    token = service.keyring.token
    number, person, other = token("msisdn", 912345678), token("id", int(ID)), token("id", int(OTHER_ID))
    assert owner.execute(
        "SELECT msisdn_token, id_token, eligible, reasons, chained FROM otp_question ORDER BY id"
    ).fetchall() == [
        (number, person, True, 0, None),
        (number, other, False, Reason.NOT_THIS_PERSON.mask, None),
        (b"", person, False, Reason.MSISDN_INVALID.mask, None),
        (number, b"", False, Reason.ID_INVALID.mask, None),
    ]
    assert owner.execute("SELECT DISTINCT client LIKE 'relying-%' FROM otp_question").fetchall() == [(True,)]


async def test_no_answer_without_its_row(ask, run, owner, service):
    """Where the log cannot be written, nobody is told yes."""
    subscribed(owner, service, run)
    assert await reasons(ask) == []
    owner.execute("ALTER TABLE otp_question ADD CONSTRAINT none CHECK (id < 0) NOT VALID")
    said = await ask()
    assert (said.status_code, said.json()["eligible"]) == (503, False)
    owner.execute("ALTER TABLE otp_question DROP CONSTRAINT none")
    assert await reasons(ask) == []


async def test_a_database_that_goes_away_and_comes_back(ask, run, owner, service):
    subscribed(owner, service, run)
    assert await reasons(ask) == []
    owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    said = await ask()
    assert (said.status_code, said.json()["eligible"], said.json()["retry"]) == (503, False, True)
    assert said.headers["content-type"] == "application/problem+json"
    assert await reasons(ask) == []


async def test_who_hangs_up_is_logged_all_the_same(app, ask, run, owner, service):
    subscribed(owner, service, run)
    asked = asyncio.create_task(app.state.desk.ask("gone", NUMBER, ID))
    await asyncio.sleep(0)
    asked.cancel()
    assert await reasons(ask) == []
    assert owner.execute("SELECT eligible FROM otp_question WHERE client = 'gone'").fetchall() == [(True,)]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'{"msisdn": "0912345678"}', b'{"msisdn": 912345678, "id_number": "1"}',
        b'{"msisdn": "0912345678", "id_number": "1", "more": 1}',
        b'{"msisdn": "0912345678", "id_number": "1", "max_age": -1}',
        b'{"msisdn": "0912345678", "id_number": "1", "max_age": "5"}',
        b'{"msisdn": "' + b"9" * 41 + b'", "id_number": "1"}',
        b'{"msisdn": "\\ud800", "id_number": "1"}',
    ],
)  # fmt: skip
async def test_bodies_that_are_refused(body, http, relying, owner):
    headers = {**relying, "Content-Type": "application/json"}
    said = await http.post("/v1/otp-checks", content=body, headers=headers)
    assert said.status_code == 422
    assert "0912345678" not in said.text


async def test_odd_letters_are_no_number(ask, run):
    assert await reasons(ask, msisdn="\0", id_number="\0") == ["MSISDN_INVALID"]


async def test_who_may_ask(http, token_of, viettel):
    assert (await http.post(f"{ISSUER}/v1/otp-checks", json=GOOD)).status_code == 401
    assert (await http.post("/v1/otp-checks", json=GOOD, headers=viettel)).status_code == 403
    others = await token_of(None, "kyc-match:match")
    assert (await http.post("/v1/otp-checks", json=GOOD, headers=others)).status_code == 403
