"""UTF-8 that was read as Latin-1 or CP1252, put right as a column.

This is `encodings.utf8_misread` where nothing is out of the ordinary: such names come by the hundred
thousand, and nearly all of them are Vietnamese letters whose bytes were taken for characters.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.normalise.encodings import CP1252_BACK
from simcheck.normalise.kernels import Bytes, Offsets, Text, column, kernel, text
from simcheck.normalise.names import code_point

I32 = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

_LONGEST = 256  # characters of a value that is looked at here
_NOT_SO, _UNSURE = 0, -1


def _bytes_of_characters() -> npt.NDArray[np.int16]:
    """The byte that each code point was read from, -1 for those that no byte is read as."""
    back = np.full(max(CP1252_BACK) + 1, -1, np.int16)
    back[:0x100] = np.arange(0x100)
    back[list(CP1252_BACK)] = list(CP1252_BACK.values())
    return back


_BACK = _bytes_of_characters()


def put_right(values: pa.StringArray, plain: Mask) -> tuple[pa.StringArray, Mask]:
    """Values put right, and which rows they are; the others are empty, and may be misread nevertheless.

    `plain` tells of each code point below 0x10000 whether it may stand in a value that is put right here.
    """
    offsets, data = text(values)
    right, ends = np.zeros(len(values), np.bool_), np.zeros(len(values) + 1, np.int32)
    out = np.empty(int(offsets[-1]) - int(offsets[0]), np.uint8)
    room = np.empty((3, _LONGEST), np.int32)
    used = _put_right(offsets, data, _BACK, plain, room, right, ends, out)
    return column(Text(ends, out[:used])), right


@kernel
def _put_right(
    offsets: Offsets, data: Bytes, back: npt.NDArray[np.int16], plain: Mask, room: I32, right: Mask,
    ends: I32, out: Bytes,
) -> int:  # fmt: skip
    written, raw, undone = room[0], room[1], room[2]
    used = 0
    for row in range(len(offsets) - 1):
        count = _points(data, offsets[row], offsets[row + 1], written)
        for _ in range(2):
            fewer = _undo(written[:count], back, raw, undone) if count > 0 else _UNSURE
            if fewer <= 0:
                right[row] &= fewer == _NOT_SO
                break
            right[row] = True
            count = fewer
            for at in range(count):
                written[at] = undone[at]
        if right[row]:
            for point in written[:count]:
                right[row] &= plain[point]
        if right[row]:
            for point in written[:count]:
                used = _put(int(point), out, used)
        ends[row + 1] = used
    return used


@kernel
def _points(data: Bytes, at: int, end: int, written: I32) -> int:
    """The code points of a value; how many, or 0 where they are too many or one takes four bytes."""
    count = 0
    while at < end:
        point, width = code_point(data, at)
        if count == len(written) or width > 3:
            return 0
        written[count] = point
        count += 1
        at += width
    return count


@kernel
def _undo(written: I32, back: npt.NDArray[np.int16], raw: I32, undone: I32) -> int:
    """The characters whose bytes were read as `written`: how many, _NOT_SO or _UNSURE."""
    for at in range(len(written)):
        raw[at] = back[written[at]] if written[at] < len(back) else -1
        if raw[at] < 0:
            return _NOT_SO
    count = 0
    at = 0
    while at < len(written):
        first = raw[at]
        more = 0 if first < 0x80 else 1 if 0xC2 <= first <= 0xDF else 2 if 0xE0 <= first <= 0xEF else -1
        if more < 0:
            return _UNSURE if 0xF0 <= first <= 0xF4 else _NOT_SO
        if at + more >= len(written):
            return _NOT_SO
        point = first if more == 0 else first & (0x1F if more == 1 else 0x0F)
        for following in raw[at + 1 : at + 1 + more]:
            if following & 0xC0 != 0x80:
                return _NOT_SO
            point = point << 6 | following & 0x3F
        if more == 2 and (point < 0x800 or 0xD800 <= point <= 0xDFFF):
            return _NOT_SO
        undone[count] = point
        count += 1
        at += 1 + more
    return count if count < len(written) else _NOT_SO


@kernel
def _put(point: int, out: Bytes, used: int) -> int:
    """Write a code point of at most three bytes, and say how much is used now."""
    if point < 0x80:
        out[used] = point
        return used + 1
    if point < 0x800:
        out[used] = 0xC0 | point >> 6
        out[used + 1] = 0x80 | point & 0x3F
        return used + 2
    out[used] = 0xE0 | point >> 12
    out[used + 1] = 0x80 | point >> 6 & 0x3F
    out[used + 2] = 0x80 | point & 0x3F
    return used + 3
