"""Messages to people: what no sender process moves is moved here, what came in is not forgotten, upkeep."""

from __future__ import annotations

from datetime import timedelta

from jobs.schedule import HOURLY, sweep
from simcheck import clock
from simcheck.sending import inbound, sweeps
from simcheck.sending.process import matching_of
from simcheck.sending.send import sweep as sweep_all
from simcheck.service import Service


@sweep("sending.sweep")
async def find_still(service: Service) -> None:
    """Leases that ran out, parts that nobody answered for, what was not sent in time, receipts that wait."""
    await sweep_all(service, matching_of(service.settings))


@sweep("sending.inbound")
async def find_unread(service: Service) -> None:
    """Longer messages whose rest does not come, and messages that nobody has answered."""
    async with service.database.transaction("job:sending.inbound", ministry=True) as session:
        await inbound.join_stuck(session, service.keyring)
        await inbound.wake_for_new(session)


@sweep("sending.tidy", HOURLY)
async def tidy(service: Service) -> None:
    """Forget what messages said when their time is over."""
    kept, gone = timedelta(days=service.settings.message_days), True
    while gone:
        async with service.database.transaction("job:sending.tidy", ministry=True) as session:
            gone = bool(await sweeps.forget(session, kept))
    async with service.database.transaction("job:sending.tidy", ministry=True) as session:
        await inbound.forget(session, clock.now() - kept)
