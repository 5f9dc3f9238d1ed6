"""Where in the lake a run reads and writes.

`declared/<carrier>/<batch>` are a batch's rows as the carrier wrote them; `recut/<carrier>/<run>` the same in
as many buckets as the register, where those differ; `findings/<carrier>/<run>` what a run found of them.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from simcheck.lake.buckets import BucketWriter, in_order
from simcheck.lake.encryption import Dataset
from simcheck.lake.files import Store
from simcheck.normalise import citizen_ids, dates
from simcheck.privacy import Keyring
from simcheck.records import CHECKED_COLUMNS, PROBLEM, ROW, declared_schema
from simcheck.register.index import bucket_of

DECLARED, RECUT, FINDINGS = "declared", "recut", "findings"  # folders; the first is also the files' stem


@dataclass(frozen=True)
class Lake:
    """The lake, and the keys that open it."""

    store: Store
    keyring: Keyring

    def declared(self, carrier: str, batch: uuid.UUID) -> Dataset:
        """A batch's rows. Raises SealError where they are not there."""
        return self.open(f"{DECLARED}/{carrier}/{batch}")

    def to_check(self, carrier: str, batch: uuid.UUID, run: uuid.UUID, buckets: int) -> Dataset:
        """The rows that a run of so many buckets checks."""
        declared = self.declared(carrier, batch)
        same = int(declared.manifest["buckets"]) == buckets
        return declared if same else self.open(f"{RECUT}/{carrier}/{run}")

    def findings(self, carrier: str, run: uuid.UUID) -> Dataset:
        """What a run finds, or found."""
        return self.open(f"{FINDINGS}/{carrier}/{run}")

    def open(self, name: str) -> Dataset:
        """A dataset by its name."""
        return Dataset.open(self.store, self.keyring, name)

    def prepare(self, carrier: str, batch: uuid.UUID, run: uuid.UUID, buckets: int) -> int:
        """Make the datasets of a new run; the number of rows that it will check.

        Raises SealError where the batch's rows are not there, OutputError where the lake cannot be written.
        """
        declared = self.declared(carrier, batch)
        rows, has = int(declared.manifest["rows"]), int(declared.manifest["buckets"])
        if has != buckets:
            _cut_again(
                declared, Dataset.create(self.store, self.keyring, f"{RECUT}/{carrier}/{run}"), buckets
            )
        Dataset.create(self.store, self.keyring, f"{FINDINGS}/{carrier}/{run}")
        return rows


def _cut_again(declared: Dataset, target: Dataset, buckets: int) -> None:
    """The columns that are checked, in other buckets. Every row keeps its number."""
    columns = (ROW, PROBLEM, *CHECKED_COLUMNS)
    has = int(declared.manifest["buckets"])
    with BucketWriter(target, DECLARED, declared_schema(CHECKED_COLUMNS), buckets) as writer:
        for table in in_order(declared, DECLARED, has, columns):
            for batch in table.combine_chunks().to_batches():
                writer.add(batch, _bucket(batch, declared, buckets))
    target.publish(**{name: fact for name, fact in declared.manifest.items() if name != "files"}
                   | {"buckets": buckets})  # fmt: skip


def _bucket(batch: pa.RecordBatch, declared: Dataset, buckets: int) -> np.ndarray:
    as_of = date.fromisoformat(declared.manifest["as_of"])
    born = dates.normalise(batch["date_of_birth"], as_of)
    key = citizen_ids.normalise(batch["id_number"], batch["id_type"], born, batch["gender"], as_of).key
    return np.where(key > 0, bucket_of(key, buckets), batch[ROW].to_numpy() % buckets)
