"""The register of a running service: taking in a new snapshot, opening the one that counts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.errors import UnavailableError
from simcheck.lake.files import Store
from simcheck.privacy import Keyring
from simcheck.register import ledger
from simcheck.register.importing import Progress, import_register, new_name
from simcheck.register.models import RegisterSnapshot
from simcheck.register.online import OnlineRegister, tls
from simcheck.register.protocol import Register
from simcheck.register.sealed import SealedRegister
from simcheck.service import Service

ACTOR = "command:register"
Key = TypeVar("Key")
Value = TypeVar("Value")

_lock = threading.Lock()
_sealed: dict[tuple[str, str], SealedRegister] = {}
_online: dict[tuple[object, ...], OnlineRegister] = {}


async def take_in(
    service: Service, path: Path, as_of: date, threads: int, buckets: int,
    progress: Progress = lambda *_: None, actor: str = ACTOR,
) -> SealedRegister:  # fmt: skip
    """Seal the register in the file `path` and let it count from then on.

    Raises FileRefusedError, OutputError as `import_register` does: then the register before it still counts.
    """
    name = new_name()
    async with service.database.transaction(actor) as session:
        snapshot = await ledger.start_import(session, name, buckets)

    def work() -> SealedRegister:
        return import_register(
            service.store, service.keyring, path, as_of, threads, buckets, progress, name=name
        )

    try:
        sealed = await asyncio.to_thread(work)
    except BaseException:
        async with service.database.transaction(actor) as session:
            await ledger.give_up(session, snapshot.id)
        raise
    async with service.database.transaction(actor) as session:
        await ledger.finish(session, snapshot.id, sealed)
    return sealed


async def purge(service: Service, kept: timedelta) -> list[str]:
    """Remove the files of snapshots that were retired longer ago than `kept`; their names."""
    async with service.database.transaction("job:register.purge", ministry=True) as session:
        gone = await ledger.forgotten(session, kept)
    for _, path in gone:
        service.store.remove(f"{path}/manifest")  # first, so that no half is taken for whole
        service.store.remove_folder(path)
    if gone:
        async with service.database.transaction("job:register.purge", ministry=True) as session:
            await ledger.purged(session, [each for each, _ in gone])
    return [path for _, path in gone]


def sealed_register(store: Store, keyring: Keyring, path: str) -> SealedRegister:
    """The snapshot in a dataset. The last few stay open: what is known of their files is not read again."""
    return _kept(_sealed, (store.location, path), lambda: SealedRegister.open(store, keyring, path))


def online_register(service: Service) -> OnlineRegister | None:
    """The online register of the settings, shared by the process with its breaker; None where none is set.

    Raises UsageError where its certificates cannot be used.
    """
    chosen = service.settings
    if chosen.register_url is None:
        return None
    url, day = str(chosen.register_url), clock.now().date()
    files = (chosen.register_authority, chosen.register_certificate, chosen.register_key)
    context = tls(*files) if all(files) else None  # type: ignore[arg-type]
    return _kept(_online, (url, *files, day), lambda: OnlineRegister(url, context, day))


async def counting(session: AsyncSession, service: Service) -> Register:
    """The register that counts now: the online one of the settings, else the current snapshot. Raises
    `UnavailableError` before the first, `UsageError` as `online_register`.
    """
    if service.settings.register_url is not None:
        return opened(service, None)
    return opened(service, await ledger.current(session))


def opened(service: Service, current: RegisterSnapshot | None) -> Register:
    """The register that counts, where `current` (`ledger.current`) was read already. Raises as `counting`."""
    asked: Register | None = online_register(service)
    if asked is not None:
        return asked
    if current is None or current.path == ledger.ONLINE:
        raise UnavailableError("The register does not answer yet. Try again later.")
    return sealed_register(service.store, service.keyring, current.path)


def _kept(known: dict[Key, Value], key: Key, make: Callable[[], Value]) -> Value:
    with _lock:
        if key not in known:
            while len(known) >= 4:
                known.pop(next(iter(known)))
            known[key] = make()
        return known[key]
