"""Cells as a carrier declared them, out of the lake, in milliseconds.

A bucket's rows stand in the order of their numbers, so a search in halves over its row groups finds the one
that holds a row, and no other is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from simcheck.errors import SealError
from simcheck.lake.buckets import file_of
from simcheck.lake.encryption import Dataset, unsealing
from simcheck.records import DECLARED_COLUMNS, ROW
from simcheck.service import Service

STEM = "declared"


def declared_record(
    service: Service, carrier: str, batch_id: UUID, bucket: int, row: int,
    columns: Sequence[str] = DECLARED_COLUMNS,
) -> dict[str, str | None]:  # fmt: skip
    """The declared cells of one row of a batch. Raises SealError where the lake does not have the row."""
    with _opened(service, carrier, batch_id, bucket) as file:
        place = file.find(row)
        if place is None:
            raise SealError(f"{file.name} in the lake does not have the row. Check the batch again.")
        group, at = place
        cells: dict[str, str | None] = file.read(group, columns).slice(at, 1).to_pylist()[0]
        return cells


def declared_column(
    service: Service, carrier: str, batch_id: UUID, bucket: int, rows: Sequence[int], column: str
) -> list[str | None]:
    """One column's cells of some rows of a bucket; None also where the lake does not have the row. Raises
    SealError where it does not have the bucket.
    """
    with _opened(service, carrier, batch_id, bucket) as file:
        places = [file.find(row) for row in rows]
        read = {place[0]: file.read(place[0], [column])[column] for place in places if place}
        return [read[place[0]][place[1]].as_py() if place else None for place in places]


class _File:
    """A bucket's file, open. The row numbers of its groups are read once."""

    def __init__(self, name: str, opened: pq.ParquetFile) -> None:
        self.name = name
        self._opened = opened
        self._numbers: dict[int, npt.NDArray[Any]] = {}

    def read(self, group: int, columns: Sequence[str]) -> pa.Table:
        """These columns of a row group."""
        return self._opened.read_row_group(group, columns=list(columns), use_threads=False)

    def find(self, row: int) -> tuple[int, int] | None:
        """In which group a row stands, and where in it; None where it does not."""
        low, high = 0, self._opened.num_row_groups - 1
        while low <= high:
            group = (low + high) // 2
            if group not in self._numbers:
                self._numbers[group] = self.read(group, [ROW])[ROW].to_numpy()
            numbers = self._numbers[group]
            if row < numbers[0]:
                high = group - 1
            elif row > numbers[-1]:
                low = group + 1
            else:
                at = int(np.searchsorted(numbers, row))
                return (group, at) if numbers[at] == row else None
        return None


@contextmanager
def _opened(service: Service, carrier: str, batch_id: UUID, bucket: int) -> Iterator[_File]:
    dataset = Dataset.open(service.store, service.keyring, f"{STEM}/{carrier}/{batch_id}")
    opened = dataset.parquet(file_of(STEM, bucket))
    try:
        with unsealing(dataset.name):
            yield _File(dataset.name, opened)
    finally:
        opened.close(force=True)
