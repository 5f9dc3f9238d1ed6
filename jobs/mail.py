"""What mail servers send back about emails, told as any other receipt is."""

from __future__ import annotations

import asyncio

from jobs.schedule import sweep
from simcheck import log
from simcheck.sending import receipts
from simcheck.sending.mail import bounces, maildir
from simcheck.sending.mail.bounces import Fate
from simcheck.sending.mail.settings import mail_of
from simcheck.sending.mail.smtp import NAME
from simcheck.sending.process import matching_of
from simcheck.sending.senders.deliveries import Heard, ReceiptTold
from simcheck.service import Service

MOST = 500  # mails at a time
HEARD = {Fate.FAILED: Heard.FAILED, Fate.DELAYED: Heard.ON_ITS_WAY, Fate.DELIVERED: Heard.DELIVERED}


@sweep("mail.bounces")
async def read_bounces(service: Service) -> None:
    """Let emails that came back be failed. A note goes when what it says is recorded: it quotes the email."""
    mail = mail_of(service.settings)
    if mail is None or mail.bounces is None:
        return
    came = await asyncio.to_thread(lambda folder: list(maildir.new(folder, MOST)), mail.bounces)
    read = [(file, bounces.read(service.keyring, content)) for file, content in came]
    told = [
        ReceiptTold(str(each.message), HEARD[each.fate], each.status, None, ())
        for _, each in read
        if each is not None
    ]
    if told:
        kept = [receipts.as_receipt(service.keyring, NAME, each) for each in told]
        async with service.database.transaction("job:mail.bounces", ministry=True) as session:
            await receipts.store(session, kept, matching_of(service.settings))
        log.logger().info("bounces read", count=len(told))
    for file, bounce in read:
        await asyncio.to_thread(maildir.put_aside if bounce is None else maildir.remove, file)
