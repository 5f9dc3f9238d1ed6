"""JSON lines: one object a line, its keys in any order, unknown ones ignored.

Arrow reads a chunk at once when every asked key holds the same kind of value in all of its lines: text, or
whole numbers. A chunk that does not is read line by line, so that a bad line costs itself alone.
A whole number is read by its digits, another number as it is written, true and false as words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.json

from carriers.base import Reading
from carriers.profile import header_key
from carriers.readers.decoding import Pieces, decoded_rows, joined
from carriers.readers.framing import GOOD, NESTED, NO_OBJECT, Flags, Framer, Lines, with_problems
from carriers.readers.header import refuse_missing
from carriers.readers.stream import text_blocks
from simcheck.normalise.kernels import Bytes, kernel

MOST_KEYS = 20_000  # different ones in a file
DEEPEST = 64  # brackets inside brackets; a parser's stack is not the place to find out
_QUOTE, _BACKSLASH, _COMMA, _SPACE, _TAB = 34, 92, 44, 32, 9
_OPEN, _CLOSE, _OPEN_LIST, _CLOSE_LIST = 123, 125, 91, 93
_HASH_START, _HASH_STEP = np.uint64(14695981039346656037), np.uint64(1099511628211)  # FNV-1a, 64 bits

Hashes = npt.NDArray[np.uint64]


def read(reading: Reading) -> Iterator[pa.RecordBatch]:
    """The rows of a JSON-lines file; see `carriers.base.Reader`.

    Raises FileRefusedError at the end when no line gave a required column.
    """
    framer = Framer(text_blocks(reading))
    parser = _Parser(reading)
    for lines in framer.lines(1, np.ones(1, np.bool_)):
        yield parser(lines)
    missing = [column for column in reading.profile.required if column not in parser.seen]
    if missing:
        raise refuse_missing(reading, missing)
    reading.name_unknown(list(parser.unknown))


class _Parser:
    """Reads chunks; remembers which keys were met and which columns had a value."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        headers = reading.profile.headers
        self.claims = {header_key(name): column for column, names in headers.items() for name in names}
        self.spellings: dict[str, str] = {}  # keys as met -> canonical column
        self.wanted = [column for column in reading.columns if column in headers]
        self.seen: set[str] = set()
        self.unknown: dict[str, None] = {}
        self.hashes = np.zeros(0, np.uint64)

    def __call__(self, lines: Lines) -> pa.RecordBatch:
        """The rows of a chunk, with problems."""
        rows = decoded_rows(lines, self.reading.encoding)
        kinds = lines.kinds.copy()
        good = np.flatnonzero(kinds == GOOD)
        objects = self.find_objects(rows)
        if not objects.all():
            kinds[good[~objects]] = NO_OBJECT
            rows = Pieces(rows.data, rows.starts[objects], rows.ends[objects])
        cells = self.at_once(rows) if len(rows.starts) else None
        if cells is None:
            cells, kinds[good[objects]] = self.line_by_line(rows)
        return with_problems(kinds, [cells[column] for column in self.wanted], self.wanted)

    def find_objects(self, rows: Pieces) -> Flags:
        """Which rows may be one object each; learns the keys that were not met before."""
        objects = np.zeros(len(rows.starts), np.bool_)
        row = 0
        while True:
            row, start, end, key_hash = _scan(rows, self.hashes, row, objects)
            if row == len(objects):
                return objects
            if len(self.hashes) == MOST_KEYS:
                raise self.reading.refuse(
                    f"has more than {MOST_KEYS} different keys",
                    "Send one object a line, with columns as keys",
                )
            place = int(np.searchsorted(self.hashes, key_hash))
            self.hashes = np.insert(self.hashes, place, key_hash)
            self.learn(rows.data[start:end].tobytes())

    def learn(self, written: bytes) -> None:
        """Note a key, as it is written between its quotes."""
        try:
            key = str(json.loads(b'"' + written + b'"'))
        except ValueError:
            return  # its line is no JSON, and will be found out
        column = self.claims.get(header_key(key))
        if column:
            self.spellings[key] = column
        else:
            self.unknown[key] = None

    def at_once(self, rows: Pieces) -> dict[str, pa.Array] | None:
        """The cells by Arrow's reader, or None where it cannot read all rows exactly."""
        buffer = pa.py_buffer(joined(rows))
        first = dict(_pairs(_line(rows, 0)) or ())
        fields = [
            (key, pa.int64() if isinstance(first.get(key), _Whole) else pa.string()) for key in self.spellings
        ]
        try:
            table = pa.json.read_json(
                pa.BufferReader(buffer),
                pa.json.ReadOptions(use_threads=False, block_size=buffer.size + 1),
                pa.json.ParseOptions(explicit_schema=pa.schema(fields), unexpected_field_behavior="ignore"),
            )
            if table.num_rows != len(rows.starts):
                return None
            table.validate(full=True)
        except pa.ArrowInvalid:
            return None
        return self.merged(table)

    def merged(self, table: pa.Table) -> dict[str, pa.Array] | None:
        """The columns of a table of keys; None when two keys of one row claim the same column."""
        cells: dict[str, pa.Array] = dict.fromkeys(self.wanted, pa.nulls(table.num_rows, pa.string()))
        met: set[str] = set()
        for key, column in self.spellings.items():
            values = table.column(key).combine_chunks().cast(pa.string())
            if column in met:
                return None
            met.add(column)
            if values.null_count < len(values):
                self.seen.add(column)
            cells[column] = values
        return cells

    def line_by_line(self, rows: Pieces) -> tuple[dict[str, pa.Array], Bytes]:
        """The cells of the rows that can be read, and the kind of each row."""
        kinds = np.full(len(rows.starts), GOOD, np.uint8)
        lists: dict[str, list[str | None]] = {column: [] for column in self.wanted}
        for index in range(len(kinds)):
            pairs = _pairs(_line(rows, index))
            if pairs is None:
                kinds[index] = NO_OBJECT
                continue
            cells = self.cells(pairs)
            if cells is None:
                kinds[index] = NESTED
                continue
            self.seen.update(column for column, cell in cells.items() if cell is not None)
            for column, values in lists.items():
                values.append(cells.get(column))
        return {column: pa.array(values, pa.string()) for column, values in lists.items()}, kinds

    def cells(self, pairs: list[tuple[str, object]]) -> dict[str, str | None] | None:
        """One row's cells by column, or None when a column stands twice or holds no plain value."""
        cells: dict[str, str | None] = {}
        for key, value in pairs:
            column = self.claims.get(header_key(key))
            if column is None:
                continue
            if column in cells or isinstance(value, list):
                return None
            plain = str(value).lower() if isinstance(value, bool) else value
            # A lone half of a surrogate pair is no character; it cannot be kept as text.
            cells[column] = None if plain is None else str(plain).encode("utf-8", "replace").decode()
        return cells


class _Whole(str):
    """The digits of a whole number."""

    __slots__ = ()


def _whole(digits: str) -> _Whole:
    return _Whole("0" if digits == "-0" else digits)


def _no_constant(word: str) -> object:
    raise ValueError(word)  # NaN and Infinity are Python's words, not JSON's


def _line(rows: Pieces, index: int) -> str:
    return rows.data[rows.starts[index] : rows.ends[index]].tobytes().decode()


def _pairs(line: str) -> list[tuple[str, object]] | None:
    """The keys and values of a line that is one JSON object; an inner object is a list too."""
    try:
        value = json.loads(
            line, object_pairs_hook=list, parse_int=_whole, parse_float=str, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) and line.lstrip()[:1] == "{" else None


@kernel
def _scan(rows: Pieces, known: Hashes, first: int, objects: Flags) -> tuple[int, int, int, np.uint64]:
    """Marks the rows, from `first` on, that may be one object each, until it meets a key that is not `known`.

    Returns that key's row, its begin and end in the data and its hash; the number of rows when there is none.
    """
    data, starts, ends = rows
    for row in range(first, len(starts)):
        pos, end, depth, is_key = starts[row], ends[row], 0, False
        while end > pos and data[end - 1] in (_SPACE, _TAB):
            end -= 1
        while pos < end and data[pos] in (_SPACE, _TAB):
            pos += 1
        may_be = pos < end and data[pos] == _OPEN
        while pos < end and may_be:
            byte = data[pos]
            if byte == _QUOTE:
                start = pos + 1
                pos = _string_end(data, start, end)
                if is_key:
                    key_hash = _hash(data, start, pos)
                    place = np.searchsorted(known, key_hash)
                    if place == len(known) or known[place] != key_hash:
                        return row, start, pos, key_hash
            elif byte in (_OPEN, _OPEN_LIST):
                depth += 1
            elif byte in (_CLOSE, _CLOSE_LIST):
                depth -= 1
            # In the outermost object a string is a key after its brace and after a comma.
            if byte not in (_SPACE, _TAB):
                is_key = depth == 1 and byte in (_OPEN, _COMMA)
            may_be = depth <= DEEPEST and (depth > 0 or pos >= end - 1)
            pos += 1
        objects[row] = may_be and depth == 0
    return len(starts), 0, 0, _HASH_START


@kernel
def _string_end(data: Bytes, pos: int, end: int) -> int:
    """Where the quote stands that ends a string begun before `pos`; `end` if there is none."""
    while pos < end and data[pos] != _QUOTE:
        pos += 2 if data[pos] == _BACKSLASH else 1
    return min(pos, end)


@kernel
def _hash(data: Bytes, start: int, end: int) -> np.uint64:
    found = _HASH_START
    for pos in range(start, end):
        found = (found ^ np.uint64(data[pos])) * _HASH_STEP
    return found
