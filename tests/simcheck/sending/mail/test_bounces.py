from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.privacy import Keyring
from simcheck.sending.mail import bounces, mime
from simcheck.sending.mail.bounces import Bounce, Fate

MESSAGE = uuid.uuid4()

REPORT = """Return-Path: <>
Delivered-To: {path}
From: MAILER-DAEMON@mx.example
To: {path}
Subject: Undelivered Mail
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The mail could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; an@example.vn
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 unknown

--b
Content-Type: message/rfc822

Subject: the letter

Action: delivered
--b--
"""


@pytest.fixture(scope="module")
def path(keyring):
    return mime.return_path(keyring, MESSAGE, "simcheck.example")


@pytest.mark.parametrize(
    ("action", "fate"),
    [
        ("failed", Fate.FAILED),
        ("Delayed", Fate.DELAYED),
        ("delivered", Fate.DELIVERED),
        ("relayed", Fate.DELIVERED),
    ],
)
def test_a_report_tells_what_became_of_the_letter(keyring, path, action, fate):
    mail = REPORT.format(path=path, action=action, status="5.1.1 (bad)").encode()
    assert bounces.read(keyring, mail) == Bounce(MESSAGE, fate, "5.1.1")
    assert bounces.read(keyring, mail.replace(b"\n", b"\r\n")) == Bounce(MESSAGE, fate, "5.1.1")


def test_a_report_about_nobodys_letter_tells_nothing(keyring, path):
    mail = REPORT.format(path=path, action="failed", status="5.1.1").replace(MESSAGE.hex, uuid.uuid4().hex)
    assert bounces.read(keyring, mail.encode()) is None


def test_another_installations_report_tells_nothing(path):
    mail = REPORT.format(path=path, action="failed", status="5.1.1").encode()
    assert bounces.read(Keyring.make(), mail) is None


def test_a_vacation_note_is_no_bounce(keyring, path):
    note = f"To: {path}\nAuto-Submitted: auto-replied\nContent-Type: text/plain\n\nI am away until 5.1.2027\n"
    assert bounces.read(keyring, note.encode()) is None


def test_an_old_fashioned_bounce_is_known_by_its_status(keyring, path):
    old = f"To: {path}\nContent-Type: text/plain\n\nhost mx.example said: 550 5.7.1 no such user\n"
    assert bounces.read(keyring, old.encode()) == Bounce(MESSAGE, Fate.FAILED, "5.7.1")
    assert bounces.read(keyring, old.replace("5.7.1", "4.7.1").encode()) is None


def test_an_action_of_another_kind_is_passed_over(keyring, path):
    assert bounces.read(keyring, REPORT.format(path=path, action="eaten", status="9").encode()) is None


@given(st.binary(max_size=400))
def test_no_mail_is_too_strange(content):
    ring = KEYS
    head = f"To: {mime.return_path(ring, MESSAGE, 'simcheck.example')}\n".encode()
    bounces.read(ring, content)
    bounces.read(ring, head + content)
    bounces.read(ring, REPORT.format(path="x", action="failed", status="5.1.1").encode()[:200] + content)


KEYS = Keyring.make()
