"""Delimited text: CSV, and the same with tabs, pipes or semicolons.

The framer decides what is a row; Arrow's CSV reader then takes the good rows of a chunk apart.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv

from carriers.base import Reading
from carriers.readers.decoding import decoded
from carriers.readers.framing import GOOD, MESSAGES, Framer, Lines, with_problems
from carriers.readers.header import match
from carriers.readers.stream import text_blocks
from simcheck.records import CHECKED_COLUMNS


def read(reading: Reading) -> Iterator[pa.RecordBatch]:
    """The rows of a delimited file with a header; see `carriers.base.Reader`."""
    profile = reading.profile
    framer = Framer(text_blocks(reading), profile.delimiter, profile.quote)
    names = _header(reading, framer)
    found, unknown = match(reading, names)
    reading.name_unknown(unknown)
    checked = np.zeros(len(names), np.bool_)
    checked[[found[column] for column in CHECKED_COLUMNS if column in found]] = True
    parse = _Parser(
        profile.delimiter, profile.quote, len(names), {c: found[c] for c in reading.columns if c in found}
    )
    for lines in framer.lines(len(names), checked):
        yield with_problems(lines.kinds, parse(lines, reading.encoding), parse.wanted)


def _header(reading: Reading, framer: Framer) -> list[str]:
    lines = next(framer.lines(0, np.zeros(0, np.bool_), most=1), None)
    if lines is None:
        raise reading.refuse("is empty", "Send the file again")
    if lines.kinds[0] != GOOD:
        cause = f"has a header that cannot be read. {MESSAGES[int(lines.kinds[0])]}"
        raise reading.refuse(cause, "Correct the first line and send it again")
    text: str = decoded(lines, reading.encoding, exact=True).to_pybytes().decode().removesuffix("\n")
    if any(character < " " and character != "\t" for character in text.replace("\r", "").replace("\n", "")):
        raise reading.refuse("does not begin with a header: it is not text", "Send a text file with a header")
    profile = reading.profile
    if not profile.quote:
        return text.split(profile.delimiter)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=profile.delimiter, quotechar=profile.quote)
    try:
        names: list[str] = next(rows)
    except csv.Error as error:
        raise reading.refuse(
            "has a header that cannot be read", "Correct the first line and send it again"
        ) from error
    return names


class _Parser:
    """Takes chunks of rows apart; `wanted` gives for each column to read its index among the cells."""

    def __init__(self, delimiter: str, quote: str, cells: int, wanted: dict[str, int]) -> None:
        self.wanted = list(wanted)
        names = [str(index) for index in range(cells)]
        for column, index in wanted.items():
            names[index] = column
        self.names = names
        self.parse = pa.csv.ParseOptions(
            delimiter=delimiter,
            quote_char=quote or False,
            newlines_in_values=bool(quote),
            ignore_empty_lines=True,
        )
        self.convert = pa.csv.ConvertOptions(
            include_columns=self.wanted,
            column_types=dict.fromkeys(wanted, pa.string()),
            strings_can_be_null=False,
            check_utf8=False,
        )

    def __call__(self, lines: Lines, encoding: str) -> list[pa.Array]:
        """The cells of the good rows of a chunk, one array for each wanted column."""
        rows = int(np.count_nonzero(lines.kinds == GOOD))
        if not rows or not self.wanted:
            return [pa.nulls(0, pa.string())] * len(self.wanted)
        data = decoded(lines, encoding)
        read = pa.csv.ReadOptions(use_threads=False, block_size=data.size + 1, column_names=self.names)
        table = pa.csv.read_csv(pa.BufferReader(data), read, self.parse, self.convert)
        if table.num_rows != rows:
            raise AssertionError("the framer and the CSV reader count different rows")
        return [column.combine_chunks() for column in table.columns]
