"""Fixed width: every line has the same number of characters, every column its place; no header.

A cell is filled up with spaces on its right; they are no part of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from carriers.base import Reading
from carriers.readers.decoding import Pieces, decoded_rows, strings
from carriers.readers.framing import GOOD, LENGTH, Flags, Framer, Int64s, Lines, with_problems
from carriers.readers.stream import text_blocks
from simcheck.normalise.kernels import kernel
from simcheck.records import PROBLEM


def read(reading: Reading) -> Iterator[pa.RecordBatch]:
    """The rows of a fixed-width file; see `carriers.base.Reader`."""
    framer = Framer(text_blocks(reading))
    width = max(start + width for start, width in reading.profile.positions.values())
    fitting = 0
    for lines in framer.lines(1, np.ones(1, np.bool_)):
        batch = _parse(reading, lines, width)
        fitting += batch.column(PROBLEM).null_count
        yield batch
    if not fitting:
        raise reading.refuse(
            f"has no line of {width} characters", "Send a fixed-width file with its columns in place"
        )


def _parse(reading: Reading, lines: Lines, width: int) -> pa.RecordBatch:
    positions = reading.profile.positions
    columns = [column for column in reading.columns if column in positions]
    rows = decoded_rows(lines, reading.encoding)
    cuts = np.unique([at for start, size in positions.values() for at in (start, start + size)])
    places = np.zeros((len(cuts), len(rows.starts)), np.int64)
    fits = np.zeros(len(rows.starts), np.bool_)
    _measure(rows, width, cuts, places, fits)
    kinds = lines.kinds.copy()
    kinds[np.flatnonzero(kinds == GOOD)[~fits]] = LENGTH
    place_of = dict(zip(cuts.tolist(), places[:, fits], strict=True))
    cells = []
    for column in columns:
        start, size = positions[column]
        cell = Pieces(rows.data, place_of[start], place_of[start + size].copy())
        _trim(cell)
        cells.append(strings(cell))
    return with_problems(kinds, cells, columns)


@kernel
def _measure(rows: Pieces, width: int, cuts: Int64s, places: Int64s, fits: Flags) -> None:
    """Notes which rows have `width` characters, and at which byte each row's character `cuts[i]` begins."""
    data, starts, ends = rows
    for row in range(len(starts)):
        character, cut = 0, 0
        for pos in range(starts[row], ends[row]):
            if data[pos] & 0xC0 != 0x80:
                if cut < len(cuts) and cuts[cut] == character:
                    places[cut, row] = pos
                    cut += 1
                character += 1
        if cut < len(cuts) and cuts[cut] == character:
            places[cut, row] = ends[row]
        fits[row] = character == width


@kernel
def _trim(cells: Pieces) -> None:
    """Moves each end before the spaces at the end of its cell."""
    data, starts, ends = cells
    for row in range(len(starts)):
        while ends[row] > starts[row] and data[ends[row] - 1] == 32:
            ends[row] -= 1
