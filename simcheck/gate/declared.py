"""A subscription's cells as its carrier declared them, out of the lake, in milliseconds."""

from __future__ import annotations

from uuid import UUID

import numpy as np

from simcheck.errors import SealError
from simcheck.lake.buckets import file_of
from simcheck.lake.encryption import Dataset, unsealing
from simcheck.records import DECLARED_COLUMNS, ROW
from simcheck.service import Service

STEM = "declared"


def declared_record(
    service: Service, carrier: str, batch_id: UUID, bucket: int, row: int
) -> dict[str, str | None]:
    """The declared cells (`records.DECLARED_COLUMNS`) of one row of a batch.

    A bucket's rows stand in the order of their numbers, so a search in halves over its row groups finds the
    one that holds the row, and no other is decoded. Raises SealError where the lake does not have the row.
    """
    dataset = Dataset.open(service.store, service.keyring, f"{STEM}/{carrier}/{batch_id}")
    file = dataset.parquet(file_of(STEM, bucket))
    try:
        with unsealing(dataset.name):
            low, high = 0, file.num_row_groups - 1
            while low <= high:
                group = (low + high) // 2
                numbers = file.read_row_group(group, columns=[ROW])[ROW].to_numpy()
                if row < numbers[0]:
                    high = group - 1
                elif row > numbers[-1]:
                    low = group + 1
                else:
                    at = int(np.searchsorted(numbers, row))
                    if numbers[at] != row:
                        break
                    found = file.read_row_group(group, columns=list(DECLARED_COLUMNS)).slice(at, 1)
                    cells: dict[str, str | None] = found.to_pylist()[0]
                    return cells
    finally:
        file.close(force=True)
    raise SealError(f"{dataset.name} in the lake does not have the row. Check the batch again.")
