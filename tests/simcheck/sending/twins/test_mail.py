from __future__ import annotations

import asyncio
import socket
import uuid
from datetime import UTC, datetime

import pytest

from simcheck.sending.mail import smtp
from simcheck.sending.senders import Mail, NotSent
from simcheck.sending.twins.mail import MailTwin
from simcheck.sending.twins.shelf import Shelf

pytestmark = pytest.mark.anyio


async def test_a_letter_is_shown(keyring):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shelf = Shelf()
    running = asyncio.create_task(MailTwin("127.0.0.1", port, shelf).run())
    sender = smtp.SmtpSender(
        smtp.MailServer("127.0.0.1", port, smtp.Tls.NONE),
        smtp.Sender("Xác thực", "us@simcheck.example"),
        keyring,
    )
    mail = Mail(
        uuid.uuid4(), "an@example.vn", "Thông tin thuê bao", "Kính gửi\n", "<p>Kính gửi</p>\n", "vi", "first",
        datetime(2030, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    for _ in range(100):
        try:
            await sender.submit(mail)
            break
        except NotSent:
            await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.wait([running])
    [shown] = shelf.to(mail.address)
    assert (shown.kind, shown.subject, shown.text, shown.html) == (
        "email",
        mail.subject,
        mail.text,
        mail.html,
    )
    assert shown.sender == "Xác thực <us@simcheck.example>"
