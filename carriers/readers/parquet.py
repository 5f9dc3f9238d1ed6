"""Parquet: only the asked columns, streamed; text columns cost what Arrow's own decoding costs, and less
where the file keeps them as codes."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from carriers.base import BATCH_ROWS, Reading
from carriers.readers.cells import text_of
from carriers.readers.header import match
from simcheck.normalise.coded import kept_as_codes
from simcheck.records import PROBLEM

# A damaged file also shows in names that are not UTF-8, which is a ValueError of Python's own.
_ERRORS = (pa.ArrowException, OSError, ValueError)
_LEAST_GROUP = BATCH_ROWS // 4  # rows, on average


def read(reading: Reading) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file; see `carriers.base.Reader`. Raises FileRefusedError for a damaged one."""
    try:
        whole = pq.ParquetFile(reading.file.open(), pre_buffer=False)
    except _ERRORS as error:
        raise _damaged(reading) from error
    with whole:
        names = whole.schema_arrow.names
        found, unknown = match(reading, names)
        reading.name_unknown(unknown)
        wanted = {names[found[column]]: column for column in reading.columns if column in found}
        reading.encoding = "utf-8"
        total = whole.metadata.num_rows
        done = 0
        try:
            for batch in _batches(reading, whole, wanted):
                done += batch.num_rows
                reading.bytes_read = reading.bytes_total * done // total
                yield _as_text(reading, batch, wanted)
        except _ERRORS as error:
            raise _damaged(reading) from error
        if done != total:
            raise _damaged(reading)


def _batches(reading: Reading, file: pq.ParquetFile, wanted: dict[str, str]) -> Iterator[pa.RecordBatch]:
    """The wanted columns, as codes where the file keeps them so and they are asked for.

    Each row group has codes of its own, so a batch ends with it; small ones would make small batches.
    """
    facts = file.metadata
    coded = kept_as_codes(file, [name for name, column in wanted.items() if column in reading.coded])
    if not coded or facts.num_rows < _LEAST_GROUP * facts.num_row_groups:
        yield from file.iter_batches(BATCH_ROWS, columns=list(wanted))
        return
    source = reading.file.open()
    with pq.ParquetFile(source, metadata=facts, pre_buffer=False, read_dictionary=coded) as again:
        for group in range(again.num_row_groups):
            yield from again.iter_batches(BATCH_ROWS, [group], list(wanted))


def _as_text(reading: Reading, batch: pa.RecordBatch, wanted: dict[str, str]) -> pa.RecordBatch:
    arrays, columns = [pa.nulls(batch.num_rows, pa.string())], [PROBLEM]
    for name, column in wanted.items():
        cells = batch.column(name)
        as_codes = isinstance(cells, pa.DictionaryArray) and column in reading.coded
        text = text_of(cells.dictionary if as_codes else cells)
        if text is None:
            raise reading.refuse(f"holds lists or records in the column {column}", "Give it as text")
        arrays.append(_coded(cells.indices, text) if as_codes else text)
        columns.append(column)
    return pa.RecordBatch.from_arrays(arrays, columns)


def _coded(codes: pa.Array, values: pa.StringArray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(codes.cast(pa.int32()), values)


def _damaged(reading: Reading) -> Exception:
    return reading.refuse(
        "is a Parquet file that is damaged or ends early", "Write it again and send it again"
    )
