"""Compiled loops over Arrow's own buffers.

A kernel is a plain function over numpy arrays that numba compiles to machine code, without the
interpreter and without its lock, so batches run on as many threads as there are. Compiled code is
kept beside the source, so only the first run after an installation pays for it. (The kept code is renewed
when its own file changes, not when a kernel it calls does: `make clean-kernels` after such an edit.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

FEW = 16  # distinct values that are kept at hand
_SLOT_BITS = 8
_SLOTS = 1 << _SLOT_BITS

F = TypeVar("F", bound=Callable[..., object])

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int32]


_WITHOUT_MEMORY: dict[str, Any] = {"_nrt": False}  # numba's runtime, which keeps arrays alive, is left out


def kernel(function: F) -> F:
    """Compile `function` on first use; it runs without the interpreter's lock.

    A kernel borrows its arrays and makes none, whatever room it needs is handed to it: so nobody counts who
    holds an array, which takes longer than most of what is done with it.
    """
    return cast(F, numba.njit(cache=True, nogil=True, **_WITHOUT_MEMORY)(function))


def _machine(function: Any) -> Any:
    """What a kernel calls that becomes one instruction; the types are known to the compiler alone."""
    return intrinsic(function)


EIGHT = 8  # bytes that `eight_bytes` reads


@_machine
def eight_bytes(_context: Any, _data: Any, _at: Any) -> Any:
    """`data[at:at + 8]` as one little-endian number (uint64); the caller knows that they are there."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        wide = ir.IntType(64)
        return builder.load(builder.bitcast(place, wide.as_pointer()), align=1, typ=wide)

    return types.uint64(_data, types.int64), code


@_machine
def fetch_early(_context: Any, _array: Any, _at: Any) -> Any:
    """Ask the memory for `array[at]` (a row, where it has two dimensions), which is wanted soon; nothing
    waits for it."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        start = builder.bitcast(array.data, byte)
        stride = builder.extract_value(array.strides, 0)
        place = builder.gep(start, [builder.mul(arguments[1], stride)], source_etype=ir.IntType(8))
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        builder.call(prefetch, [place, *(ir.Constant(number, each) for each in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(_array, types.int64), code


class Text(NamedTuple):
    """A column of UTF-8 strings as a kernel sees it: row `i` is `data[offsets[i]:offsets[i + 1]]`.

    A null is an empty string.
    """

    offsets: Offsets
    data: Bytes


def text(column: pa.Array | pa.ChunkedArray) -> Text:
    """The buffers of a string column, without copying where Arrow's layout allows it.

    They are read-only, whoever made the column, so that a kernel is compiled for one kind of array alone.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    validity, offsets, data = column.buffers()
    starts = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    if column.null_count and _bytes_under_nulls(np.frombuffer(validity, np.uint8), column.offset, starts):
        return text(column.fill_null(""))
    empty = np.zeros(0, np.uint8)
    letters = empty if data is None else np.frombuffer(data, np.uint8)
    starts.flags.writeable = letters.flags.writeable = False
    return Text(starts, letters)


def column(of: Text) -> pa.StringArray:
    """A string column without nulls from what a kernel wrote."""
    return pa.StringArray.from_buffers(len(of.offsets) - 1, pa.py_buffer(of.offsets), pa.py_buffer(of.data))


def distinct(column: pa.StringArray | pa.DictionaryArray) -> tuple[pa.StringArray, npt.NDArray[np.int32]]:
    """Values that hold all of a column's, and each row's place among them; made for columns with few of them.

    A null counts as an empty string. Of a plain column every value stands once; a dictionary column's own
    values are taken as they are.
    """
    if isinstance(column, pa.DictionaryArray):
        values = column.dictionary.cast(pa.string())
        indices = column.indices.cast(pa.int32()).fill_null(len(values)).to_numpy()
        return pa.concat_arrays([values, pa.array([""])]).fill_null(""), indices
    if column.null_count == len(column):
        return pa.array([""]), np.zeros(len(column), np.int32)
    offsets, data = text(column)
    first = np.empty(FEW, np.int64)
    place = np.empty(len(offsets) - 1, np.int32)
    slots, keys = np.full(_SLOTS, -1, np.int32), np.zeros((_SLOTS, 2), np.uint64)
    found = _distinct(offsets, data, slots, keys, first, place)
    if found < 0:
        coded = column.fill_null("").dictionary_encode()
        return coded.dictionary, coded.indices.to_numpy()
    return column.take(pa.array(first[:found])).fill_null(""), place


@kernel
def _distinct(
    offsets: Offsets,
    data: Bytes,
    slots: npt.NDArray[np.int32],
    keys: npt.NDArray[np.uint64],
    first: npt.NDArray[np.int64],
    place: npt.NDArray[np.int32],
) -> int:
    """Find each value among those met before; -1 where there are too many.

    A short value leads by its bytes (`keys`) to a slot that says which it was when it was last met here, so
    that nothing depends on the order in which values come; others are compared with all.
    """
    found = 0
    for row in range(len(place)):
        start, size = offsets[row], offsets[row + 1] - offsets[row]
        slot = -1
        if size < 2 * EIGHT and start + 2 * EIGHT <= len(data):
            low = eight_bytes(data, start) & _bytes_below(min(size, EIGHT))
            high = eight_bytes(data, start + EIGHT) & _bytes_below(max(size - EIGHT, 0))
            high |= np.uint64(size) << np.uint64(56)
            slot = int(np.int64((low ^ high) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(64 - _SLOT_BITS)))
            if slots[slot] >= 0 and keys[slot, 0] == low and keys[slot, 1] == high:
                place[row] = slots[slot]
                continue
            keys[slot, 0], keys[slot, 1] = low, high
        at = _met(offsets, data, start, size, first[:found])
        if at == found:
            if found == len(first):
                return -1
            first[found] = row
            found += 1
        if slot >= 0:
            slots[slot] = at
        place[row] = at
    return found


@kernel
def _bytes_below(count: int) -> np.uint64:
    """All bits of the first `count` (0 to 8) of eight bytes."""
    half = np.uint64(4 * count)
    return (np.uint64(1) << half << half) - np.uint64(1)


@kernel
def _met(offsets: Offsets, data: Bytes, start: int, size: int, first: npt.NDArray[np.int64]) -> int:
    """Which of the values met before, of which `first` has the rows, is this one; their number if none."""
    for at in range(len(first)):
        other = offsets[first[at]]
        if offsets[first[at] + 1] - other == size:
            same = 0
            while same < size and data[start + same] == data[other + same]:
                same += 1
            if same == size:
                return at
    return len(first)


@kernel
def _bytes_under_nulls(validity: Bytes, offset: int, starts: Offsets) -> int:
    """How many bytes stand where there is no value: Arrow allows any, its readers leave none."""
    hidden = 0
    for row in range(len(starts) - 1):
        bit = offset + row
        if not validity[bit >> 3] >> (bit & 7) & 1:
            hidden += starts[row + 1] - starts[row]
    return hidden
