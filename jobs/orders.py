"""Orders to carriers: proposed, written in each carrier's format, answered, undone, chased.

Everything stands in tables: each of these may be lost, or done twice, and nothing is ordered twice.
"""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

from carriers import orders as files
from carriers.registry import adapter
from jobs.schedule import HOURLY, sweep
from jobs.tasks import job
from simcheck import clock, log
from simcheck.enforcement import follow as clocks
from simcheck.enforcement import store
from simcheck.enforcement.orders import answer_files, approve, brake, overdue, propose, restore, send
from simcheck.enforcement.orders.waking import wake
from simcheck.errors import FileRefusedError, SealError, UsageError
from simcheck.lake.sealed_file import SealedFile
from simcheck.service import Service
from simcheck.uploads import vault

LATELY = timedelta(hours=3)  # in which a case was closed whose suspension is undone within the minute
ORPHANED = timedelta(days=1)
TRIES = 5  # of an order whose lines are corrected while its file is written; then it waits for the sweep
FOLDERS = (send.FOLDER, answer_files.FOLDER)


@sweep("orders.propose", "*/10 * * * *")
async def find_due(service: Service) -> None:
    """Propose what is due, or pull the brake."""
    async with service.database.transaction("job:orders.propose", ministry=True) as session:
        await session.execute(brake.ONE_AT_A_TIME)  # before any order is locked, as restorations do
        await approve.expire(session, service)
        policy = await store.in_force(session)
        if policy is None:
            return
        made = await propose.propose(session, service, brake.caps_of(policy))
    if made.lines:
        log.logger().info("orders proposed", count=sum(made.lines.values()))
    if made.braked:
        log.logger().warning("orders stand still", count=len(made.braked))


@sweep("orders.follow")
async def follow(service: Service) -> None:
    """Undo what need not be any more, first of all; then wake what is approved and what came back."""
    await _restore(service, LATELY)
    async with service.database.transaction("job:orders.follow", ministry=True) as session:
        for order, act in await send.due(session):
            await wake(session, order, act)
        await answer_files.wake(session, await answer_files.waiting(session))


@sweep("orders.restore", HOURLY)
async def restore_all(service: Service) -> None:
    """Undo whatever was overlooked, however long ago its case was closed. What is over is known by its clock,
    so those hear of it first, whatever became of their own sweep.
    """
    ended = clocks.MOST
    while ended == clocks.MOST:
        async with service.database.transaction("job:orders.restore", ministry=True) as session:
            ended = await clocks.end(session)
    await _restore(service, None)


async def _restore(service: Service, back: timedelta | None) -> None:
    async with service.database.transaction("job:orders.restore", ministry=True) as session:
        made = await restore.restore(session, clock.now() - back if back else None)
    if made:
        log.logger().info("restorations ordered", count=sum(made.values()))


@job("orders.send")
async def make_file(service: Service, order: str) -> None:
    """Write an approved order's file, and tell its carrier; once."""
    order_id = uuid.UUID(order)
    async with service.database.transaction("job:orders.send", ministry=True) as session:
        await send.number(session, service, order_id)
    for _ in range(TRIES):
        if (lines := await _send(service, order_id)) is None:
            return
        if lines:
            log.logger().info("order sent", order=order, rows=lines)
            return


async def _send(service: Service, order_id: uuid.UUID) -> int | None:
    """Write the file, and let the order leave: with how many lines. None where it does not leave now; 0 where
    some of them may go no more, and the file has to be written anew.
    """
    async with service.database.transaction("job:orders.send", ministry=True) as session:
        going = await send.ready(session, service, order_id)
        if going is None:
            return None
        profile = adapter(going.order.carrier).profile
        content = await asyncio.to_thread(files.write, profile, going.lines)
        await asyncio.to_thread(send.keep, service.store, service.keyring, going.order, content)
        if not await send.confirm(session, service, going):
            return 0
        kind = send.Kind(files.extension(profile), files.media_type(profile))
        await send.finish(session, service, going, content, kind)
        return going.order.lines


@job("orders.read")
async def read_answer(service: Service, answer: str) -> None:
    """Read a file that a carrier sent back, and take what it says."""
    answer_id = uuid.UUID(answer)
    async with service.database.transaction("job:orders.read", ministry=True) as session:
        found = await answer_files.claimed(session, answer_id)
        if found is None:
            return
        folder = answer_files.place(found.carrier, found.id)
        file = SealedFile(service.store, service.keyring, folder, found.size)
        try:
            profile = adapter(found.carrier).profile
            reading = files.read(profile, file)
            rows = await asyncio.to_thread(
                answer_files.rows_of, service.keyring, found.order_id, reading, profile.date_format
            )
        except FileRefusedError as refused:
            await answer_files.refuse(session, found, f"The file {refused.cause}. {refused.remedy}.")
        except (SealError, UsageError):
            await answer_files.refuse(session, found, "The file could not be read. Send it again.")
        else:
            await answer_files.take(session, service, found, rows)
    await asyncio.to_thread(service.store.remove_folder, folder)


@sweep("orders.tidy", HOURLY)
async def tidy(service: Service) -> None:
    """Remove files that a killed process took in, or wrote, and never made known."""
    async with service.database.transaction("job:orders.tidy", ministry=True) as session:
        known = await send.known_places(session) | await answer_files.known_places(session)
    old = await asyncio.to_thread(vault.older_than, service.store, clock.now() - ORPHANED, FOLDERS)
    for folder in old - known:
        await asyncio.to_thread(service.store.remove_folder, folder)


@sweep("orders.overdue", "*/10 * * * *")
async def chase(service: Service) -> None:
    """Remind carriers that do not answer; tell people where that does not help."""
    async with service.database.transaction("job:orders.overdue", ministry=True) as session:
        late = await overdue.chase(session, service)
    if late.escalated:
        log.logger().warning("orders are not answered", count=late.escalated)
