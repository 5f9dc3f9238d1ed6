"""Declared rows written in a carrier's own format: the opposite of reading, for generated files.

What goes in is canonical: our column names, our words, dates as YYYY-MM-DD. What comes out has the
carrier's headers, words, date pattern, delimiter and encoding. A cell that is no full date stays as it
is; a null is an empty cell. Written aside under another name, then renamed.

What a format cannot hold: a character that the encoding lacks becomes '?'; text without quotes, and fixed
width, have a space for a delimiter or line end inside a cell; fixed width cuts a cell that is too long; a
workbook cuts one of more than 32,767 characters.
"""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from carriers import writing_workbook
from carriers.profile import DATE_PARTS, Profile
from carriers.readers import legacy
from carriers.values import Vocabulary
from simcheck.errors import OutputError, UsageError

DATE_COLUMNS = ("date_of_birth", "activated_on", "face_verified_at", "due_on", "done_at")
_DATE = r"^\d{4}-\d{2}-\d{2}([T ].*)?$"
_SLICES = {"Y": (0, 4), "y": (2, 4), "m": (5, 7), "d": (8, 10)}
_COMPRESSION = {".gz": "gzip", ".zst": "zstd"}

Columns = dict[str, pa.Array]


def write(profile: Profile, path: Path, batches: Iterable[pa.RecordBatch], encoding: str = "") -> int:
    """Writes batches of declared rows (any of the canonical columns) to `path`; returns the number of rows.

    The format is the profile's first, or the one the path's name asks for (.parquet, .gz, .zst) where
    the profile accepts it; `encoding` is one of the profile's, the first if not given. All batches have the
    columns of the first one. Raises OutputError when the file cannot be written.
    """
    encoding = encoding or profile.encodings[0]
    if encoding not in profile.encodings:
        raise UsageError(
            f"The carrier {profile.code} does not write {encoding}. Choose from its carrier.toml"
        )
    kind = "parquet" if path.suffix == ".parquet" and "parquet" in profile.formats else profile.format
    aside = path.with_name(path.name + ".part")
    rest = iter(batches)
    first = next(rest, None)
    columns = [
        name for name in profile.columns if first is None or name in first.schema.names or kind == "fixed"
    ]
    theirs = (_theirs(profile, columns, batch) for batch in chain(() if first is None else (first,), rest))
    try:
        if kind == "workbook":
            rows = writing_workbook.write(profile, aside, columns, theirs)
        elif kind == "parquet":
            rows = _write_parquet(profile, aside, columns, theirs)
        else:
            compression = _COMPRESSION.get(path.suffix, profile.compression)
            with aside.open("wb") as raw:
                rows = _write_text(profile, raw, columns, theirs, (kind, encoding, compression))
        os.replace(aside, path)
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise OutputError(
            f"{path}: cannot be written ({cause}). Free some space or choose another folder"
        ) from error
    finally:
        aside.unlink(missing_ok=True)
    return rows


def in_memory(profile: Profile, batch: pa.RecordBatch) -> bytes:
    """A file of these rows that never lies on a disk: in the profile's first format and encoding.

    Raises UsageError for a format that is written to a disk alone.
    """
    if profile.format == "parquet":
        raise UsageError(f"The carrier {profile.code} takes Parquet, in which orders are not written")
    columns, stream = list(profile.columns), _Kept()
    theirs = iter([_theirs(profile, columns, batch)])
    if profile.format == "workbook":
        writing_workbook.write(profile, stream, columns, theirs)
    else:
        how = (profile.format, profile.encodings[0], profile.compression)
        _write_text(profile, stream, columns, theirs, how)
    return stream.getvalue()


class _Kept(io.BytesIO):
    """A file in memory whose content is still there when a compressor has closed it."""

    def close(self) -> None:
        """Nothing: there is nothing to let go of."""


def _theirs(profile: Profile, columns: list[str], batch: pa.RecordBatch) -> Columns:
    """The columns of a batch in the carrier's words and dates; nulls are empty strings."""
    ready: Columns = {}
    for name in columns:
        if name not in batch.schema.names:
            ready[name] = pa.array([""] * batch.num_rows, pa.string())
            continue
        column = pc.fill_null(batch.column(name).cast(pa.string()), "")
        if name in profile.values:
            column = Vocabulary(profile.values[name]).to_theirs(column)
        if name in DATE_COLUMNS and profile.date_format != "%Y-%m-%d" and profile.format != "workbook":
            column = dates_as(column, profile.date_format)
        ready[name] = column
    return ready


def dates_as(column: pa.Array, pattern: str) -> pa.Array:
    """YYYY-MM-DD, alone or before a time, in another order; anything else as it is."""
    is_date = pc.match_substring_regex(column, pattern=_DATE)
    pieces, at = [], 0
    for part in DATE_PARTS.finditer(pattern):
        pieces += [pa.scalar(pattern[at : part.start()]), pc.utf8_slice_codeunits(column, *_SLICES[part[1]])]
        at = part.end()
    time = pc.replace_substring_regex(pc.utf8_slice_codeunits(column, 10), pattern="^T", replacement=" ")
    pieces += [pa.scalar(pattern[at:]), time]
    return pc.if_else(is_date, pc.binary_join_element_wise(*pieces, ""), column)


def _write_parquet(profile: Profile, path: Path, columns: list[str], batches: Iterator[Columns]) -> int:
    schema = pa.schema([(profile.headers[name][0], pa.string()) for name in columns])
    rows = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            written = pa.RecordBatch.from_arrays(list(batch.values()), schema=schema)
            writer.write_batch(written)
            rows += written.num_rows
    return rows


def _write_text(
    profile: Profile, raw: BinaryIO, columns: list[str], batches: Iterator[Columns], how: tuple[str, str, str]
) -> int:
    kind, encoding, compression = how
    rows = 0
    with _compressed(raw, compression) as out:
        if encoding == "utf-16":
            out.write(b"\xff\xfe")
        if kind == "csv":
            header = {name: pa.array([profile.headers[name][0]]) for name in columns}
            out.write(_encoded(_csv_lines(profile, header), encoding))
        for batch in batches:
            lines = _LINES[kind](profile, batch)
            out.write(_encoded(lines, encoding))
            rows += len(lines)
    return rows


def _compressed(raw: BinaryIO, compression: str) -> AbstractContextManager[Any]:
    """A stream that compresses to `raw`; the same bytes in give the same bytes out."""
    if compression == "gzip":
        return gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0)
    if compression == "zstd":
        return pa.CompressedOutputStream(raw, "zstd")  # type: ignore[no-any-return]
    return nullcontext(raw)


def _encoded(lines: pa.Array, encoding: str) -> pa.Buffer | bytes:
    """Lines in an encoding, each with an LF after it."""
    ended = pc.binary_join_element_wise(lines, "", "\n")
    first, last = ended.offset, ended.offset + len(ended)
    offsets = memoryview(ended.buffers()[1]).cast("i")
    data = ended.buffers()[2][offsets[first] : offsets[last]] if len(ended) else pa.py_buffer(b"")
    if encoding == "utf-8":
        return data
    text = data.to_pybytes().decode()
    return text.encode("utf-16-le") if encoding == "utf-16" else legacy.encode(text, encoding)


def _csv_lines(profile: Profile, batch: Columns) -> pa.Array:
    special = (
        "["
        + "".join(f"\\x{ord(character):02x}" for character in profile.delimiter + profile.quote + "\r\n")
        + "]"
    )
    cells = [_csv_cells(column, special, profile.quote) for column in batch.values()]
    return pc.binary_join_element_wise(*cells, profile.delimiter)


def _csv_cells(column: pa.Array, special: str, quote: str) -> pa.Array:
    if not quote:
        return pc.replace_substring_regex(column, pattern=special, replacement=" ")
    needs = pc.match_substring_regex(column, pattern=special)
    if not pc.any(needs).as_py():
        return column
    doubled = pc.replace_substring(column, pattern=quote, replacement=quote * 2)
    return pc.if_else(needs, pc.binary_join_element_wise(quote, doubled, quote, ""), column)


def _json_lines(profile: Profile, batch: Columns) -> pa.Array:
    pieces: list[pa.Array | str] = []
    for name, column in batch.items():
        key = pc.replace_substring(profile.headers[name][0], pattern='"', replacement='\\"').as_py()
        escaped = pc.replace_substring(column, pattern="\\", replacement="\\\\")
        escaped = pc.replace_substring(escaped, pattern='"', replacement='\\"')
        if pc.any(pc.match_substring_regex(escaped, pattern=r"[\x00-\x1f]")).as_py():
            for code in range(32):
                escaped = pc.replace_substring(escaped, pattern=chr(code), replacement=f"\\u{code:04x}")
        value = pc.binary_join_element_wise(f'"{key}":"', escaped, '"', "")
        pieces.append(pc.if_else(pc.equal(column, ""), f'"{key}":null', value))
    return pc.binary_join_element_wise("{", pc.binary_join_element_wise(*pieces, ","), "}", "")


def _fixed_lines(profile: Profile, batch: Columns) -> pa.Array:
    pieces: list[pa.Array | str] = []
    at = 0
    for name, (start, width) in sorted(profile.positions.items(), key=lambda item: item[1]):
        one_line = pc.replace_substring_regex(batch[name], pattern=r"[\r\n]", replacement=" ")
        pieces += [" " * (start - at), pc.utf8_rpad(pc.utf8_slice_codeunits(one_line, 0, width), width, " ")]
        at = start + width
    return pc.binary_join_element_wise(*pieces, "")


_LINES: dict[str, Callable[[Profile, Columns], pa.Array]] = {
    "csv": _csv_lines,
    "jsonl": _json_lines,
    "fixed": _fixed_lines,
}
