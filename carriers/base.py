"""The shape in which every carrier's file is read: `Adapter` gives a `Reading` of declared rows."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import pyarrow as pa

from carriers.profile import Profile
from carriers.values import Vocabulary
from simcheck.errors import FileRefusedError
from simcheck.normalise.kernels import distinct, text
from simcheck.records import DECLARED_COLUMNS, PROBLEM, declared_schema

BATCH_ROWS = 131_072
CHUNK_BYTES = 4 << 20
NAMES_SHOWN = 20  # of the ignored headers; a file may have thousands


class File(Protocol):
    """What is read: `name` for messages, and its bytes. A path on a disk is one (`OnDisk`).

    `size` is in bytes; it and `open` raise OSError when there is no such file.
    """

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    def open(self) -> pa.NativeFile:
        """A stream from the first byte on, for reading at any place."""


@dataclass(frozen=True)
class OnDisk:
    """A file of this machine."""

    path: Path

    @property
    def name(self) -> str:
        """The path as it was given."""
        return str(self.path)

    @property
    def size(self) -> int:
        """Its bytes. Raises FileRefusedError for what is no regular file."""
        status = self.path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise FileRefusedError(self.path, "is not a regular file", "Give the path of a file")
        return status.st_size

    def open(self) -> pa.NativeFile:
        """See `File.open`."""
        return pa.OSFile(self.name)


class Reading:
    """One pass over a carrier's file: iterate for batches of `declared_schema(columns)`, where columns that
    are also asked for as codes (`coded`) may be dictionary arrays instead.

    Rows are numbered from 1 without gaps, in the file's order; a batch has at most `BATCH_ROWS`.
    The file streams: what is held is a chunk of `chunk_bytes` (a row group of a Parquet file, a sheet
    of a workbook), never the file. Each new iteration begins again at the first row.

    While it runs and after it: `rows` read so far; `bytes_read` of `bytes_total` (of the file as it is
    stored, for a progress bar); `encoding` as recognised; `present`, the asked
    columns that the file has; `unknown_columns`, the headers that were
    ignored (the first `NAMES_SHOWN`, then how many more); `warnings`, complete when the iteration is.
    Iterating raises FileRefusedError, and nothing else, when the file cannot be used; this may come
    after some batches (a truncated archive shows at its end), and then those do not count either.
    """

    def __init__(
        self,
        file: File | Path,
        profile: Profile,
        columns: tuple[str, ...],
        reader: Reader,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        self.file: File = OnDisk(file) if isinstance(file, Path) else file
        self.profile, self.columns, self.chunk_bytes = profile, columns, chunk_bytes
        self.coded: tuple[str, ...] = ()
        self._reader = reader
        self._running: Iterator[pa.RecordBatch] | None = None
        self._begin()

    def _begin(self) -> None:
        self.rows = self.bytes_read = self.bytes_total = 0
        self.encoding = ""
        self.unknown_columns: list[str] = []
        self.warnings: list[str] = []
        self.present: frozenset[str] = frozenset()
        self._empty = dict.fromkeys((name for name in self.columns if name in self.profile.max_empty), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        closing = getattr(self._running, "close", None)
        if closing is not None:
            closing()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        self._running = self._batches()
        return self._running

    def _batches(self) -> Iterator[pa.RecordBatch]:
        self._begin()
        try:
            self.bytes_total = self.file.size
            if not self.bytes_total:
                raise self.refuse("is empty", "Send the file again")
            finish = _Finisher(self.profile, self.columns)
            for rows in self._reader(self):
                self.present |= frozenset(rows.schema.names) & frozenset(self.columns)
                for start in range(0, rows.num_rows, BATCH_ROWS):
                    batch = finish(rows.slice(start, BATCH_ROWS), self.rows + 1)
                    self.rows += batch.num_rows
                    self._count_empty(batch)
                    yield batch
        except OSError as error:
            cause = error.strerror or "its content is damaged"
            raise self.refuse(f"cannot be read ({cause})", "Check the file and send it again") from error
        except pa.ArrowException as error:
            raise self.refuse("is damaged", "Send the file again") from error
        self.bytes_read = self.bytes_total
        self._judge()

    def _count_empty(self, batch: pa.RecordBatch) -> None:
        for name in self._empty:
            self._empty[name] += _empty_cells(batch.column(name))

    def _judge(self) -> None:
        least, most = self.profile.rows
        if not least <= self.rows <= most:
            self.warnings.append(f"{self.rows} rows, where {least} to {most} are expected")
        for name, empty in self._empty.items():
            allowed = self.profile.max_empty[name]
            if self.rows and empty > allowed * self.rows:
                self.warnings.append(
                    f"column {name}: {empty} of {self.rows} cells are empty, at most {allowed:.0%} expected"
                )

    def refuse(self, cause: str, remedy: str) -> FileRefusedError:
        """The error that refuses this file, for a reader to raise."""
        return FileRefusedError(self.file.name, cause, remedy)

    def name_unknown(self, names: list[str]) -> None:
        """Note headers that no canonical column claims, shortened and printable."""
        shown = ["".join(c if c.isprintable() else "?" for c in name[:64]) for name in names[:NAMES_SHOWN]]
        more = len(names) - NAMES_SHOWN
        self.unknown_columns = shown + ([f"and {more} more"] if more > 0 else [])


def _empty_cells(column: pa.Array) -> int:
    """How many cells are null or an empty text."""
    if isinstance(column, pa.DictionaryArray):
        values, rows = distinct(column)
        return int((np.diff(text(values).offsets) == 0)[rows].sum())
    return int(np.count_nonzero(np.diff(text(column).offsets) == 0))


Reader = Callable[[Reading], Iterator[pa.RecordBatch]]
"""What knows one file format: gives batches with some of the asked columns (as text), and `problem`
where a row has one. `Reading` adds the rest: row numbers, missing columns, vocabularies, counts."""


class _Finisher:
    """Completes a reader's batch to the declared schema."""

    def __init__(self, profile: Profile, columns: tuple[str, ...]) -> None:
        self.schema = declared_schema(columns)
        self.columns = columns
        self.nulls = pa.nulls(BATCH_ROWS, pa.string())
        self.vocabularies = {
            name: Vocabulary(words) for name, words in profile.values.items() if name in columns
        }

    def __call__(self, batch: pa.RecordBatch, first_row: int) -> pa.RecordBatch:
        rows = batch.num_rows
        have = dict(zip(batch.schema.names, batch.columns, strict=True))
        arrays = [pa.array(np.arange(first_row, first_row + rows, dtype=np.int64))]
        for name in (PROBLEM, *self.columns):
            array = have.get(name)
            if array is None:
                array = self.nulls.slice(0, rows)
            elif name in self.vocabularies:
                array = self.vocabularies[name].to_ours(array)
            arrays.append(array)
        fields = [
            field.with_type(array.type) for field, array in zip(self.schema, arrays, strict=True)
        ]  # text, or codes of text
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


class Adapter(Protocol):
    """What reads one carrier's files."""

    @property
    def profile(self) -> Profile:
        """The carrier, its format, and what to expect of a file."""

    def read(self, file: File | Path, columns: tuple[str, ...] = DECLARED_COLUMNS) -> Reading:
        """A reading of `file` with these canonical columns; nothing is opened before it is iterated.

        With `records.CHANGE` among them the file is a delta, and must have that column too.
        """
