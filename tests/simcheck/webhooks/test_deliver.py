from __future__ import annotations

import json
import threading
import uuid
from datetime import timedelta

import pytest

from simcheck import clock, webhooks
from simcheck.webhooks import deliver, signing

pytestmark = pytest.mark.anyio
STATE = "SELECT state, attempts, last_status FROM webhook_delivery"


@pytest.fixture
async def due(service, owner, add, receiver) -> uuid.UUID:
    await add(receiver.url)
    async with service.database.transaction("job:test", "viettel") as session:
        await webhooks.notify(session, "viettel", "batch.done", "batch/1", {"batch": "1"})
    [made] = owner.execute("SELECT id FROM webhook_delivery").fetchone()
    return made


async def take(service, delivery: uuid.UUID):
    async with service.database.transaction("job:test", ministry=True) as session:
        return await deliver.take(session, service.keyring, delivery)


async def note(service, message, status):
    async with service.database.transaction("job:test", ministry=True) as session:
        return await deliver.note(session, message, status)


async def test_an_event_arrives_signed(service, owner, due, receiver):
    [webhook, sealed] = owner.execute("SELECT id, secret FROM webhook").fetchone()
    secret = service.keyring.open(sealed, f"webhook/secret/{webhook}").decode()
    message = await take(service, due)
    assert await deliver.send(message, private=True) == 204
    assert await note(service, message, 204) is None
    assert owner.execute(STATE).fetchone() == ("delivered", 1, 204)
    [(headers, body)] = receiver.came
    assert signing.is_good(secret, headers, body, clock.now())
    assert headers["webhook-id"] == str(due)
    assert headers["host"] == receiver.url.split("/")[2]
    told = json.loads(body)
    assert (told["type"], told["data"]) == ("batch.done", {"batch": "1"})
    assert await take(service, due) is None


async def test_one_sender_at_a_time_and_a_killed_ones_is_taken_up(service, due):
    message = await take(service, due)
    assert await take(service, due) is None
    with clock.fixed(clock.now() + timedelta(seconds=61)):
        again = await take(service, due)
        assert (again.attempt, again.headers["webhook-id"]) == (2, message.headers["webhook-id"])
        assert await note(service, message, 204) is None  # the first one comes too late to say
        assert await take(service, due) is None


async def test_tries_grow_rarer_and_end(service, owner, due):
    at, pauses = clock.now(), []
    for _ in range(deliver.ATTEMPTS):
        with clock.fixed(at):
            message = await take(service, due)
            again = await note(service, message, 503)
        if again:
            pauses.append(again - at)
            at = again
    assert len(pauses) == deliver.ATTEMPTS - 1
    for pause, least in zip(pauses, deliver.PAUSES, strict=True):
        assert least <= pause <= least * 1.5
    assert owner.execute(STATE).fetchone() == ("given_up", deliver.ATTEMPTS, 503)


async def test_a_receiver_that_is_gone_is_not_asked_again(service, owner, due):
    assert await note(service, await take(service, due), 410) is None
    assert owner.execute(STATE).fetchone() == ("given_up", 1, 410)


async def test_redirects_are_not_followed(service, due, receiver):
    receiver.answers = [307]
    assert await deliver.send(await take(service, due), private=True) == 307
    assert len(receiver.came) == 1


async def test_a_receiver_that_stalls_is_not_waited_for(service, due, receiver, monkeypatch):
    monkeypatch.setattr(deliver, "SECONDS", 0.3)
    receiver.stalls = threading.Event()
    assert await deliver.send(await take(service, due), private=True) is None


async def test_nothing_leaves_for_an_address_inside(service, due, receiver):
    message = await take(service, due)
    assert await deliver.send(message, private=False) is None
    assert receiver.came == []


async def test_nobody_there(service, due, add):
    from dataclasses import replace

    message = await take(service, due)
    assert await deliver.send(replace(message, url="http://localhost:9/"), private=True) is None
    assert await deliver.send(replace(message, url="https://no.such.host.invalid/"), private=True) is None


async def test_what_is_old_and_done_is_forgotten(service, owner, due):
    await note(service, await take(service, due), 204)
    for days, left in ((29, 1), (31, 0)):
        async with service.database.transaction("job:test", ministry=True) as session:
            before = clock.now() + timedelta(days=days) - deliver.KEPT
            await session.execute(deliver.FORGET, {"before": before})
        assert owner.execute("SELECT count(*) FROM webhook_delivery").fetchone() == (left,)


async def test_the_name_of_the_url_is_what_tls_checks(service, due, tmp_path):
    """The connection goes to an address, the certificate has to be the name's."""
    import http.server
    import ssl
    from dataclasses import replace

    from tests.receiving import Certified

    certified = Certified(tmp_path)
    server = http.server.HTTPServer(("127.0.0.1", 0), certified.handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certified.certificate("localhost"), certified.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        message = await take(service, due)
        port = server.server_address[1]
        trust = ssl.create_default_context(cafile=str(certified.file))
        for host, status in (("localhost", 204), ("127.0.0.1", None)):
            there = replace(message, url=f"https://{host}:{port}/")
            assert await deliver.send(there, private=True, trust=trust) == status
        there = replace(message, url=f"https://localhost:{port}/")
        assert await deliver.send(there, private=True) is None  # nobody vouches for it
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
