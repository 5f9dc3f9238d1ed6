"""Fixed width: every line has the same number of characters, every column its place; no header.

A cell is filled up with spaces on its right; they are no part of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from carriers.base import Reading
from carriers.readers.decoding import decoded_rows
from carriers.readers.framing import GOOD, LENGTH, Framer, Lines, with_problems
from carriers.readers.stream import text_blocks
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
    fits = pc.equal(pc.utf8_length(rows), width)
    kinds = lines.kinds.copy()
    good = np.flatnonzero(kinds == GOOD)
    kinds[good[~fits.to_numpy(zero_copy_only=False)]] = LENGTH
    rows = rows.filter(fits)
    return with_problems(kinds, [_cell(rows, *positions[column]) for column in columns], columns)


def _cell(rows: pa.Array, start: int, width: int) -> pa.Array:
    return pc.utf8_rtrim(pc.utf8_slice_codeunits(rows, start, start + width), " ")
