from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from simcheck.sending.mail import smtp
from simcheck.sending.mail.smtp import Fate, Handed, MailServer, Tls
from tests.simcheck.sending.mail.servers import Box, but, good, scripted, usual

pytestmark = pytest.mark.anyio
LETTER = b"Subject: x\r\n\r\n.\r\nhello\r\n"


def plain(port: int, **more) -> MailServer:
    return MailServer("127.0.0.1", port, Tls.NONE, seconds=0.4, **more)


async def handed(server: MailServer, to: str = "an@example.vn", letters: int = 1) -> list[Handed]:
    found = []
    try:
        async with smtp.connected(server) as client:
            while len(found) < letters:
                found.append(await smtp.hand_over(client, "bounce+1@simcheck.example", to, LETTER))
    except Exception as error:
        found.append(smtp.failure_of(error))
    return found


async def test_letters_are_taken_one_after_the_other():
    box = Box()
    async with good(box) as port:
        assert await handed(plain(port), letters=3) == [Handed(Fate.TAKEN)] * 3
    assert [letter.rcpt_tos for letter in box.letters] == [["an@example.vn"]] * 3
    assert box.letters[0].mail_from == "bounce+1@simcheck.example"
    assert box.letters[0].content == LETTER


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (but(rcpt="550 5.1.1 an@example.vn is unknown"), Handed(Fate.REFUSED, "550/5.1.1")),
        (but(rcpt="450 4.2.0 greylisted, come again"), Handed(Fate.LATER, "450/4.2.0")),
        (but(rcpt="550 no"), Handed(Fate.REFUSED, "550")),
        (but(mail="451 4.3.0 busy"), Handed(Fate.LATER, "451/4.3.0")),
        (but(data="554 5.7.1 no"), Handed(Fate.REFUSED, "554/5.7.1")),
        (but(dot="552 5.3.4 too big"), Handed(Fate.REFUSED, "552/5.3.4")),
        (but(dot="451 4.7.1 spam check is down"), Handed(Fate.LATER, "451/4.7.1")),
        (but(dot=""), Handed(Fate.UNKNOWN, "no_answer")),
        (but(dot=None), Handed(Fate.UNKNOWN, "no_answer")),
        (but(rcpt=""), Handed(Fate.LATER, "no_answer")),
        (but(rcpt=None), Handed(Fate.LATER, "no_answer")),
        (but(mail="blah blah"), Handed(Fate.LATER, "no_answer")),
        (but(ehlo="", helo=""), Handed(Fate.LATER, "no_answer")),
        (but(dot="blah blah"), Handed(Fate.UNKNOWN, "no_answer")),
        (but(dot="251 taken too"), Handed(Fate.TAKEN, "251")),
        (but(ehlo="421 4.3.2 closing", helo="421 4.3.2 closing"), Handed(Fate.LATER, "421/4.3.2")),
    ],
)  # fmt: skip
async def test_whatever_a_server_does_has_an_outcome(script, outcome):
    async with scripted(script) as port:
        assert await handed(plain(port)) == [outcome]


@pytest.mark.parametrize("greeting", ["554 5.7.1 go away", "", None])
async def test_a_server_that_does_not_greet_gets_nothing(greeting):
    async with scripted(usual, greeting) as port:
        [outcome] = await handed(plain(port))
    assert outcome.fate is Fate.LATER


async def test_nobody_is_there():
    async with good(Box()) as port:
        pass
    assert await handed(plain(port)) == [Handed(Fate.LATER, "no_connection")]


async def test_after_a_refusal_the_next_letter_goes():
    async with scripted(
        lambda verb, count: "550 5.1.1 no" if (verb, count) == ("RCPT", 1) else usual(verb, count)
    ) as port:
        assert [each.fate for each in await handed(plain(port), letters=2)] == [Fate.REFUSED, Fate.TAKEN]


async def test_after_a_cut_the_next_letter_did_not_go():
    async with scripted(but(dot="")) as port:
        assert [each.fate for each in await handed(plain(port), letters=2)] == [Fate.UNKNOWN, Fate.LATER]


async def test_the_addresss_words_stay_out_of_the_code():
    async with scripted(but(rcpt="550 5.1.1 an@example.vn 0912345678")) as port:
        [outcome] = await handed(plain(port))
    assert outcome.code == "550/5.1.1"


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
    ("tls", "trusted", "offered", "fate"),
    [
        (Tls.REQUIRED, True, True, Fate.TAKEN),
        (Tls.REQUIRED, False, True, Fate.LATER),  # nobody vouches for it
        (Tls.REQUIRED, True, False, Fate.LATER),  # it has no STARTTLS
        (Tls.OPPORTUNISTIC, False, True, Fate.TAKEN),
        (Tls.OPPORTUNISTIC, False, False, Fate.TAKEN),
    ],
)
async def test_what_protects_the_connection_is_policy(certificate, tls, trusted, offered, fate):
    pem, context = certificate
    box = Box()
    async with good(box, **({"tls_context": context} if offered else {})) as port:
        server = MailServer("127.0.0.1", port, tls, trust=pem if trusted else None, seconds=2)
        [outcome] = await handed(server)
    assert outcome.fate is fate
    assert len(box.letters) == (fate is Fate.TAKEN)
