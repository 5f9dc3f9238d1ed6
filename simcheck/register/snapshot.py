"""A snapshot of the citizen register in a file (public contract, section 1), read as columns of numbers.

A register that cannot be trusted whole is refused whole: to check a country against half a register
would declare the other half nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from simcheck.errors import FileRefusedError
from simcheck.normalise import dates
from simcheck.normalise.cells import plain_number
from simcheck.normalise.coded import kept_as_codes
from simcheck.normalise.kernels import Bytes, Offsets, distinct, kernel, text
from simcheck.normalise.names import U64, fingerprint
from simcheck.parallel import ordered

I64 = npt.NDArray[np.int64]
T = TypeVar("T")

REQUIRED = ("id_number", "full_name", "date_of_birth", "status")
OPTIONAL = ("old_id_number", "previous_id_number")
STATUSES = ("active", "deceased", "revoked")
ACTIVE, DECEASED, REVOKED = range(3)
_FEW_VALUES = ("date_of_birth", "status")

PARQUET_MAGIC = b"PAR1"
CSV_BLOCK_BYTES = 16 << 20
RESEND = "Export the register again; nothing has been checked."


class Citizens(NamedTuple):
    """A run of the register's rows as columns.

    `id_number` 12 digits as an integer; `name_code` the name's fingerprint (0: compare letter by letter);
    `born` yyyymmdd, unknown parts 00, 0 when the register has no date; `status` an index into STATUSES.
    """

    id_number: I64
    name_code: U64
    born: npt.NDArray[np.int32]
    status: npt.NDArray[np.uint8]
    full_name: pa.StringArray


class Former(NamedTuple):
    """The numbers that the same rows bore before: `old_id` of 9 digits, `previous_id` of 12 digits and
    cancelled; 0 where there is none."""

    old_id: I64
    previous_id: I64


class Snapshot:
    """A register file. Raises FileRefusedError where the file cannot be used as a register."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise FileRefusedError(path, "there is no such file", "Name the register's Parquet or CSV file.")
        size = path.stat().st_size
        if size == 0:
            raise FileRefusedError(path, "the register is empty", RESEND)
        with path.open("rb") as file:
            self.is_parquet = file.read(4) == PARQUET_MAGIC
        self._present = self._find_columns()

    @property
    def rows(self) -> int | None:
        """How many citizens, where the file says so without being read."""
        return self._parquet().metadata.num_rows if self.is_parquet else None

    @property
    def rows_about(self) -> int:
        """How many citizens, estimated from the file's size where it is not known."""
        packed = self.path.suffix in {".gz", ".zst"}
        known = self.rows
        return known if known is not None else self.path.stat().st_size // (15 if packed else 60) + 1

    def digest(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def citizens(self, keys: U64, as_of: date, threads: int) -> Iterator[Citizens]:
        """All rows in file order, a part at a time. `keys` are the run's fingerprint keys, `as_of` the day of
        the check."""
        return self._read(
            list(REQUIRED), lambda table, row: self._normalise(table, row, keys, as_of), threads
        )

    def former(self, threads: int) -> Iterator[Former]:
        """The former numbers of all rows, in the same parts as `citizens`."""
        columns = [column for column in OPTIONAL if column in self._present]

        def normalise(table: pa.Table, _row: int) -> Former:
            none = np.zeros(len(table), np.int64)
            return Former(*(
                _digits(_text_column(table, name), length) if name in columns else none
                for name, length in zip(OPTIONAL, (9, 12), strict=True)
            ))  # fmt: skip

        return self._read(columns or [REQUIRED[0]], normalise, threads)

    def _read(self, columns: list[str], normalise: Callable[[pa.Table, int], T], threads: int) -> Iterator[T]:
        try:
            yield from ordered(lambda part: normalise(part[1](), part[0]), self._parts(columns), threads)
        except (pa.ArrowInvalid, OSError, EOFError) as error:
            raise FileRefusedError(
                self.path, f"the register cannot be read to its end ({type(error).__name__})", RESEND
            ) from None

    def _parquet(self, **options: Any) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path, pre_buffer=False, memory_map=True, **options)
        except (pa.ArrowInvalid, OSError):
            raise FileRefusedError(
                self.path, "the register is not a whole Parquet file (was it still being written?)", RESEND
            ) from None

    def _find_columns(self) -> frozenset[str]:
        names = self._parquet().schema_arrow.names if self.is_parquet else self._csv_header()
        for column in REQUIRED:
            if names.count(column) != 1:
                fault = "is missing" if column not in names else "stands there twice"
                raise FileRefusedError(
                    self.path, f"the register's column {column} {fault}", f"It needs {', '.join(REQUIRED)}."
                )
        return frozenset(names)

    def _csv_header(self) -> list[str]:
        try:
            with self._open_csv() as reader:
                return list(reader.schema.names)
        except (pa.ArrowInvalid, OSError, EOFError):
            raise FileRefusedError(
                self.path, "the register is neither Parquet nor CSV with a header row", RESEND
            ) from None

    def _open_csv(self, columns: list[str] | None = None) -> pacsv.CSVStreamingReader:
        return pacsv.open_csv(
            pa.input_stream(str(self.path), compression="detect"),
            read_options=pacsv.ReadOptions(block_size=CSV_BLOCK_BYTES, use_threads=False),
            parse_options=pacsv.ParseOptions(newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                include_columns=columns,
                column_types={name: pa.string() for name in (*REQUIRED, *OPTIONAL)},
                strings_can_be_null=True,
                null_values=[""],
                quoted_strings_can_be_null=True,
            ),
        )

    def _parts(self, columns: list[str]) -> Iterator[tuple[int, Callable[[], pa.Table]]]:
        """Each part as (its first row's number, 1-based; what reads it)."""
        row = 1
        if self.is_parquet:
            file = self._parquet()
            coded = kept_as_codes(file, [name for name in _FEW_VALUES if name in columns])
            known = {"metadata": file.metadata, "read_dictionary": coded}
            for group in range(file.num_row_groups):

                def load(group: int = group) -> pa.Table:
                    return self._parquet(**known).read_row_group(group, columns=columns, use_threads=False)

                yield row, load
                row += file.metadata.row_group(group).num_rows
            return
        with self._open_csv(columns) as reader:
            for batch in reader:
                table = pa.Table.from_batches([batch])
                yield row, lambda table=table: table  # type: ignore[misc]
                row += len(batch)

    def _normalise(self, table: pa.Table, first_row: int, keys: U64, as_of: date) -> Citizens:
        id_number = _digits(_text_column(table, "id_number"), 12)
        self._refuse_bad(id_number <= 0, first_row, "id_number", "is not 12 digits")
        dates_of_birth = _coded_column(table, "date_of_birth")
        born = dates.normalise(dates_of_birth, as_of)
        name = _text_column(table, "full_name")
        self._refuse_bad(_empty(name), first_row, "full_name", "is empty")
        status = _status(_coded_column(table, "status"))
        self._refuse_bad(status == len(STATUSES), first_row, "status", f"is none of {', '.join(STATUSES)}")
        unread = born.ymd == 0
        if unread.any():
            unread &= ~_empty(dates_of_birth.cast(pa.string()))
        self._refuse_bad(unread, first_row, "date_of_birth", "is no date (YYYY-MM-DD, YYYY-MM or YYYY)")
        return Citizens(id_number, fingerprint(name, keys).code, born.ymd, status, name)

    def _refuse_bad(self, bad: npt.NDArray[np.bool_], first_row: int, column: str, fault: str) -> None:
        if bad.any():
            row = first_row + int(bad.argmax())
            raise FileRefusedError(self.path, f"row {row}, column {column} {fault}", RESEND)


def _text_column(table: pa.Table, name: str) -> pa.StringArray:
    column = table[name]
    if not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    chunks = column.chunks
    return (
        chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())
    )


def _coded_column(table: pa.Table, name: str) -> pa.StringArray | pa.DictionaryArray:
    """A column of text, as codes where it came so in one piece. ArrowInvalid for a code that has no value."""
    chunks = table[name].chunks
    if len(chunks) != 1 or not isinstance(chunks[0], pa.DictionaryArray):
        return _text_column(table, name)
    chunks[0].validate(full=True)
    return chunks[0]


def _empty(column: pa.StringArray) -> npt.NDArray[np.bool_]:
    """Which values are null or an empty string."""
    empty: npt.NDArray[np.bool_] = np.diff(text(column).offsets) == 0
    return empty


def _status(column: pa.StringArray | pa.DictionaryArray) -> npt.NDArray[np.uint8]:
    """Each row's place in STATUSES, or their number."""
    words, rows = distinct(column)
    known = pc.index_in(words, pa.array(STATUSES)).fill_null(len(STATUSES)).to_numpy()
    places: npt.NDArray[np.uint8] = known.astype(np.uint8).take(rows)
    return places


def _digits(column: pa.StringArray, length: int) -> I64:
    """Each value as an integer: 0 for null or empty, -1 for anything but `length` ASCII digits."""
    offsets, data = text(column)
    out = np.zeros(len(column), np.int64)
    _parse_digits(offsets, data, length, out)
    return out


@kernel
def _parse_digits(offsets: Offsets, data: Bytes, length: int, out: I64) -> None:
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        if at < end:
            number = plain_number(data, at, end) if end - at == length else -1
            out[row] = number if number else -1
