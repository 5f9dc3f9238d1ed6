"""The good rows of a chunk as UTF-8 text.

A text that is declared UTF-8 often is not, in some lines or in all: then a line that is not valid UTF-8
is read as Latin-1, each byte the character of the same number. Nothing is lost by that, and the
name's encoding is recognised later from its characters. Valid lines stay as they are.
"""

from __future__ import annotations

import codecs
import unicodedata
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from carriers.readers import legacy
from carriers.readers.framing import GOOD, LF, Int64s, Lines
from simcheck.normalise.kernels import Bytes, kernel


def decoded(lines: Lines, encoding: str, exact: bool = False) -> pa.Buffer:
    """The rows that are GOOD, in UTF-8, with line ends between them.

    `exact` asks for exactly one LF after each row; else line ends, and empty lines, may be as in the file.
    """
    plain = not exact and not lines.kinds.any()
    if plain and encoding == "utf-8":
        first, last = int(lines.starts[0]), int(lines.ends[-1])
        data = pa.py_buffer(lines.data)[first:last]
        # Arrow's CSV reader drops a byte-order mark at the beginning of its input; here it is a cell's.
        if is_utf8(data) and data[:3].to_pybytes() != codecs.BOM_UTF8:
            return data
    good = lines.kinds == GOOD
    joined = _joined(Pieces(lines.data, lines.starts[good], lines.ends[good]), encoding == "utf-8")
    if encoding in legacy.TABLES:
        joined = legacy.decode(joined, encoding).encode()
    elif encoding != "utf-8":
        joined = unicodedata.normalize("NFC", joined.decode()).encode()
    return pa.py_buffer(joined if exact else b"\n" + joined)


def decoded_rows(lines: Lines, encoding: str) -> pa.Array:
    """The rows that are GOOD, one string each; only for a text without quoted line ends."""
    data = decoded(lines, encoding, exact=True)
    offsets = pa.py_buffer(np.array([0, data.size], np.int32))
    rows = pc.split_pattern(pa.Array.from_buffers(pa.string(), 1, [None, offsets, data]), "\n").flatten()
    return rows.slice(0, len(rows) - 1)  # after the last line end there is no row


def is_utf8(data: pa.Buffer) -> bool:
    """Whether a buffer is valid UTF-8."""
    offsets = pa.py_buffer(np.array([0, data.size], np.int64))
    try:
        pa.Array.from_buffers(pa.large_string(), 1, [None, offsets, data]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


@kernel
def valid_utf8(data: Bytes, begin: int, end: int) -> bool:
    """Whether `data[begin:end]` is well-formed UTF-8 (Unicode 16, table 3-7)."""
    pos = begin
    while pos < end:
        first = data[pos]
        pos += 1
        if first < 0x80:
            continue
        if first < 0xC2 or first > 0xF4:
            return False
        low, high = 0x80, 0xBF
        if first == 0xE0:
            low = 0xA0
        elif first == 0xED:
            high = 0x9F
        elif first == 0xF0:
            low = 0x90
        elif first == 0xF4:
            high = 0x8F
        follow = 1 if first < 0xE0 else 2 if first < 0xF0 else 3
        if pos + follow > end:
            return False
        for _ in range(follow):
            if data[pos] < low or data[pos] > high:
                return False
            low, high = 0x80, 0xBF
            pos += 1
    return True


class Pieces(NamedTuple):
    """Piece `i` is `data[starts[i]:ends[i]]`."""

    data: Bytes
    starts: Int64s
    ends: Int64s


@kernel
def _widths(pieces: Pieces, widths: Int64s) -> None:
    """How many bytes each piece takes as UTF-8, read as Latin-1 if it is not valid UTF-8."""
    data, starts, ends = pieces
    for row in range(len(starts)):
        widths[row] = ends[row] - starts[row]
        if not valid_utf8(data, starts[row], ends[row]):
            for pos in range(starts[row], ends[row]):
                widths[row] += data[pos] >> 7


@kernel
def _copy(pieces: Pieces, widths: Int64s, begins: Int64s, out: Bytes) -> None:
    """Writes each piece to `out` from its place in `begins`; one that is to be wider is read as Latin-1."""
    data, starts, ends = pieces
    for row in range(len(starts)):
        at = begins[row]
        latin1 = widths[row] != ends[row] - starts[row]
        for pos in range(starts[row], ends[row]):
            byte = data[pos]
            if latin1 and byte >= 0x80:
                out[at] = 0xC0 | (byte >> 6)
                out[at + 1] = 0x80 | (byte & 0x3F)
                at += 2
            else:
                out[at] = byte
                at += 1


def _joined(pieces: Pieces, repair: bool) -> bytes:
    """The pieces with an LF after each; with `repair`, those that are not UTF-8 as Latin-1."""
    widths = pieces.ends - pieces.starts
    if repair:
        _widths(pieces, widths)
    past = np.cumsum(widths + 1)
    out = np.full(past[-1] if len(past) else 0, LF, np.uint8)
    _copy(pieces, widths, past - widths - 1, out)
    return out.tobytes()


def latin1_cells(column: pa.Array) -> pa.Array:
    """A binary column as text; a cell that is not valid UTF-8 is read as Latin-1."""
    filled = pc.fill_null(column, b"")
    _, offsets, content = filled.buffers()
    bounds = np.frombuffer(offsets, np.int32)[filled.offset : filled.offset + len(filled) + 1].astype(
        np.int64
    )
    pieces = Pieces(np.frombuffer(content or b"", np.uint8), bounds[:-1].copy(), bounds[1:].copy())
    widths = np.empty_like(pieces.starts)
    _widths(pieces, widths)
    past = np.cumsum(widths)
    out = np.empty(past[-1] if len(past) else 0, np.uint8)
    _copy(pieces, widths, past - widths, out)
    begins = np.concatenate(([0], past)).astype(np.int32)
    text = pa.Array.from_buffers(pa.string(), len(filled), [None, pa.py_buffer(begins), pa.py_buffer(out)])
    return pc.if_else(column.is_valid(), text, None)
