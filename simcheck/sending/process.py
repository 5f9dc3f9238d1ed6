"""`simcheck sender`: the links that are set up, and a `Sender` over them."""

from __future__ import annotations

import asyncio

from simcheck import log
from simcheck.config import Settings
from simcheck.errors import SettingsError
from simcheck.sending.receipts import Matching
from simcheck.sending.send import Sender
from simcheck.sending.senders.smpp import SmppLink
from simcheck.sending.settings import links_of
from simcheck.sending.sweeps import rules_of
from simcheck.service import Service


def matching_of(settings: Settings) -> Matching:
    """How receipts are matched by these settings. Raises `SettingsError`."""
    return Matching({link.name: link.centre for link in links_of(settings)}, rules_of(settings))


def make(service: Service) -> Sender:
    """A sender with every link that is set up. Raises `SettingsError`, also where there is none."""
    links = links_of(service.settings)
    sender = Sender(service, matching_of(service.settings))
    for link in links:
        sender.add_sms(SmppLink(link, sender.inbox.tell, sender.late), link.rate)
    if not any(sender.lanes.values()):
        raise SettingsError(["SIMCHECK_SMS_LINKS: no link is set up. Write a JSON list of links."])
    return sender


async def run(service: Service, stop: asyncio.Event) -> None:
    """Send until `stop`. Raises `SettingsError`, and `OSError` where figures cannot be told."""
    sender = make(service)
    if service.settings.sender_metrics is not None:
        host, _, port = service.settings.sender_metrics.rpartition(":")
        sender.figures.serve(host.strip("[]"), int(port))
    log.logger().info("sending", count=sum(len(lanes) for lanes in sender.lanes.values()))
    await sender.run(stop)
