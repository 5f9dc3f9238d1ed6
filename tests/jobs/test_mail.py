from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from jobs.mail import read_bounces
from simcheck.messages.words import Channel
from simcheck.sending import intents
from simcheck.sending.mail import mime
from simcheck.sending.process import make
from tests.mailing import Box, but, good, scripted
from tests.sending import an_intent, until

pytestmark = pytest.mark.anyio
STATE = "SELECT message.state, part.failure FROM message JOIN message_part AS part ON message_id = id"
NOTE = """To: {path}
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Action: failed
Status: 5.1.1
--b--
"""


def an_email(key: str = "one"):
    return an_intent(
        key, channel=Channel.EMAIL, address="an@example.vn", subject="Thông tin thuê bao", text="Kính gửi\n",
        html="<p>Kính gửi</p>",
    )  # fmt: skip


@pytest.fixture
def mailing(service, tmp_path):
    """`mailing(port)`: the service with email set up."""

    def with_port(port: int):
        mail = {
            "host": "127.0.0.1", "port": port, "tls": "none", "from": "us@simcheck.example",
            "bounces": str(tmp_path / "bounces"), "answer_seconds": 0.5,
        }  # fmt: skip
        return replace(
            service, settings=service.settings.model_copy(update={"mail": _Secret(json.dumps(mail))})
        )

    return with_port


class _Secret:
    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        return self._value


@asynccontextmanager
async def at_work(service):
    sender, stop = make(service), asyncio.Event()
    running = asyncio.create_task(sender.run(stop))
    yield
    stop.set()
    await running


async def stored(service, *given):
    async with service.database.transaction("job:test", ministry=True) as session:
        return await intents.store(session, service.keyring, given)


async def test_an_email_goes_and_comes_back(owner, mailing, tmp_path):
    box = Box()
    async with good(box) as port:
        service = mailing(port)
        [message] = await stored(service, an_email())
        async with at_work(service):
            await until(owner, STATE, ("sent", None))
    [letter] = box.letters
    assert mime.message_of(service.keyring, letter.mail_from) == message
    new = tmp_path / "bounces" / "new"
    new.mkdir(parents=True)
    (new / "1.ours").write_text(NOTE.format(path=letter.mail_from))
    (new / "2.other").write_text("To: somebody@simcheck.example\n\nhello\n")
    await read_bounces(service)
    assert owner.execute(STATE).fetchone() == ("failed", "5.1.1")
    assert not list(new.iterdir())
    assert [file.name for file in (new.parent / "cur").iterdir()] == ["2.other:2,S"]
    await read_bounces(service)


@pytest.mark.parametrize(
    ("script", "state"),
    [
        (but(rcpt="550 5.1.1 no"), ("failed", "550/5.1.1")),
        (but(rcpt="450 4.2.0 greylisted"), ("due", "450/4.2.0")),
        (but(dot=""), ("unknown", "no_answer")),
    ],
)
async def test_what_a_server_says_is_recorded(owner, mailing, script, state):
    async with scripted(script) as port:
        service = mailing(port)
        await stored(service, an_email())
        async with at_work(service):
            await until(owner, STATE, state)


async def test_nobody_is_there_and_nothing_is_lost(owner, mailing):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    service = mailing(port)
    await stored(service, an_email())
    async with at_work(service):
        await asyncio.sleep(0.5)
    assert owner.execute("SELECT state FROM message").fetchone()[0] == "due"


async def test_without_email_nothing_is_read(service):
    await read_bounces(service)
