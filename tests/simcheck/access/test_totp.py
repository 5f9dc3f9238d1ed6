from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from simcheck.access import totp
from simcheck.privacy import Keyring

# RFC 6238, appendix B, for SHA-1: the last six digits of its codes of eight.
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
STANDARD = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}


@pytest.mark.parametrize(("second", "code"), STANDARD.items())
def test_codes_of_the_standard(second, code):
    assert totp.step_of(SECRET, code, datetime.fromtimestamp(second, UTC)) == second // 30


def test_a_code_is_good_for_its_period_and_the_ones_beside():
    at = datetime(2026, 12, 5, 9, tzinfo=UTC)
    code = pyotp.TOTP(SECRET).at(at)
    step = int(at.timestamp()) // 30
    for seconds in (-30, 0, 29, 30, 59):
        assert totp.step_of(SECRET, code, at + timedelta(seconds=seconds)) == step
    for seconds in (-31, 60, 3600):
        assert totp.step_of(SECRET, code, at + timedelta(seconds=seconds)) is None


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "abcdef", "\u0661\u0662\u0663\u0664\u0665\u0666", "-28708", "28708²"]
)
def test_what_is_no_code(typed):
    assert totp.step_of(SECRET, typed, datetime.fromtimestamp(59, UTC)) is None


def test_a_secret_is_long_never_the_same_and_can_be_typed_off():
    secrets = {totp.new_secret() for _ in range(20)}
    assert len(secrets) == 20
    for each in secrets:
        assert re.fullmatch("[A-Z2-7]{32}", each)
        assert totp.shown(each).replace(" ", "") == each
        assert len(totp.shown(each).split()) == 8


def test_the_picture_needs_no_style_and_no_script():
    drawn = totp.picture(SECRET, "an.nguyen")
    assert drawn.startswith("<svg")
    assert "style" not in drawn
    assert "viewBox" in drawn
    assert SECRET not in drawn


def test_recovery_codes_are_found_however_they_are_typed():
    ring, codes = Keyring.make(), totp.recovery_codes()
    assert len(set(codes)) == totp.RECOVERY_CODES
    kept = totp.recovery_digest(ring, "an", codes[0])
    assert totp.recovery_digest(ring, "an", f" {codes[0].upper().replace('-', ' ')} ") == kept
    assert totp.recovery_digest(ring, "binh", codes[0]) != kept
    assert totp.recovery_digest(ring, "an", codes[1]) != kept
