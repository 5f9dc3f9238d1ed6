"""The files of a country, written block by block: the register, what each carrier holds, the right
answers.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from carriers import writing
from carriers.profile import Profile
from generator import people, spelling
from generator.chance import Ints, rank_within, stream
from generator.country import Country
from generator.errors import PARTS, kinds
from generator.rows import Block
from generator.truth import table, truth
from simcheck import __version__
from simcheck.errors import OutputError, UsageError

GROUP_ROWS = 131_072
AHEAD_ROWS = 400_000  # a block takes about a kilobyte a row while it is made
# Shares of rows, and of rows of a number held twice, that are filed one block later.
LATE, COPY_LATE = 0.02, 0.5
# Columns of few values: worth a dictionary.
_FEW_VALUES = ("date_of_birth", "gender", "id_type", "province", "status", "carrier", "file", "verdict")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Manifest:
    """What was made (also `manifest.json`): sizes, seed, and how often each kind of error shows.

    `files` is one entry a carrier: code, file, rows. `verdicts` and `reasons` count the right answers;
    `errors` gives for each kind the rate that was asked for, over all carriers, and the rows that show it.
    """

    version: str
    seed: int
    citizens: int
    subscriptions: int
    as_of: str
    files: list[dict[str, str | int]]
    verdicts: dict[str, int]
    reasons: dict[str, int]
    errors: dict[str, dict[str, float]]


class _Sink:
    """One Parquet file that is filled in pieces of any size and written in row groups of `GROUP_ROWS` or
    more.
    """

    def __init__(self, path: Path, level: int) -> None:
        self._path, self._level = path, level
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        self._writer: pq.ParquetWriter | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        self._rows += batch.num_rows
        if self._rows >= GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        data = pa.Table.from_batches(self._waiting)
        if self._writer is None:
            few = [name for name in _FEW_VALUES if name in data.schema.names]
            self._writer = pq.ParquetWriter(
                self._path,
                data.schema,
                compression="zstd",
                compression_level=self._level,
                use_dictionary=few,
            )
        self._writer.write_table(data, row_group_size=GROUP_ROWS)
        self._waiting, self._rows = [], 0

    def close(self) -> None:
        if self._waiting:
            self._flush()  # a file without rows has its columns all the same
        if self._writer is not None:
            self._writer.close()


@contextmanager
def _sink(path: Path, level: int = 1) -> Iterator[_Sink]:
    sink = _Sink(path, level)
    try:
        yield sink
    finally:
        sink.close()


@dataclass
class _Piece:
    """Rows on their way into files: the cells, the answers, and for each row its carrier."""

    cells: pa.RecordBatch
    answers: pa.RecordBatch
    carrier: Ints

    def take(self, rows: npt.NDArray[np.integer]) -> _Piece:
        index = pa.array(rows)
        return _Piece(self.cells.take(index), self.answers.take(index), self.carrier[rows])


@dataclass
class _Made:
    """One block, made: its part of the register, the rows to file now and one block later, and the kinds
    they show.
    """

    citizens: pa.RecordBatch
    now: _Piece
    late: _Piece
    kinds: Ints


def _make(country: Country, number: int) -> _Made:
    block = Block(country, number)
    shown = [block.rows.shown[part] for part in PARTS]
    count = sum(np.bincount(part[part >= 0], minlength=len(kinds())) for part in shown)
    piece = _Piece(pa.RecordBatch.from_pydict(block.declared), table(block, truth(block)), block.rows.carrier)
    chance = stream(country.seed, number, "late").random(len(block.index))
    late = chance < np.where(block.rows.shown["copy"] >= 0, COPY_LATE, LATE)
    register = people.table(block.citizens, spelling.plain(block.citizens.names.syllables))
    return _Made(
        register, piece.take(np.flatnonzero(~late)), piece.take(np.flatnonzero(late)), np.asarray(count)
    )


def _joined(*pieces: _Piece) -> _Piece:
    return _Piece(
        pa.concat_batches([piece.cells for piece in pieces]),
        pa.concat_batches([piece.answers for piece in pieces]),
        np.concatenate([piece.carrier for piece in pieces]),
    )


class Files:
    """Writes one country into a folder that is there and empty."""

    def __init__(
        self, country: Country, folder: Path, profiles: dict[str, Profile], progress: Progress | None
    ) -> None:
        self.country, self.folder, self.profiles, self.progress = country, folder, profiles, progress
        self.rows = np.zeros(len(country.carriers), np.int64)
        self.kinds = np.zeros(len(kinds()), np.int64)
        self.verdicts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.done = 0

    def write(self) -> Manifest:
        """Everything but the manifest's own file; `profiles` of no carrier: Parquet in the generic shape."""
        carriers = self.country.carriers
        with ExitStack() as stack:
            citizens = stack.enter_context(_sink(self.folder / "citizens.parquet"))
            answers = stack.enter_context(_sink(self.folder / "truth.parquet"))
            sinks = [stack.enter_context(_sink(self._spool(carrier.code))) for carrier in carriers]
            late: list[_Piece] = []
            for made in self._blocks():
                citizens.add(made.citizens)
                self.kinds += made.kinds
                self._file(_joined(*late, made.now), sinks, answers)
                late = [made.late]
            self._file(_joined(*late), sinks, answers)
        for carrier in carriers:
            self._in_own_format(carrier.code, self.folder / carrier.file)
        return self._manifest()

    def _spool(self, code: str) -> Path:
        return self.folder / (f"{code}.spool" if code in self.profiles else f"{code}.parquet")

    def _blocks(self) -> Iterator[_Made]:
        """All blocks in order; the next one is made while this one is written, unless blocks are very big."""
        ahead = len(self.country.subscriptions_of(0)) <= AHEAD_ROWS
        with ThreadPoolExecutor(1) as pool:
            waiting: deque[Future[_Made]] = deque()
            try:
                for number in range(self.country.blocks):
                    waiting.append(pool.submit(_make, self.country, number))
                    if len(waiting) > ahead:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _file(self, piece: _Piece, sinks: list[_Sink], answers: _Sink) -> None:
        self._tell(len(piece.carrier))
        row = self.rows[piece.carrier] + rank_within(piece.carrier) + 1
        self.rows += np.bincount(piece.carrier, minlength=len(self.rows))
        order = np.argsort(piece.carrier, kind="stable")
        piece, row = piece.take(order), row[order]
        starts = np.searchsorted(piece.carrier, np.arange(len(sinks) + 1))
        for place, sink in enumerate(sinks):
            sink.add(piece.cells.slice(starts[place], starts[place + 1] - starts[place]))
        carriers = self.country.carriers
        which = pa.array(piece.carrier)
        columns = {
            "carrier": pa.array([one.code for one in carriers]).take(which),
            "file": pa.array([one.file for one in carriers]).take(which),
            "row": pa.array(row),
        } | dict(zip(piece.answers.schema.names, piece.answers.columns, strict=True))
        answers.add(pa.RecordBatch.from_pydict(columns))
        self.verdicts.update(_counts(piece.answers["verdict"]))
        self.reasons.update(_counts(pc.list_flatten(piece.answers["reasons"])))

    def _in_own_format(self, code: str, path: Path) -> None:
        if code not in self.profiles:
            return
        spool = self._spool(code)

        def batches() -> Iterator[pa.RecordBatch]:
            if not spool.exists():
                return
            with pq.ParquetFile(spool) as source:
                for batch in source.iter_batches(GROUP_ROWS):
                    yield batch
                    self._tell(batch.num_rows)

        writing.write(self.profiles[code], path, batches())
        spool.unlink(missing_ok=True)

    def _tell(self, rows: int) -> None:
        self.done += rows
        if self.progress is not None:
            self.progress(self.done, self.country.subscriptions * (2 if self.profiles else 1))

    def _manifest(self) -> Manifest:
        country = self.country
        share = self.rows / max(int(self.rows.sum()), 1)
        asked = share @ country.rates.rates
        return Manifest(
            version=__version__,
            seed=country.seed,
            citizens=country.citizens,
            subscriptions=int(self.rows.sum()),
            as_of=country.as_of.isoformat(),
            files=[
                {"carrier": one.code, "file": one.file, "rows": int(rows)}
                for one, rows in zip(country.carriers, self.rows, strict=True)
            ],
            verdicts=dict(sorted(self.verdicts.items())),
            reasons=dict(sorted(self.reasons.items())),
            errors={
                kind.name: {"rate": round(float(asked[place]), 7), "rows": int(self.kinds[place])}
                for place, kind in enumerate(kinds())
            },
        )


def _counts(words: pa.Array) -> dict[str, int]:
    return {entry["values"]: entry["counts"] for entry in pc.value_counts(words).to_pylist()}


@contextmanager
def aside(out: Path) -> Iterator[Path]:
    """A folder beside `out` that becomes `out` if all goes well, and is gone if not.

    Raises UsageError when `out` holds anything already, OutputError when it cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            f"{out}: is not an empty folder. Name a folder that is not there yet, or empty this one"
        )
    folder = out.with_name(f"{out.name}.{os.getpid()}.part")
    try:
        folder.mkdir(parents=True)
        yield folder
        os.replace(folder, out)
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise OutputError(
            f"{out}: cannot be written ({cause}). Free some space or choose another folder"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def save(manifest: Manifest, path: Path) -> None:
    """Write `manifest.json`."""
    path.write_text(json.dumps(asdict(manifest), ensure_ascii=False, indent=2) + "\n", "utf-8")
