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
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from carriers.readers import legacy
from carriers.readers.framing import GOOD, LF, Int64s, Lines
from simcheck.normalise.kernels import EIGHT, Bytes, eight_bytes, kernel

PARTS_OF_A_LETTER = 4  # bytes that a letter may take in UTF-8


class Pieces(NamedTuple):
    """Piece `i` is `data[starts[i]:ends[i]]`."""

    data: Bytes
    starts: Int64s
    ends: Int64s


def decoded(lines: Lines, encoding: str, exact: bool = False) -> pa.Buffer:
    """The rows that are GOOD, in UTF-8, with line ends between them.

    `exact` asks for exactly one LF after each row; else line ends, and empty lines, may be as in the file.
    """
    valid = False
    if encoding == "utf-8":
        whole = pa.py_buffer(lines.data)[int(lines.starts[0]) : int(lines.ends[-1])]
        valid = is_utf8(np.frombuffer(whole, np.uint8))
        # Arrow's CSV reader drops a byte-order mark at the beginning of its input; here it is a cell's.
        if valid and not exact and not lines.kinds.any() and whole[:3].to_pybytes() != codecs.BOM_UTF8:
            return whole
    good = lines.kinds == GOOD
    pieces = Pieces(lines.data, lines.starts[good], lines.ends[good])
    if encoding == "utf-8":
        text = pa.py_buffer(joined(pieces, repair=not valid))
    elif encoding in legacy.TABLES:
        text = pa.py_buffer(legacy.decode(joined(pieces).tobytes(), encoding).encode())
    else:
        text = pa.py_buffer(unicodedata.normalize("NFC", joined(pieces).tobytes().decode()).encode())
    return text if exact else pa.py_buffer(b"\n" + text.to_pybytes())


def decoded_rows(lines: Lines, encoding: str) -> Pieces:
    """The rows that are GOOD, in UTF-8, one piece each; only for a text without quoted line ends."""
    data = np.frombuffer(decoded(lines, encoding, exact=True), np.uint8)
    ends = np.flatnonzero(data == LF)
    return Pieces(data, np.concatenate((np.zeros(1, np.int64), ends + 1))[:-1], ends)


def is_utf8(data: Bytes) -> bool:
    """Whether bytes are valid UTF-8."""
    return bool(_usual_utf8(data)) or bool(valid_utf8(data, 0, len(data)))


_TOP, _EACH = 0x8080808080808080, 0x0101010101010101  # the top bit, and one, of each of eight bytes


@kernel
def _usual_utf8(data: Bytes) -> bool:
    """Whether bytes are well-formed UTF-8 without the lead bytes that need a closer look: eight at a time, so
    that a processor looks at many more at once. False says nothing."""
    size = len(data)
    if size < EIGHT + PARTS_OF_A_LETTER or data[size - 1] >= 0xC0 or data[size - 2] >= 0xE0:
        return False
    head = eight_bytes(data, 0)
    wrong = _unusual(head, head << np.uint64(8), head << np.uint64(16))
    for at in range(EIGHT, size - EIGHT + 1, EIGHT):
        wrong |= _unusual(eight_bytes(data, at), eight_bytes(data, at - 1), eight_bytes(data, at - 2))
    last = size - EIGHT
    wrong |= _unusual(eight_bytes(data, last), eight_bytes(data, last - 1), eight_bytes(data, last - 2))
    return bool(wrong == 0)


@kernel
def _unusual(word: np.uint64, before: np.uint64, second: np.uint64) -> np.uint64:
    """The top bits of those of eight bytes that follow no lead byte, or should and do not, or are leads that
    allow not every follower (E0, ED), none (C0, C1) or three (F0 on). `before` and `second` are the bytes one
    and two places earlier."""
    lead_of_two = before & before << np.uint64(1)
    lead_of_three = second & second << np.uint64(1) & second << np.uint64(2)
    follows = word & ~(word << np.uint64(1))
    wrong = (lead_of_two | lead_of_three) ^ follows
    wrong |= word & word << np.uint64(1) & word << np.uint64(2) & word << np.uint64(3)
    wrong |= _holds(word, 0xE0) | _holds(word, 0xED) | _holds(word & np.uint64(_EACH * 0xFE), 0xC0)
    return wrong & np.uint64(_TOP)


@kernel
def _holds(word: np.uint64, byte: int) -> np.uint64:
    """Not zero where one of eight bytes is `byte` (Mycroft's test for a zero byte)."""
    other = word ^ np.uint64(_EACH * byte)
    return (other - np.uint64(_EACH)) & ~other & np.uint64(_TOP)


@kernel
def parts_letters(starts: npt.NDArray[np.int32], data: Bytes) -> bool:
    """Whether some cell of a column in valid UTF-8 begins amid a letter."""
    parted = False
    for row in range(len(starts) - 1):
        parted |= starts[row] < starts[row + 1] and data[starts[row]] & 0xC0 == 0x80
    return parted


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
        if widths[row] == ends[row] - starts[row]:
            for pos in range(starts[row], ends[row]):
                out[at] = data[pos]
                at += 1
            continue
        for pos in range(starts[row], ends[row]):
            byte = data[pos]
            if byte < 0x80:
                out[at] = byte
                at += 1
            else:
                out[at] = 0xC0 | (byte >> 6)
                out[at + 1] = 0x80 | (byte & 0x3F)
                at += 2


def joined(pieces: Pieces, repair: bool = False) -> Bytes:
    """The pieces with an LF after each; with `repair`, those that are not UTF-8 as Latin-1."""
    widths = pieces.ends - pieces.starts
    if repair:
        _widths(pieces, widths)
    past = np.cumsum(widths + 1)
    out = np.full(past[-1] if len(past) else 0, LF, np.uint8)
    _copy(pieces, widths, past - widths - 1, out)
    return out


def strings(pieces: Pieces, repair: bool = False) -> pa.Array:
    """The pieces as a column of text; with `repair`, those that are not UTF-8 as Latin-1."""
    widths = pieces.ends - pieces.starts
    if repair:
        _widths(pieces, widths)
    past = np.cumsum(widths)
    out = np.empty(past[-1] if len(past) else 0, np.uint8)
    _copy(pieces, widths, past - widths, out)
    begins = np.concatenate((np.zeros(1, np.int64), past)).astype(np.int32)
    return pa.Array.from_buffers(pa.string(), len(widths), [None, pa.py_buffer(begins), pa.py_buffer(out)])


def latin1_cells(column: pa.Array) -> pa.Array:
    """A binary column as text; a cell that is not valid UTF-8 is read as Latin-1."""
    filled = pc.fill_null(column, b"")
    _, offsets, content = filled.buffers()
    bounds = np.frombuffer(offsets, np.int32)[filled.offset : filled.offset + len(filled) + 1].astype(
        np.int64
    )
    pieces = Pieces(np.frombuffer(content or b"", np.uint8), bounds[:-1].copy(), bounds[1:].copy())
    return pc.if_else(column.is_valid(), strings(pieces, repair=True), None)
