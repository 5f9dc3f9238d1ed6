"""`simcheck register import`: a register's file becomes a sealed snapshot in the lake, whole or not at all.

The file streams: its rows are cut into buckets, encrypted, then each bucket is sorted on its own. So memory
is a bucket's, whatever the register's size, and no row ever stands on the disk in clear.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from simcheck.errors import FileRefusedError
from simcheck.lake.buckets import BUCKETS, BucketWriter, file_of, read
from simcheck.lake.encryption import Dataset
from simcheck.lake.files import Store
from simcheck.normalise.citizen_ids import CMND_BASE
from simcheck.normalise.names import new_keys
from simcheck.parallel import ordered
from simcheck.privacy import Keyring
from simcheck.records import ROW
from simcheck.register.index import bucket_of
from simcheck.register.sealed import (
    BY_FORMER,
    CITIZENS,
    FOLDER,
    FORMER,
    FORMER_SCHEMA,
    GROUP_ROWS,
    ID,
    OLD,
    PREVIOUS,
    SCHEMA,
    SealedRegister,
)
from simcheck.register.snapshot import RESEND, Snapshot

Progress = Callable[[str, int, int, int], None]

_UNSORTED = "unsorted-"  # in front of the names of files that are only steps on the way
_NUMBERED = SCHEMA.append(pa.field(ROW, pa.int64(), nullable=False))  # with the row in the register's file


def import_register(
    store: Store, keyring: Keyring, path: Path, as_of: date, threads: int, buckets: int = BUCKETS,
    progress: Progress = lambda *_: None, name: str | None = None,
) -> SealedRegister:  # fmt: skip
    """Seal the register in the file `path`; `as_of` is the day by which its dates are judged, `name` the
    dataset's (`new_name` by itself).

    Raises FileRefusedError where the register cannot be trusted whole, OutputError where the lake cannot be
    written. Then nothing of it stays, and the snapshot before it is still the newest.
    """
    snapshot, seen = Snapshot(path), _stamp(path)
    dataset = Dataset.create(store, keyring, name or new_name())
    try:
        with ThreadPoolExecutor(1) as aside:
            digest = aside.submit(snapshot.digest)
            rows = _cut(dataset, snapshot, as_of, threads, buckets, progress)
            steps = [(stem, bucket) for stem in (CITIZENS, FORMER) for bucket in range(buckets)]
            for done, _ in enumerate(ordered(lambda step: _sort(dataset, path, *step), steps, threads)):
                progress("seal", done + 1, len(steps), rows)
        if _stamp(path) != seen:
            raise _changed(path)
        dataset.publish(
            digest=digest.result(), rows=rows, buckets=buckets, imported_at=datetime.now(UTC).isoformat()
        )
    except BaseException:
        dataset.remove()
        raise
    return SealedRegister(dataset)


def new_name() -> str:
    """A name that no snapshot has had."""
    return f"{FOLDER}/{uuid.uuid4()}"


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:  # gone, so changed
        return 0, 0, 0
    return status.st_size, status.st_mtime_ns, status.st_ino


def _changed(path: Path) -> FileRefusedError:
    return FileRefusedError(
        path, "the register changed while it was read", "Import it when it is written to its end."
    )


def _cut(
    dataset: Dataset, snapshot: Snapshot, as_of: date, threads: int, buckets: int, progress: Progress
) -> int:
    """Write all rows to their buckets, and those with former numbers to these numbers' buckets; how many."""
    rows, total = 0, snapshot.rows_about
    writers = [
        BucketWriter(dataset, _UNSORTED + stem, schema, buckets)
        for stem, schema in ((CITIZENS, _NUMBERED), (FORMER, FORMER_SCHEMA))
    ]
    with writers[0] as by_id, writers[1] as by_former:
        for part in _parts(snapshot, as_of, threads):
            count = len(part)
            numbered = part.append_column(
                _NUMBERED.field(ROW), pa.array(np.arange(rows + 1, rows + count + 1))
            )
            by_id.add(numbered, bucket_of(part[ID].to_numpy(), buckets))
            old, previous = part[OLD].to_numpy(), part[PREVIOUS].to_numpy()
            for numbers in (np.where(old > 0, old + CMND_BASE, 0), previous):
                at = np.flatnonzero(numbers)
                bearers = part.take(pa.array(at)).append_column(
                    FORMER_SCHEMA.field(BY_FORMER), pa.array(numbers[at])
                )
                by_former.add(bearers, bucket_of(numbers[at], buckets))
            rows += count
            progress("register", rows, total, rows)
    if not rows:
        raise FileRefusedError(snapshot.path, "the register holds no citizen", RESEND)
    return rows


def _parts(snapshot: Snapshot, as_of: date, threads: int) -> Iterator[pa.RecordBatch]:
    """The register's rows as they are kept, validated."""
    both = zip(snapshot.citizens(new_keys(), as_of, threads), snapshot.former(threads), strict=True)
    while True:
        try:
            citizens, former = next(both)
        except StopIteration:
            return
        except ValueError:  # one reading came to its end before the other
            raise _changed(snapshot.path) from None
        columns = [
            citizens.id_number, citizens.born, citizens.status, citizens.full_name,
            np.maximum(former.old_id, 0), np.maximum(former.previous_id, 0),
        ]  # fmt: skip
        yield pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=SCHEMA)


def _sort(dataset: Dataset, path: Path, stem: str, bucket: int) -> None:
    """Put a bucket's rows in the order of their number, in its own file."""
    unsorted = _UNSORTED + stem
    batches = list(read(dataset, unsorted, bucket))
    if not batches:
        return
    rows = pa.Table.from_batches(batches).combine_chunks()
    schema, column = (SCHEMA, ID) if stem == CITIZENS else (FORMER_SCHEMA, BY_FORMER)
    order = np.lexsort((rows[ID].to_numpy(), rows[column].to_numpy()))
    if stem == CITIZENS:
        _refuse_repeats(path, rows[ID].to_numpy()[order], rows[ROW].to_numpy()[order])
    with dataset.writing(
        file_of(stem, bucket),
        schema,
        write_statistics=[column],
        use_dictionary=["status", OLD, PREVIOUS],
        column_encoding={ID: "DELTA_BINARY_PACKED"},
    ) as writer:
        writer.write_table(rows.select(schema.names).take(pa.array(order)), row_group_size=GROUP_ROWS)
    dataset.remove(file_of(unsorted, bucket))


def _refuse_repeats(path: Path, numbers: np.ndarray, rows: np.ndarray) -> None:
    again = np.flatnonzero(numbers[1:] == numbers[:-1])
    if len(again):
        first, second = sorted(int(row) for row in rows[again[0] : again[0] + 2])
        raise FileRefusedError(
            path, f"an ID number stands more than once in the register (rows {first} and {second})", RESEND
        )
