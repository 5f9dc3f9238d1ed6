"""Columns of text made from columns of numbers, without a loop over rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from generator.chance import Ints

Digits = npt.NDArray[np.uint8]


def digit_matrix(values: Ints, width: int) -> Digits:
    """The decimal digits of non-negative numbers, 0 to 9, shape (rows, width), leading zeros kept."""
    out = np.empty((len(values), width), np.uint8)
    rest = values
    for place in range(width - 1, -1, -1):
        rest, out[:, place] = np.divmod(rest, 10)
    return out


def digit_text(matrix: Digits) -> pa.Array:
    """A matrix of digits as a string column, one row of digits a cell."""
    rows, width = matrix.shape
    offsets = (
        np.arange(0, (rows + 1) * width, width, dtype=np.int32) if width else np.zeros(rows + 1, np.int32)
    )
    data = np.ascontiguousarray(matrix + np.uint8(ord("0")))
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data))


def padded(values: Ints, width: int) -> pa.Array:
    """Numbers as text, padded with zeros to `width` digits; digits further left are cut."""
    return digit_text(digit_matrix(values, width))


@cache
def counted(stop: int, width: int) -> pa.Array:
    """Every number below `stop` as text of `width` digits: small numbers are looked up, not written out."""
    return pa.array([f"{i:0{width}d}" for i in range(stop)])


def chosen(words: Sequence[str | None] | pa.Array, which: npt.NDArray[np.integer]) -> pa.Array:
    """The words with the given indices."""
    table = words if isinstance(words, pa.Array) else pa.array(words, pa.string())
    return table.take(pa.array(which))


def joined(*parts: pa.Array | str, between: str = "") -> pa.Array:
    """Columns (and constants) side by side as one column."""
    return pc.binary_join_element_wise(*parts, between)


def replaced(column: pa.Array, where: Ints, cells: pa.Array) -> pa.Array:
    """`column` with the cells at `where` exchanged for `cells`, in that order."""
    if not len(where):
        return column
    source = np.arange(len(column), dtype=np.int64)
    source[where] = len(column) + np.arange(len(where))
    return pa.concat_arrays([column, cells.cast(pa.string())]).take(pa.array(source))


def lists(values: pa.Array, flags: npt.NDArray[np.bool_]) -> pa.Array:
    """For each row of the matrix `flags`, the list of the `values` whose flag is set, in their order."""
    offsets = np.zeros(len(flags) + 1, np.int32)
    np.cumsum(flags.sum(axis=1), out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), values.take(pa.array(np.nonzero(flags)[1])))
