"""A twin of a mail server: takes every letter, and sends none on."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, Envelope

from simcheck import clock
from simcheck.sending.twins.shelf import Shelf, Shown


class MailTwin:
    """Listens on `host`:`port`; `shelf` holds what came."""

    def __init__(self, host: str, port: int, shelf: Shelf) -> None:
        self.host, self.port, self.shelf = host, port, shelf

    async def run(self) -> None:
        """Serve until cancelled."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(self, loop=loop, hostname="twin"), self.host, self.port
        )
        async with server:
            await server.serve_forever()

    async def handle_DATA(self, _server: SMTP, _session: object, envelope: Envelope) -> str:  # noqa: N802
        """A letter came (the name is aiosmtpd's)."""
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, _class=EmailMessage, policy=default)
        sender, subject, text = str(mail["From"]), str(mail["Subject"]), _body(mail, "plain") or ""
        for address in envelope.rcpt_tos:
            html, at = _body(mail, "html"), clock.now()
            self.shelf.put(Shown("email", sender, address, subject, text, 1, at, html))
        return "250 2.0.0 taken"


def _body(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body((kind,))
    if part is None:
        return None
    content = part.get_content()
    return content.replace("\r\n", "\n") if isinstance(content, str) else None
