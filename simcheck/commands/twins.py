"""`simcheck twins`: an SMS centre and a mail server that send nothing on, and a page that shows what came."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from typing import Annotated

import typer
import uvicorn

from simcheck import log
from simcheck.sending.twins.mail import MailTwin
from simcheck.sending.twins.page import application
from simcheck.sending.twins.shelf import Shelf
from simcheck.sending.twins.smsc import SmscTwin

LOOPBACK = "127.0.0.1"

Port = Annotated[int, typer.Option(min=1, max=65535)]


def twins(smsc: Port = 2775, smtp: Port = 1025, page: Port = 8090) -> None:
    """Serve harmless twins of an SMS centre (SMPP) and a mail server, for trials, until Ctrl-C.

    What would have reached people is shown at http://127.0.0.1:PAGE and nowhere else.
    """
    log.setup()
    shelf = Shelf()
    centre, mail = SmscTwin(LOOPBACK, smsc, shelf), MailTwin(LOOPBACK, smtp, shelf)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(centre, mail, shelf, page))
    # The SMPP library's threads outlive its server. One that still wants to tell something to an interpreter
    # that ends brings the process down with a core dump: this one ends without more ado.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def _serve(centre: SmscTwin, mail: MailTwin, shelf: Shelf, page: int) -> None:
    inbox = application(shelf, centre)
    config = uvicorn.Config(
        inbox, host=LOOPBACK, port=page, log_config=None, access_log=False, lifespan="off"
    )
    running = {asyncio.create_task(each) for each in (centre.run(), mail.run())}
    server = asyncio.create_task(uvicorn.Server(config).serve())
    try:
        ended, _ = await asyncio.wait({*running, server}, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait({*running, server}, timeout=5)
