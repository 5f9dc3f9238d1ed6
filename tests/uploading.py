"""What tests of uploads share: subscriber files of people who do not exist, sent and read."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from jobs import uploads
from simcheck.lake import buckets
from simcheck.lake.encryption import Dataset
from simcheck.uploads.load import STEM, dataset_of
from tests.building import citizen, row

PEOPLE = [citizen(n, f"Nguyễn Văn {n}") for n in range(40)]


def file_of(rows: Sequence[dict[str, str | None]]) -> bytes:
    """A subscriber file in the common format."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def subscriptions(first: int = 0, last: int = 20, **more: str) -> bytes:
    """A file of subscriptions, each of one of PEOPLE."""
    return file_of([row(n, PEOPLE[n], **more) for n in range(first, last)])


async def work(service: Any, carrier: str = "generic") -> None:
    """Read the carrier's batches, as the job does; what comes after waits in the queue."""
    await uploads.load(service, carrier)


def declared(service: Any, batch: dict[str, Any], carrier: str = "generic") -> list[dict[str, Any]]:
    """The rows that a batch became in the lake, in their order."""
    import uuid

    name = dataset_of(carrier, uuid.UUID(batch["id"]))
    dataset = Dataset.open(service.store, service.keyring, name)
    count = int(dataset.manifest["buckets"])
    return [each for table in buckets.in_order(dataset, STEM, count) for each in table.to_pylist()]


def finish(owner: Any, batch: dict[str, Any]) -> None:
    """End a batch as the publication of its run does."""
    owner.execute("UPDATE batch SET state = 'done', done_at = now() WHERE id = %s", [batch["id"]])
