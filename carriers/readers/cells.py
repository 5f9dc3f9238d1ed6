"""Typed columns as text, whole columns at a time: what a person sees in the cell, without adornment."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from carriers.readers.decoding import is_utf8, latin1_cells, parts_letters
from simcheck.normalise.kernels import text

_WHOLE = 2.0**63  # below it a float that is a whole number is one in 64 bits


def text_of(column: pa.Array) -> pa.Array | None:
    """A column as text, or None when its type has no cells (a list, a struct, a map).

    Whole numbers have no ".0", dates are YYYY-MM-DD, and so is a time at midnight; another time is
    YYYY-MM-DDTHH:MM:SS. Bytes that are not valid UTF-8 are read as Latin-1, cell by cell.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return text_of(column.dictionary_decode())
    if pa.types.is_string(kind):
        return _checked(column)
    if pa.types.is_string_view(kind) or pa.types.is_large_string(kind):
        return _checked(column.cast(pa.string()))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return latin1_cells(column.cast(pa.binary()))
    if pa.types.is_floating(kind):
        return _floats(column.cast(pa.float64()))
    if pa.types.is_decimal(kind):
        return pc.replace_substring_regex(column.cast(pa.string()), pattern=r"\.0+$", replacement="")
    if pa.types.is_timestamp(kind):
        return _times(column)
    if pa.types.is_nested(kind):
        return None
    return column.cast(pa.string())


def _checked(column: pa.Array) -> pa.Array:
    """A column as it is if it is valid UTF-8, which Parquet promises and does not enforce."""
    offsets, data = text(column)
    used = data[offsets[0] : offsets[-1]] if len(offsets) else data[:0]
    if not used.size or used.max() < 0x80:
        return column
    # Valid as a whole, and no cell begins amid a letter: then every cell is valid.
    if is_utf8(used) and not parts_letters(offsets, data):
        return column
    return latin1_cells(column.view(pa.binary()))


def _floats(column: pa.Array) -> pa.Array:
    values = column.to_numpy(zero_copy_only=False)
    whole = pa.array((values == np.floor(values)) & (np.abs(values) < _WHOLE))
    whole_text = pc.if_else(whole, column, None).cast(pa.int64()).cast(pa.string())
    other = pc.if_else(pc.is_nan(column), None, column).cast(pa.string())
    return pc.coalesce(whole_text, other)


def _times(column: pa.Array) -> pa.Array:
    seconds = pc.strftime(
        pc.floor_temporal(column, unit="second").cast(pa.timestamp("s", column.type.tz)), "%Y-%m-%dT%H:%M:%S"
    )
    midnight = pc.ends_with(seconds, "T00:00:00")
    return pc.if_else(midnight, pc.utf8_slice_codeunits(seconds, 0, 10), seconds)
