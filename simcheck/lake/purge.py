"""Datasets that nobody needs any more leave the lake: retired ones, and what a killed process began."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from simcheck.lake.encryption import MANIFEST
from simcheck.lake.files import Store


def datasets(store: Store, under: str) -> dict[str, datetime]:
    """The datasets below a folder, published or not, and when each was last written to (UTC)."""
    found: dict[str, datetime] = {}
    for path, written in store.files(under).items():
        name = path.rpartition("/")[0]
        found[name] = max(written, found.get(name, written))
    return found


def published(store: Store, under: str) -> list[str]:
    """The published datasets below a folder, the one written to last at the end."""
    dated = datasets(store, under)
    return [
        name
        for name in sorted(dated, key=lambda each: (dated[each], each))
        if store.has(f"{name}/{MANIFEST}")
    ]


def purge(store: Store, under: str, keep: Collection[str], older_than: timedelta, now: datetime) -> list[str]:
    """Remove the datasets below a folder but those of `keep` and those written to within `older_than`.

    `keep` names what is in use: the current register, the one that a run still reads. Returns what is gone.
    The manifest goes first, so that an interrupted purge leaves nothing that is taken for whole.
    """
    gone = []
    for name, written in datasets(store, under).items():
        if name in keep or now - written <= older_than:
            continue
        store.remove(f"{name}/{MANIFEST}")
        store.remove_folder(name)
        gone.append(name)
    return gone
