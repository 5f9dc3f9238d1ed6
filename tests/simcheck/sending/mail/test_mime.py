from __future__ import annotations

import base64
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from simcheck.errors import InvalidError
from simcheck.sending.mail import mime

LETTER = mime.Letter(
    uuid.UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7"), "an.nguyen@example.vn",
    "Thông tin thuê bao của Quý khách",
    "Kính gửi Quý khách,\n.\nHạn: 01/12/2026\n", "<p>Kính gửi Quý khách</p>", "vi",
    datetime(2026, 11, 25, 9, 0, tzinfo=UTC),
)  # fmt: skip
SENDER = ("Xác thực thuê bao", "thongbao@simcheck.example")


def read(content: bytes):
    return message_from_bytes(content, policy=default)


def test_text_and_html_say_the_same_and_headers_are_whole():
    mail = read(mime.made(LETTER, SENDER))
    assert mail["To"] == LETTER.to
    assert mail["Subject"] == LETTER.subject
    assert mail["From"].addresses[0].display_name == SENDER[0]
    assert mail["Message-ID"] == f"<{LETTER.id}@simcheck.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/alternative"
    assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == LETTER.text
    assert mail.get_body(("html",)).get_content().strip() == LETTER.html


def test_every_line_is_short_seven_bit_and_ends_well():
    content = mime.made(replace(LETTER, text="ệ" * 3000), SENDER)
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 78


def test_the_signature_is_our_domains():
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    signed = mime.made(LETTER, SENDER, mime.Signer("simcheck.example", "k1", private))

    def dns(name, timeout=5):
        return b"v=DKIM1; k=rsa; p=" + public if name == b"k1._domainkey.simcheck.example." else None

    assert dkim.verify(signed, dnsfunc=dns)
    assert not dkim.verify(signed.replace(b"an.nguyen@", b"xn.nguyen@"), dnsfunc=dns)


@pytest.mark.parametrize(
    "subject", ["a\r\nBcc: x@example.vn", "a\nb", "a\x00b", "a\u2028b", "a\x85b", "a\rX-Evil: 1"]
)
def test_no_subject_begins_another_header(subject):
    with pytest.raises(InvalidError):
        mime.made(replace(LETTER, subject=subject), SENDER)


@pytest.mark.parametrize(
    "to",
    ["", "a", "a@b", "a@b.c", "a@@b.vn", "a b@c.vn", "a@b.vn, c@d.vn", "a@b.vn\r\nBcc: x@y.vn",
     "<a@b.vn>", ".a@b.vn", "a..b@c.vn", "a@-b.vn", "a@b.vn>", '"a b"@c.vn', "a@[127.0.0.1]", "ă@b.vn",
     "a" * 65 + "@b.vn"],
)  # fmt: skip
def test_only_one_plain_mailbox_is_written_to(to):
    assert mime.mailbox(to) is None
    with pytest.raises(InvalidError):
        mime.made(replace(LETTER, to=to), SENDER)


@pytest.mark.parametrize("to", ["a@b.vn", "an.nguyen+sim@mail.example.com.vn", "  o'brien@example.vn "])
def test_a_mailbox_is_known(to):
    assert mime.mailbox(to) == to.strip()


@given(st.text(max_size=120))
def test_whatever_a_name_holds_there_is_one_sender_and_one_recipient(name):
    clean = "".join(each for each in name if each.isprintable())
    mail = read(mime.made(LETTER, (clean, SENDER[1])))
    assert mail["From"].addresses[0].addr_spec == SENDER[1]
    assert len(mail["To"].addresses) == 1
    assert mail.get_all("Bcc") is None


def test_a_return_path_is_ours_alone(keyring):
    path = mime.return_path(keyring, LETTER.id, "simcheck.example")
    assert mime.message_of(keyring, path) == LETTER.id
    assert mime.message_of(keyring, f"<{path.upper()}>") == LETTER.id
    assert len(path.partition("@")[0]) <= 64
    forged = path.replace(LETTER.id.hex, uuid.uuid4().hex)
    assert mime.message_of(keyring, forged) is None
    assert mime.message_of(keyring, "somebody@simcheck.example") is None
