"""Files on their way in: batches are read into the lake, and what nobody needs any more is removed."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from carriers.registry import adapter
from jobs.schedule import HOURLY, sweep
from jobs.tasks import job
from simcheck import clock, log
from simcheck.errors import (
    ConflictError,
    DigestError,
    FileRefusedError,
    NotFoundError,
    OutputError,
    SealError,
    UnavailableError,
    UsageError,
)
from simcheck.lake.encryption import MANIFEST, Dataset
from simcheck.lake.sealed_file import SealedFile
from simcheck.service import Service
from simcheck.uploads import delta, resume, stages, vault
from simcheck.uploads.load import (
    Limits,
    Loaded,
    LostError,
    Progress,
    RefusedError,
    dataset_of,
    load_snapshot,
)
from simcheck.uploads.models import Batch
from simcheck.uploads.receive import wake

ACTOR = "job:uploads.load"
EVERY_10_SECONDS = "* * * * * */10"
ORPHANED = timedelta(days=1)  # a folder of the vault without a row, that nobody writes to any more


@job("uploads.load")
async def load(service: Service, carrier: str) -> None:
    """Read the carrier's next batch into the lake, or refuse it; refused ones make way for the next."""
    lease = timedelta(seconds=service.settings.load_lease_seconds)
    while True:
        async with service.database.transaction(ACTOR, carrier) as session:
            batch = await stages.claim(session, carrier, lease)
            base = await stages.base_of(session, carrier) if batch and stages.is_delta(batch) else None
            buckets = await stages.buckets_now(session, service.settings.buckets)
        if batch is None:
            return
        log.bind(batch=batch.id, carrier=carrier)
        if await _Load(service, batch, base, buckets).run():
            return


@sweep("uploads.sweep", EVERY_10_SECONDS)
async def find_due(service: Service) -> None:
    """Wake the reading of batches that wait, or whose reader was killed."""
    lease = timedelta(seconds=service.settings.load_lease_seconds)
    async with service.database.transaction("job:uploads.sweep", ministry=True) as session:
        for carrier in await stages.due(session, lease):
            await wake(session, carrier)


@sweep("uploads.finish")
async def finish_whole(service: Service) -> None:
    """Make batches of uploads that are whole, and whose server was killed before it did."""
    actor = "job:uploads.finish"
    async with service.database.transaction(actor, ministry=True) as session:
        whole = await resume.unfinished(session)
    for upload in whole:
        file = SealedFile(service.store, service.keyring, str(upload.path), upload.length or 0)
        try:
            digest = await asyncio.to_thread(vault.digest_of, file)
            async with service.database.transaction(actor, upload.carrier) as session:
                await resume.finish(session, service.keyring, upload.id, digest)
        except (DigestError, ConflictError, NotFoundError, SealError) as error:
            log.logger().warning("upload dropped", upload=upload.id, code=error.code)
            async with service.database.transaction(actor, upload.carrier) as session:
                await resume.drop(session, upload.id, error.code)


@sweep("uploads.tidy", HOURLY)
async def tidy(service: Service) -> None:
    """Remove raw files whose time is over, uploads that expired, and folders that belong to nothing."""
    now = clock.now()
    async with service.database.transaction("job:uploads.tidy", ministry=True) as session:
        gone = set(await stages.forget_raw(session, now - timedelta(days=service.settings.raw_days)))
        gone |= await resume.forget_expired(session)
        known = await stages.known_paths(session) | await resume.known_paths(session)
    old = await asyncio.to_thread(vault.older_than, service.store, now - ORPHANED)
    for folder in (gone | old) - known:
        await asyncio.to_thread(service.store.remove_folder, folder)


class _Load:
    """One batch being read: the reading in a thread, and signs of life beside it."""

    def __init__(self, service: Service, batch: Batch, base: uuid.UUID | None, buckets: int) -> None:
        self.service, self.batch, self.base, self.seen = service, batch, base, batch.changed_at
        settings = service.settings
        self.limits = Limits(buckets, clock.now().date(), settings.batch_rows)
        self.pause = min(2.0, settings.load_lease_seconds / 4)

    async def run(self) -> bool:
        """Whether it ended in a dataset (or with another worker), not in a refusal."""
        try:
            loaded = await self._watched()
            await self._beat(
                {"attempts": 0}
            )  # it can be read: what fails from now on is not the file's fault
        except FileRefusedError as refused:
            return await self._refuse("file_refused", f"The file {refused.cause}. {refused.remedy}.")
        except RefusedError as refused:
            return await self._refuse(refused.reason, str(refused))
        except SealError:
            return await self._refuse("damaged", "The file was damaged where we keep it. Send it again.")
        except UsageError:
            return await self._refuse("no_format", "Nobody told us this carrier's format. Write to us.")
        except LostError:
            log.logger().warning("batch lost to another worker")
            return True
        except (OutputError, UnavailableError):
            await self._beat({"attempts": 0})  # not the file's fault: tried again as often as it takes
            raise
        except Exception:
            if self.batch.counts["attempts"] < stages.MOST_ATTEMPTS:
                raise
            return await self._refuse("unreadable", "The file could not be read. Send it in another format.")
        await self._end(
            lambda session: stages.read(session, self.batch, self.seen, loaded.rows, loaded.counts)
        )
        return True

    async def _watched(self) -> Loaded:
        """Read in a thread; meanwhile say how far we are."""
        progress = Progress()
        work = asyncio.create_task(asyncio.to_thread(self._read, progress))
        try:
            while not (await asyncio.wait({work}, timeout=self.pause))[0]:
                if not await self._beat({"rows_read": progress.rows, "bytes_read": progress.bytes_read}):
                    progress.stopped = True
            return work.result()
        finally:
            progress.stopped = True  # the thread of a job that is cancelled ends at its next rows

    def _read(self, progress: Progress) -> Loaded:
        service, batch = self.service, self.batch
        if batch.counts["attempts"] > stages.MOST_ATTEMPTS:
            raise RefusedError("unreadable", "The file could not be read. Send it in another format.")
        assert batch.path is not None
        file = SealedFile(service.store, service.keyring, batch.path, batch.size)
        reader, name = adapter(batch.carrier), dataset_of(batch.carrier, batch.id)
        service.store.remove(f"{name}/{MANIFEST}")  # what an attempt before this one left
        service.store.remove_folder(name)
        dataset = Dataset.create(service.store, service.keyring, name)
        if not stages.is_delta(batch):
            return load_snapshot(reader.read(file), dataset, self.limits, progress)
        base = self._base()
        return delta.load_delta(reader.read(file, delta.COLUMNS), base, dataset, self.limits, progress)

    def _base(self) -> Dataset:
        """The dataset that a delta changes. Raises RefusedError when there is none, or it cannot be read."""
        if self.base is None:
            raise RefusedError("no_snapshot", "There is no snapshot that this delta changes. Send one first.")
        try:
            name = dataset_of(self.batch.carrier, self.base)
            found = Dataset.open(self.service.store, self.service.keyring, name)
            found.manifest  # noqa: B018  (read now, so that it is known to be whole)
        except SealError:
            raise RefusedError("no_snapshot", "What this delta changes is lost. Send a snapshot.") from None
        return found

    async def _beat(self, counts: dict[str, int]) -> bool:
        """Say that we are at it; False when another took over."""
        try:
            async with self._transaction() as session:
                now = await stages.beat(session, self.batch.id, self.seen, counts)
        except UnavailableError:
            return True  # the next sign may come through; if none does, the lease runs out
        self.seen = now or self.seen
        return now is not None

    async def _refuse(self, code: str, words: str) -> bool:
        name = dataset_of(self.batch.carrier, self.batch.id)
        await asyncio.to_thread(self.service.store.remove_folder, name)
        await self._end(lambda session: stages.refuse(session, self.batch, self.seen, code, words))
        return False

    async def _end(self, step: Callable[[AsyncSession], Awaitable[bool]]) -> None:
        async with self._transaction() as session:
            if not await step(session):
                log.logger().warning("batch lost to another worker")

    def _transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        return self.service.database.transaction(ACTOR, self.batch.carrier)
