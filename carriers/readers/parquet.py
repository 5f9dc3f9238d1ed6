"""Parquet: only the asked columns, streamed; text columns cost what Arrow's own decoding costs."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from carriers.base import BATCH_ROWS, Reading
from carriers.readers.cells import text_of
from carriers.readers.header import match
from simcheck.records import PROBLEM

# A damaged file also shows in names that are not UTF-8, which is a ValueError of Python's own.
_ERRORS = (pa.ArrowException, OSError, ValueError)


def read(reading: Reading) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file; see `carriers.base.Reader`. Raises FileRefusedError for a damaged one."""
    try:
        file = pq.ParquetFile(reading.file.open(), pre_buffer=False)
    except _ERRORS as error:
        raise _damaged(reading) from error
    with file:
        names = file.schema_arrow.names
        found, unknown = match(reading, names)
        reading.name_unknown(unknown)
        wanted = {names[found[column]]: column for column in reading.columns if column in found}
        reading.encoding = "utf-8"
        total = file.metadata.num_rows
        done = 0
        try:
            for batch in file.iter_batches(BATCH_ROWS, columns=list(wanted)):
                done += batch.num_rows
                reading.bytes_read = reading.bytes_total * done // total
                yield _as_text(reading, batch, wanted)
        except _ERRORS as error:
            raise _damaged(reading) from error
        if done != total:
            raise _damaged(reading)


def _as_text(reading: Reading, batch: pa.RecordBatch, wanted: dict[str, str]) -> pa.RecordBatch:
    arrays, columns = [pa.nulls(batch.num_rows, pa.string())], [PROBLEM]
    for name, column in wanted.items():
        text = text_of(batch.column(name))
        if text is None:
            raise reading.refuse(f"holds lists or records in the column {column}", "Give it as text")
        arrays.append(text)
        columns.append(column)
    return pa.RecordBatch.from_arrays(arrays, columns)


def _damaged(reading: Reading) -> Exception:
    return reading.refuse(
        "is a Parquet file that is damaged or ends early", "Write it again and send it again"
    )
