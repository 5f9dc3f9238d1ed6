from __future__ import annotations

import asyncio
import ssl
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from simcheck.sending.mail import mime, smtp
from simcheck.sending.mail.smtp import MailServer, Tls
from simcheck.sending.senders import Mail, NotSent, Rejected, SendError, Throttled, Unknown
from tests.mailing import Box, but, good, scripted, usual

pytestmark = pytest.mark.anyio


MAIL = Mail(
    uuid.uuid4(), "an@example.vn", "Thông tin thuê bao", "Kính gửi", "<p>Kính gửi</p>", "vi", "first",
    datetime(2030, 1, 1, tzinfo=UTC),
)  # fmt: skip
US = smtp.Sender("Xác thực thuê bao", "thongbao@simcheck.example")
TAKEN = "taken"


def plain(port: int, **more) -> MailServer:
    return MailServer("127.0.0.1", port, Tls.NONE, seconds=0.4, **more)


async def handed(keyring, server: MailServer, mail: Mail = MAIL, letters: int = 1) -> list:
    """What came of so many letters in a row: TAKEN, or the error's kind and code."""
    sender = smtp.SmtpSender(server, US, keyring)
    running = asyncio.create_task(sender.run())
    found = []
    while len(found) < letters:
        try:
            await sender.submit(replace(mail, message_id=uuid.uuid4()))
            found.append(TAKEN)
        except SendError as error:
            found.append((type(error), error.code))
    running.cancel()
    await asyncio.wait([running])
    return found


async def test_letters_are_taken_one_after_the_other_in_one_session(keyring):
    box = Box()
    async with good(box) as port:
        assert await handed(keyring, plain(port), letters=3) == [TAKEN] * 3
    assert [letter.rcpt_tos for letter in box.letters] == [[MAIL.address]] * 3
    assert len({letter.session.peer for letter in box.letters}) == 1
    for letter in box.letters:
        mail = message_from_bytes(letter.content, policy=default)
        assert mime.message_of(keyring, letter.mail_from) == uuid.UUID(mail["Message-ID"][1:37])
        assert mail.get_body(("plain",)).get_content().strip() == MAIL.text


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (but(rcpt="550 5.1.1 an@example.vn is unknown"), (Rejected, "550/5.1.1")),
        (but(rcpt="450 4.2.0 greylisted, come again"), (Rejected, "450/4.2.0")),
        (but(rcpt="550 no"), (Rejected, "550")),
        (but(mail="451 4.3.0 busy"), (Rejected, "451/4.3.0")),
        (but(mail="421 4.7.0 closing"), (Throttled, "421/4.7.0")),
        (but(data="554 5.7.1 no"), (Rejected, "554/5.7.1")),
        (but(dot="552 5.3.4 too big"), (Rejected, "552/5.3.4")),
        (but(dot="451 4.7.1 spam check is down"), (Rejected, "451/4.7.1")),
        (but(dot="451 4.7.28 too many from you"), (Throttled, "451/4.7.28")),
        (but(dot=""), (Unknown, "no_answer")),
        (but(dot=None), (Unknown, "no_answer")),
        (but(dot="blah blah"), (Unknown, "no_answer")),
        (but(dot="251 taken too"), TAKEN),
        (but(rcpt=""), (NotSent, "no_answer")),
        (but(rcpt=None), (NotSent, "no_answer")),
        (but(mail="blah blah"), (NotSent, "no_answer")),
        (but(ehlo="", helo=""), (NotSent, "no_answer")),
    ],
)  # fmt: skip
async def test_whatever_a_server_does_has_an_outcome(keyring, script, outcome):
    async with scripted(script) as port:
        assert await handed(keyring, plain(port)) == [outcome]


@pytest.mark.parametrize(("answer", "permanent"), [("550 5.1.1 no", True), ("450 4.2.0 later", False)])
async def test_the_class_of_a_reply_tells_whether_it_is_final(keyring, answer, permanent):
    async with scripted(but(rcpt=answer)) as port:
        with pytest.raises(Rejected) as refused:
            await smtp.SmtpSender(plain(port), US, keyring).submit(MAIL)
    assert refused.value.permanent is permanent


@pytest.mark.parametrize("greeting", ["554 5.7.1 go away", "", None])
async def test_a_server_that_does_not_greet_gets_nothing(keyring, greeting):
    async with scripted(usual, greeting) as port:
        [(kind, _)] = await handed(keyring, plain(port))
    assert kind is NotSent


async def test_nobody_is_there_and_nobody_is_asked_for_a_while(keyring):
    async with good(Box()) as port:
        pass
    sender = smtp.SmtpSender(plain(port), US, keyring)
    assert sender.up
    with pytest.raises(NotSent, match="no_connection"):
        await sender.submit(MAIL)
    assert not sender.up


async def test_after_a_refusal_the_next_letter_goes(keyring):
    def script(verb: str, count: int):
        return "550 5.1.1 no" if (verb, count) == ("RCPT", 1) else usual(verb, count)

    async with scripted(script) as port:
        assert await handed(keyring, plain(port), letters=2) == [(Rejected, "550/5.1.1"), TAKEN]


async def test_after_a_cut_the_next_letter_goes_by_a_new_session(keyring):
    cuts = iter(["", *["250 ok"] * 9])
    async with scripted(lambda verb, count: next(cuts) if verb == "." else usual(verb, count)) as port:
        assert await handed(keyring, plain(port), letters=2) == [(Unknown, "no_answer"), TAKEN]


async def test_the_addresss_words_stay_out_of_the_code(keyring):
    async with scripted(but(rcpt="550 5.1.1 an@example.vn 0912345678")) as port:
        assert await handed(keyring, plain(port)) == [(Rejected, "550/5.1.1")]


@pytest.mark.parametrize("address", ["a@b.vn\r\nRCPT TO:<x@y.vn>", "a@b.vn>", "", "an"])
async def test_no_address_is_a_command(keyring, address):
    box = Box()
    async with good(box) as port:
        [outcome] = await handed(keyring, plain(port), replace(MAIL, address=address))
    assert outcome == (Rejected, "not_an_email")
    assert not box.letters


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that vouches for itself: its file, and a server's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("tls")
    pem, secret = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, secret)
    return str(pem), context


@pytest.mark.parametrize(
    ("tls", "trusted", "offered", "taken"),
    [
        (Tls.REQUIRED, True, True, True),
        (Tls.REQUIRED, False, True, False),  # nobody vouches for it
        (Tls.REQUIRED, True, False, False),  # it has no STARTTLS
        (Tls.OPPORTUNISTIC, False, True, True),
        (Tls.OPPORTUNISTIC, False, False, True),
    ],
)
async def test_what_protects_the_connection_is_policy(keyring, certificate, tls, trusted, offered, taken):
    pem, context = certificate
    box = Box()
    async with good(box, **({"tls_context": context} if offered else {})) as port:
        server = MailServer("127.0.0.1", port, tls, trust=pem if trusted else None, seconds=2)
        [outcome] = await handed(keyring, server)
    assert outcome == TAKEN if taken else outcome[0] is NotSent
    assert len(box.letters) == taken
