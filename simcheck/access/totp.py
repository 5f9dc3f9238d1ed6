"""The second step: one-time codes of an authenticator (TOTP, RFC 6238), and recovery codes in its place.

A code counts once (`step` of the last one is kept); a recovery code is used up. Both are judged in SQL, so
that two who send the same code at once are not both let in.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime

import pyotp
import segno

from simcheck.privacy import Keyring

ISSUER = "SIM"  # what the authenticator shows above the user name
PERIOD, DIGITS = 30, 6  # seconds of a code; its digits
_DRIFT = 1  # periods that a telephone's clock may be off
RECOVERY_CODES = 10
_DRAWN = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """A secret of 160 bits, as authenticators take it (base32)."""
    return pyotp.random_base32(32)


def shown(secret: str) -> str:
    """A secret as people type it off."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def picture(secret: str, username: str) -> str:
    """The QR code of a secret as an SVG element, without any style of its own."""
    address = pyotp.TOTP(secret, digits=DIGITS, interval=PERIOD).provisioning_uri(
        name=username, issuer_name=ISSUER
    )
    drawn: str = segno.make(address, error="m", micro=False).svg_inline(
        scale=5, border=3, light="#fff", dark="#000", svgclass="qr", lineclass=None, omitsize=True
    )
    return drawn


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """The period that a code belongs to; None where it is none of those around this moment."""
    typed = "".join(code.split())
    if len(typed) != DIGITS or not (typed.isascii() and typed.isdecimal()):
        return None
    totp, now = pyotp.TOTP(secret, digits=DIGITS, interval=PERIOD), int(at.timestamp()) // PERIOD
    right = [
        step for step in range(now - _DRIFT, now + _DRIFT + 1)
        if hmac.compare_digest(totp.at(datetime.fromtimestamp(step * PERIOD, UTC)), typed)
    ]  # fmt: skip
    return right[0] if right else None


def recovery_codes() -> list[str]:
    """New recovery codes, each of 49 bits."""
    letters = [[secrets.choice(_DRAWN) for _ in range(10)] for _ in range(RECOVERY_CODES)]
    return ["".join(each[:5]) + "-" + "".join(each[5:]) for each in letters]


def recovery_digest(keyring: Keyring, username: str, code: str) -> bytes:
    """What is kept of a recovery code, and what a typed one is looked for by."""
    plain = "".join(each for each in code.casefold() if each.isalnum())
    return keyring.token("recovery", f"{username}/{plain}")
