"""Where the rows of a text begin and end, in one pass over its bytes, whatever the bytes are.

The rules, the same for any chunk size:

- A row ends at LF, CR or the end of the file. A line with nothing in it is no row, wherever it stands.
- A quote at the beginning of a cell opens a quoted cell (RFC 4180): delimiters and line ends belong to
  it, two quotes are one, until the closing quote.
- A quoted cell holds line ends only if its row ends within `QUOTED_BYTES` and `QUOTED_LINES`, has as many
  cells as the header, and every quote that closes such a cell stands before a delimiter or a line end.
  Else the quote is a slip of the pen: the line where the row begins is a problem row, and reading goes
  on with the next line, so that one stray quote cannot swallow the rows after it.
- A row longer than `LINE_BYTES` is a problem row; what is left of its line is skipped, not held.
- A NUL in a checked cell makes a problem row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from carriers.base import BATCH_ROWS
from simcheck.normalise.kernels import Bytes, kernel
from simcheck.records import PROBLEM

QUOTED_BYTES = 64 << 10
QUOTED_LINES = 100  # keeps hostile quotes, each of which is looked after, from costing their square
LINE_BYTES = 1 << 20

LF, CR = 10, 13
PLAIN, DELIMITER, LINE_END, QUOTE, NUL = range(5)  # classes of bytes


# What became of a row; `MESSAGES` has the words.
GOOD, FEW, MANY, UNCLOSED, LONG, HAS_NUL, NO_OBJECT, NESTED, LENGTH = range(9)
MESSAGES = pa.array(
    [
        None,
        "The row has fewer cells than the header",
        "The row has more cells than the header",
        "A quote opens a cell and does not close it",
        "The row is longer than 1 MiB",
        "A cell contains NUL bytes",
        "The line is not one JSON object",
        "A key stands twice, or its value is a list or an object",
        "The line is shorter or longer than its columns",
    ],
    pa.string(),
)
"""What `problem` says for each kind."""

Int64s = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Lines(NamedTuple):
    """Rows of a text: row `i` is `data[starts[i]:ends[i]]`, without its line end, and is of `kinds[i]`."""

    data: Bytes
    starts: Int64s
    ends: Int64s
    kinds: Bytes

    def first(self, count: int) -> Lines:
        """The first `count` rows."""
        return Lines(self.data, self.starts[:count], self.ends[:count], self.kinds[:count])


class Rules(NamedTuple):
    """What a row is to be: the class of each byte, the number of cells (0: any), which cells are checked."""

    classes: Bytes
    columns: int
    checked: Flags


@kernel
def _row(data: Bytes, begin: int, final: bool, rules: Rules) -> tuple[int, int, int]:
    """The row at `begin` as (its end, where the next begins, its kind); an end of -1 asks for more data."""
    size, columns = len(data), rules.columns
    stop = min(size, begin + LINE_BYTES + 1)
    pos, cell, cells, has_nul, quoted, broken, breaks = begin, begin, 1, False, False, -1, 0
    while pos < stop:
        kind = rules.classes[data[pos]]
        if kind == PLAIN:
            pos += 1
            continue
        if quoted:
            if kind == QUOTE:
                if pos + 1 == size and not final:
                    return -1, begin, GOOD
                following = rules.classes[data[pos + 1]] if pos + 1 < size else LINE_END
                if following == QUOTE:
                    pos += 1
                else:
                    quoted = False
                    if broken >= 0 and following not in (DELIMITER, LINE_END):
                        return broken - 1, broken, UNCLOSED
            elif kind == LINE_END:
                breaks += 1
                broken = pos + 1 if broken < 0 else broken
        elif kind == DELIMITER:
            cells += 1
            cell = pos + 1
            if broken >= 0 and cells > columns > 0:
                return broken - 1, broken, UNCLOSED
        elif kind == LINE_END:
            break
        elif kind == QUOTE:
            quoted = pos == cell
        if kind == NUL and cells <= len(rules.checked) and rules.checked[cells - 1]:
            has_nul = True
        pos += 1
        if broken >= 0 and (pos - begin > QUOTED_BYTES or breaks > QUOTED_LINES):
            return broken - 1, broken, UNCLOSED
    no_line_end, other_count = pos >= size, cells != columns > 0
    if broken >= 0 and (pos - begin > QUOTED_BYTES or (no_line_end and final and quoted)):
        return broken - 1, broken, UNCLOSED
    if pos - begin > LINE_BYTES:
        return pos, pos, LONG
    if no_line_end and not final:
        return -1, begin, GOOD
    if broken >= 0 and other_count:
        return broken - 1, broken, UNCLOSED
    if quoted:
        return pos, pos + 1, UNCLOSED
    if other_count:
        return pos, pos + 1, FEW if cells < columns else MANY
    return pos, pos + 1, HAS_NUL if has_nul else GOOD


@kernel
def _rows(lines: Lines, skipping: bool, final: bool, rules: Rules) -> tuple[int, int, bool]:
    """Fills `lines` until its data or the room in it ends: (rows, bytes consumed, amid a line to skip)."""
    data, starts, ends, kinds = lines
    size, pos, count = len(data), 0, 0
    while count < len(starts):
        if skipping:
            while pos < size and data[pos] != LF and data[pos] != CR:
                pos += 1
            if pos == size:
                break
            skipping = False
        while pos < size and (data[pos] == LF or data[pos] == CR):
            pos += 1
        if pos == size:
            break
        end, resume, kind = _row(data, pos, final, rules)
        if end < 0:
            break
        starts[count], ends[count], kinds[count] = pos, end, kind
        count += 1
        pos = min(resume, size)
        skipping = kind == LONG
    return count, pos, skipping


class Framer:
    """Cuts a stream of blocks of bytes into `Lines`.

    `delimiter` and `quote` are one ASCII character, or empty for none. The encoding must be one in
    which a byte below 0x80 is ASCII.
    """

    def __init__(self, blocks: Iterator[bytes], delimiter: str = "", quote: str = "") -> None:
        self._blocks = blocks
        self._buffer = b""
        self._at = 0  # where in the buffer the rows begin that are left
        self._skipping = False
        self._classes = np.zeros(256, np.uint8)
        self._classes[0] = NUL
        for character, kind in ((delimiter, DELIMITER), (quote, QUOTE)):
            if character:
                self._classes[ord(character)] = kind
        self._classes[[LF, CR]] = LINE_END

    def lines(self, columns: int, checked: Flags, most: int = 0) -> Iterator[Lines]:
        """All rows that are left, at most `BATCH_ROWS` at a time; `most` in all, if it is given.

        A row with other than `columns` cells (0: any number) is a problem row, and so is one with a NUL in
        a cell that is `checked` (an array of flags, one a cell).
        """
        rules = Rules(self._classes, columns, checked)
        room = most or BATCH_ROWS
        final = False
        while True:
            data = np.frombuffer(self._buffer, np.uint8)[self._at :]
            starts, ends, kinds = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.uint8)
            lines = Lines(data, starts, ends, kinds)
            count, used, self._skipping = _rows(lines, self._skipping, final, rules)
            self._at += used
            if count:
                yield lines.first(count)
            if count == most > 0 or (final and count < room):
                return
            if count < room:
                block = next(self._blocks, b"")
                final = not block
                self._buffer = self._buffer[self._at :] + block
                self._at = 0


def with_problems(kinds: Bytes, cells: list[pa.Array], columns: list[str]) -> pa.RecordBatch:
    """The rows of `cells`, one for each that is GOOD, a row of nulls with its `problem` for each other."""
    is_good = kinds == GOOD
    if not is_good.all():
        places = pa.array(np.cumsum(is_good) - 1, mask=~is_good)
        cells = [cell.take(places) if len(cell) else pa.nulls(len(kinds), pa.string()) for cell in cells]
    return pa.RecordBatch.from_arrays([MESSAGES.take(pa.array(kinds)), *cells], [PROBLEM, *columns])
