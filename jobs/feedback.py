"""Feedback files, made after a run is published and let go of after they were acknowledged."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

from jobs.schedule import HOURLY, sweep
from jobs.tasks import job
from simcheck import audit, clock, log
from simcheck.feedback import ledger, make
from simcheck.feedback.ledger import Published
from simcheck.lake.encryption import Dataset
from simcheck.lake.purge import purge as remove_old
from simcheck.queue import enqueue_many
from simcheck.service import Service

ACTOR = "job:feedback.make"
LOOK_BACK = timedelta(days=2)  # how long a lost job is looked for
ORPHANED = timedelta(days=1)  # a dataset without a row, that nobody writes to any more


@job("feedback.make")
async def make_files(service: Service, run_id: str, batch_id: str | None = None) -> None:  # noqa: ARG001  (the run knows it)
    """Make the batch's file, if the run is a batch's, and the carrier's standing one; each once."""
    async with service.database.transaction(ACTOR, ministry=True) as session:
        run = await ledger.published(session, uuid.UUID(run_id))
    if run is None:
        return
    if run.of_batch:
        await _make(service, run, standing=False)
    if run.newest:
        await _make(service, run, standing=True)


@job("feedback.standing")
async def make_standing(service: Service, carrier: str) -> None:
    """Make a new standing file of a carrier that asked for it, as the ledger stands now."""
    async with service.database.transaction(ACTOR, ministry=True) as session:
        newest = await ledger.newest_of(session, carrier)
        run = await ledger.published(session, newest) if newest else None
    if run is not None:
        await _make(service, run, standing=True, again=True)


async def _make(service: Service, run: Published, *, standing: bool, again: bool = False) -> None:
    """Write the file into the lake, then make it known: killed in between, it is made again."""
    feedback_id = uuid.uuid4()
    target, findings = make.name_of(run.carrier, feedback_id), make.findings_name(run.carrier, run.run_id)
    store, keyring = service.store, service.keyring
    async with service.database.transaction(ACTOR, run.carrier, ministry=True, snapshot=True) as session:
        if not again and await ledger.made_for(session, run.run_id, standing=standing):
            return
        if standing:
            rows = await make.standing(
                session, store, keyring, run.carrier, run.batch_id, findings, run.buckets, target
            )
        else:
            rows = await make.of_batch(store, keyring, findings, run.buckets, target)
    async with service.database.transaction(ACTOR, run.carrier, ministry=True) as session:
        await ledger.one_at_a_time(session, run.run_id)
        late = not again and await ledger.made_for(session, run.run_id, standing=standing)
        if not late:
            await ledger.keep(session, feedback_id, run, rows, standing=standing)
    if late:  # another worker was woken for the same, and was quicker
        await asyncio.to_thread(Dataset.open(store, keyring, target).remove)
        return
    log.logger().info("feedback made", feedback=feedback_id, carrier=run.carrier, rows=rows)


@sweep("feedback.sweep", "*/5 * * * *")
async def find_lost(service: Service) -> None:
    """Wake what a published run still owes."""
    async with service.database.transaction("job:feedback.sweep", ministry=True) as session:
        rows = await session.execute(ledger.WITHOUT, {"since": clock.now() - LOOK_BACK})
        jobs = [
            {"args": {"run_id": str(run), "batch_id": str(batch)}, "queueing_lock": f"feedback.make/{run}"}
            for run, batch in rows
        ]
        if jobs:
            await enqueue_many(session, "feedback.make", jobs)


@sweep("feedback.purge", HOURLY)
async def purge(service: Service) -> None:
    """Remove acknowledged files after their time, and what a killed process wrote and never made known."""
    after = timedelta(days=service.settings.feedback_days)
    async with service.database.transaction("job:feedback.purge", ministry=True) as session:
        for each in await ledger.to_purge(session, after):
            dataset = Dataset.open(service.store, service.keyring, each.path)
            await asyncio.to_thread(dataset.remove)
            each.purged_at = clock.now()
            audit.record(
                session, "feedback.purged", f"feedback/{each.id}", {"rows": each.rows},
                stream=f"feedback/{each.carrier}",
            )  # fmt: skip
    async with service.database.transaction("job:feedback.purge", ministry=True) as session:
        known = await ledger.known_paths(session)
    # A file is made known right after it was written; so one that is old and unknown is nobody's.
    gone = await asyncio.to_thread(remove_old, service.store, make.FOLDER, known, ORPHANED, clock.now())
    if gone:
        log.logger().info("datasets purged", count=len(gone))
