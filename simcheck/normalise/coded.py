"""Columns of few values as codes: each value is looked at once, and rows are numbers.

A Parquet writer keeps such a column as a dictionary and a number a row. To take it as it lies there costs a
tenth of making a text of every row, and what can be told of a text is told of the few values alone.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.parquet as pq

# Bytes a value from which on a column chunk is taken for plain text, whose every value has four bytes for its
# length alone; codes of 65,536 values need two, and their dictionary, spread over the rows, some more.
_PLAIN_FROM = 8


def kept_as_codes(file: pq.ParquetFile, names: Iterable[str]) -> list[str]:
    """Which of some columns a file keeps as codes of texts (for `ParquetFile`'s `read_dictionary`)."""
    schema, metadata = file.schema_arrow, file.metadata
    texts = {name for name in names if pa.types.is_string(schema.field(name).type)}
    values, sizes = dict.fromkeys(texts, 0), dict.fromkeys(texts, 0)
    for group in map(metadata.row_group, range(metadata.num_row_groups if texts else 0)):
        for chunk in map(group.column, range(metadata.num_columns)):
            if chunk.path_in_schema in texts:
                values[chunk.path_in_schema] += chunk.num_values
                sizes[chunk.path_in_schema] += chunk.total_uncompressed_size
    return [name for name in names if name in texts and sizes[name] < _PLAIN_FROM * values[name]]
