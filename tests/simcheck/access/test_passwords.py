from __future__ import annotations

import re

import pytest

from simcheck.access import passwords
from simcheck.access.passwords import WeakPasswordError
from simcheck.config import Settings

CHEAP = Settings(password_rounds=1, password_kib=8)


@pytest.mark.parametrize(
    "weak",
    [
        "",
        "short-1",
        "a" * 40,
        "abababababab",
        "an.nguyen an.nguyen",
        "AN.NGUYEN+2026+x",
        "x" * 190 + "abcdefghijk",
    ],
)
def test_passwords_that_are_too_easy(weak):
    with pytest.raises(WeakPasswordError):
        passwords.require_good(weak, "an.nguyen")


@pytest.mark.parametrize("good", ["một câu dài dễ nhớ", "correct horse battery", passwords.draw()])
def test_passwords_that_are_good(good):
    passwords.require_good(good, "an.nguyen")


def test_what_is_drawn_can_be_read_out_and_is_never_the_same():
    drawn = {passwords.draw() for _ in range(50)}
    assert len(drawn) == 50
    for each in drawn:
        assert re.fullmatch(r"([a-km-np-z2-9]{4}-){3}[a-km-np-z2-9]{4}", each), each


@pytest.mark.anyio
async def test_a_password_and_what_is_kept_of_it():
    kept = await passwords.hashed(CHEAP, "một câu dài")
    assert kept.startswith("$argon2id$")
    assert await passwords.is_right(CHEAP, kept, "một câu dài")
    for wrong in ("một câu dà", "", "x" * 10_000):
        assert not await passwords.is_right(CHEAP, kept, wrong)
    assert not await passwords.is_right(CHEAP, None, "một câu dài")
    assert not await passwords.is_right(CHEAP, "no hash", "một câu dài")


@pytest.mark.anyio
async def test_a_hash_of_other_parameters_is_still_good_and_known_as_old():
    kept, dearer = await passwords.hashed(CHEAP, "một câu dài"), Settings(password_rounds=2, password_kib=16)
    assert await passwords.is_right(dearer, kept, "một câu dài")
    assert passwords.is_old(dearer, kept)
    assert not passwords.is_old(CHEAP, kept)


def test_what_is_set_by_itself_is_what_owasp_asks_for_at_least():
    settings = Settings()
    assert settings.password_kib >= 46 << 10
    assert settings.password_rounds >= 1
