"""Binds, TLS, and who acknowledges what when."""

from __future__ import annotations

import asyncio
import datetime
import ssl

import pytest
import smpp34
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.sending import a_link, an_intent, until
from tests.smsc import Smsc

pytestmark = pytest.mark.anyio
SENT = "SELECT count(*) FROM message WHERE state = 'sent'"
DELIVERED = "SELECT count(*) FROM message WHERE state = 'delivered'"


async def bound(smsc: Smsc, count: int = 1) -> None:
    async with asyncio.timeout(10):
        while len(smsc.connections) < count:
            await asyncio.sleep(0.01)


async def test_smpp34s_own_client_acknowledges_what_nobody_has_yet():
    """Why the session is ours. When this fails, theirs may do."""
    async with Smsc() as smsc:
        client = smpp34.Client("127.0.0.1", smsc.port, "a", "b", bind_type="TRX")
        session = await client.connect()
        async with asyncio.timeout(5):
            status = await smsc.connections[0].deliver(
                source_addr="84901234567", destination_addr="1414", short_message=b"TTTB"
            )
        assert status == 0  # and session.next() was never called
        await session.unbind()


async def test_a_transmitter_and_a_receiver(owner, store, smsc, sending):
    """Parts go out on the one, their receipts come in on the other."""
    await store(an_intent())
    links = [
        a_link(smsc.port, "out", smsc="centre", bind="transmitter"),
        a_link(smsc.port, "in", smsc="centre", bind="receiver", source=""),
    ]
    async with sending(*links):
        await bound(smsc, 2)
        await until(owner, SENT, (1,))
        by_kind = {each.kind: each for each in smsc.connections}
        assert set(by_kind) == {1, 2}
        assert smsc.accepted[0].link is by_kind[2]
        assert await by_kind[1].receipt(smsc.accepted[0], smsc.ids[0]) == 0
        await until(owner, DELIVERED, (1,))


async def test_an_smsc_that_does_not_let_us_in_yet(owner, store, smsc, sending):
    smsc.bind_status = 0x0E
    await store(an_intent())
    async with sending(a_link(smsc.port)):
        while len(smsc.binds) < 2:
            await asyncio.sleep(0.01)
        assert owner.execute(SENT).fetchone() == (0,)
        smsc.bind_status = 0
        await until(owner, SENT, (1,))
    assert len(smsc.accepted) == 1


async def test_an_smsc_that_comes_back(owner, store, sending):
    async with Smsc() as first:
        port = first.port
    await store(an_intent())
    async with sending(a_link(port)):
        await asyncio.sleep(0)
        async with Smsc(port) as smsc:
            await until(owner, SENT, (1,))
            smsc.drop()
            await store(an_intent("two"))
            await until(owner, SENT, (2,))
            assert len(smsc.accepted) == 2


async def test_what_comes_with_the_bind_is_not_lost(owner, sending):
    """A message in the same packet as the answer to the bind."""
    answers: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(4))
        sequence = (await reader.readexactly(length - 4))[8:12]
        message = smpp34.DeliverSm("84901234567", "1414", b"DUNG", sequence_number=5).encode()
        writer.write(b"\0\0\0\x15\x80\0\0\x09\0\0\0\0" + sequence + b"smsc\0" + message)
        answers.append(await reader.readexactly(17))
        while await reader.read(100):
            pass

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, sending(a_link(server.sockets[0].getsockname()[1])):
        await until(owner, "SELECT count(*) FROM inbound", (1,))
        async with asyncio.timeout(5):
            while not answers:
                await asyncio.sleep(0.01)
    assert answers[0][4:] == b"\x80\0\0\5\0\0\0\0\0\0\0\5\0"


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that vouches for itself, in a file with its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "smsc")])
    import ipaddress

    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        ).sign(key, hashes.SHA256())
    )  # fmt: skip
    file = tmp_path / "smsc.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    return file


async def test_tls_with_whom_we_know_and_nobody_else(owner, store, sending, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    await store(an_intent())
    async with Smsc(tls=context) as smsc:
        async with sending(a_link(smsc.port, tls=True)):
            await asyncio.sleep(0.5)
            assert smsc.binds == []
        async with sending(a_link(smsc.port, tls=True, tls_authority=certificate)):
            await until(owner, SENT, (1,))
