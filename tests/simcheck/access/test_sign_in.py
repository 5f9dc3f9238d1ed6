from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import pyotp
import pytest
from argon2 import PasswordHasher

from simcheck import clock
from simcheck.access import people, sign_in, totp
from simcheck.access.people import New
from simcheck.access.roles import Role
from simcheck.access.sign_in import Passed
from simcheck.errors import TooManyError
from tests.desking import PASSWORD, account
from tests.holding import acts

pytestmark = pytest.mark.anyio
SECRET = totp.new_secret()


def acting(service):
    return service.database.transaction("desks", ministry=True)


def code(periods: int = 0) -> str:
    return pyotp.TOTP(SECRET).at(clock.now() + timedelta(seconds=30 * periods))


async def first(service, username="reviewer", typed=PASSWORD):
    async with acting(service) as session:
        return await sign_in.first(session, service, username, typed)


async def second(service, passed, typed):
    async with acting(service) as session:
        found = await sign_in.second(session, service, passed, typed)
        return found and found.username


@pytest.fixture
async def reviewer(service):
    return await account(service, Role.REVIEWER)


@pytest.fixture
async def codes(service, reviewer):
    """The recovery codes of the reviewer, who has a second step: its code of now has counted."""
    passed = await first(service)
    async with acting(service) as session:
        _, codes = await sign_in.enrol(session, service, passed, SECRET, code())
    return codes


async def test_the_right_password_and_all_others(service, reviewer, owner):
    assert not (await first(service)).enrolled
    for username, typed in (("reviewer", "wrong"), ("nobody", PASSWORD), ("", PASSWORD), ("reviewer", "")):
        assert await first(service, username, typed) is None
    await people_do(service, people.disable, "reviewer")
    assert await first(service) is None
    refused = owner.execute("SELECT subject, actor FROM audit WHERE act = 'sign_in.refused'").fetchall()
    assert sorted({subject for subject, _ in refused}) == ["person", "person/reviewer"]


async def people_do(service, act, *words):
    async with service.database.transaction("operator", ministry=True) as session:
        await act(session, *words)


async def test_a_password_is_hashed_anew_when_its_parameters_are_old(service, reviewer, owner):
    before = owner.execute("SELECT password_hash FROM person").fetchone()
    await first(service)
    assert owner.execute("SELECT password_hash FROM person").fetchone() == before
    dearer = service.settings.model_copy(update={"password_rounds": 2})
    object.__setattr__(service, "settings", dearer)
    assert await first(service) is not None
    [after] = owner.execute("SELECT password_hash FROM person").fetchone()
    assert "t=2" in after
    assert await first(service) is not None


async def test_enrolling_needs_a_code_of_the_secret_and_happens_once(service, reviewer, owner):
    passed = await first(service)
    async with acting(service) as session:
        assert await sign_in.enrol(session, service, passed, SECRET, "000000") is None
        _, codes = await sign_in.enrol(session, service, passed, SECRET, code())
        assert len(codes) == totp.RECOVERY_CODES
        assert await sign_in.enrol(session, service, passed, SECRET, code(1)) is None
    [(sealed, recovery)] = owner.execute("SELECT totp_secret, recovery FROM person").fetchall()
    assert SECRET.encode() not in sealed
    assert len(recovery) == totp.RECOVERY_CODES
    assert (await first(service)).enrolled


async def test_a_code_counts_once_and_none_before_it_counts_any_more(service, codes):
    passed = await first(service)
    assert await second(service, passed, code()) is None  # it was enrolled with this one
    assert await second(service, passed, code(1)) == "reviewer"
    assert await second(service, passed, code(1)) is None
    assert await second(service, passed, code()) is None


async def test_one_code_sent_twice_at_once_lets_one_in(service, codes):
    passed, typed = await first(service), code(1)
    both = await asyncio.gather(second(service, passed, typed), second(service, passed, typed))
    assert sorted(map(str, both)) == ["None", "reviewer"]


async def test_a_recovery_code_is_used_up(service, codes, owner):
    passed = await first(service)
    assert await second(service, passed, codes[3].upper()) == "reviewer"
    assert await second(service, passed, codes[3]) is None
    assert await second(service, passed, codes[4]) == "reviewer"
    assert "person.recovery_used" in acts(owner)
    async with acting(service) as session:
        assert await sign_in.renew_codes(session, service, "reviewer", "wrong") is None
        new = await sign_in.renew_codes(session, service, "reviewer", PASSWORD)
    assert await second(service, passed, codes[5]) is None
    assert await second(service, passed, new[0]) == "reviewer"


async def test_what_was_passed_is_worth_nothing_after_a_change_of_the_account(service, codes):
    passed = await first(service)
    async with service.database.transaction("operator", ministry=True) as session:
        await people.change_password(session, service, "reviewer", PASSWORD, "một câu khác hẳn")
    assert await second(service, passed, code(1)) is None
    assert await second(service, Passed("nobody", clock.now(), True), code(1)) is None


async def test_who_comes_from_the_provider(service, reviewer, owner):
    async with service.database.transaction("operator", ministry=True) as session:
        await people.add(session, service, New("binh", "Lê Thị Bình", ["auditor"], claim="binh@ministry.vn"))
    async with acting(service) as session:
        assert (await sign_in.by_claim(session, service, "binh@ministry.vn")).username == "binh"
        for nobody in ("reviewer", "binh", "", "BINH@ministry.vn"):
            assert await sign_in.by_claim(session, service, nobody) is None
    await people_do(service, people.disable, "binh")
    async with acting(service) as session:
        assert await sign_in.by_claim(session, service, "binh@ministry.vn") is None
    assert await first(service, "binh", "") is None  # nor by a password, which the account has not


async def test_tries_are_limited_by_account_and_address(service):
    async def tries(username: str, client: str) -> int:
        for done in range(200):
            with contextlib.suppress(TooManyError):
                async with acting(service) as session:
                    await sign_in.take_try(session, service, username, client)
                continue
            return done
        return 200

    with clock.fixed(clock.now()):
        assert await tries("an", "a") == 10
        assert await tries("binh", "a") == 10
        assert await tries("an", "b") == 10  # somebody else's tries do not shut out
        assert sum([await tries(f"n{at}", "a") for at in range(8)]) == service.settings.staff_sign_ins - 20
        assert sum([await tries("an", f"c{at}") for at in range(8)]) == 50 - 20


async def test_tries_with_codes_are_limited(service):
    with clock.fixed(clock.now()), pytest.raises(TooManyError):
        for _ in range(11):
            async with acting(service) as session:
                await sign_in.take_code(session, service, "an")


async def test_an_unknown_name_is_held_against_a_hash_too(service, reviewer, monkeypatch):
    """Of the same cost, which is nearly all of the time that a sign-in takes."""
    verified = []
    verify = PasswordHasher.verify

    def seen(hasher, kept, password):
        verified.append((hasher.time_cost, hasher.memory_cost, kept.split("$")[3]))
        return verify(hasher, kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", seen)
    for username in ("reviewer", "nobody"):
        assert await first(service, username, "wrong") is None
    known, unknown = verified
    assert known == unknown
