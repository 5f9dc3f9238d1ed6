"""The offline check (public contract, section 3): files in, one folder of results out.

With one bucket the register stands in memory once and every file is read once. A register that is larger
than the memory it may take is cut into buckets by a hash of the ID number, and the files are read once a
bucket; what comes out is the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from simcheck.crosscheck import verdicts
from simcheck.crosscheck.again import look_again
from simcheck.crosscheck.compare import Declared, Measure, compare, normalise
from simcheck.crosscheck.findings import Findings, Pending, Source
from simcheck.crosscheck.output import written_aside
from simcheck.crosscheck.summary import Summary, summarise
from simcheck.crosscheck.whole import look_at_whole
from simcheck.matching import rules as rule_file
from simcheck.normalise.names import new_keys
from simcheck.normalise.words import Vocabulary
from simcheck.parallel import ordered
from simcheck.records import CHECKED_COLUMNS, CODED_COLUMNS, Reading
from simcheck.register.index import BYTES_A_CITIZEN, MOST_CITIZENS, Index, bucket_of
from simcheck.register.snapshot import Citizens, Former, Snapshot

REGISTER_SHARE = 0.4  # of the memory a run may take, this much for the register's bucket


Open = Callable[[tuple[str, ...]], Reading]
Progress = Callable[[str, int, int, int], None]
"""Called with what is being done, how much of it, of how much (0: not known), and how many rows so far."""


@dataclass(frozen=True)
class Request:
    """What to check: files as (carrier code, path, how to open it), the register, and by which means."""

    files: list[tuple[str, Path, Open]]
    citizens: Path
    out: Path
    as_of: date
    threads: int
    memory: int
    buckets: int | None = None


@dataclass(frozen=True)
class Outcome:
    """A run that is done."""

    counts: verdicts.Counts
    summary: Summary


def check(request: Request, progress: Progress = lambda *_: None) -> Outcome:
    """Run the check and write its results.

    Raises FileRefusedError where a whole file or the register cannot be used, OutputError where the
    results cannot be written; either way nothing is left in the output folder.
    """
    started = time.monotonic()
    rules = rule_file.load()
    snapshot = Snapshot(request.citizens)
    measure = Measure(rules, request.as_of, new_keys(), Vocabulary())
    sources = [Source(carrier, path) for carrier, path, _ in request.files]
    with ThreadPoolExecutor(1) as aside, written_aside(request.out) as folder:
        digest = aside.submit(snapshot.digest)
        findings = _Run(request, snapshot, measure, sources, progress).findings()
        look_at_whole(findings, sources, rules, request.threads)
        progress("write", 0, 0, 0)
        counts = verdicts.write(folder, findings, sources, rules, request.threads)
        summary = summarise(
            counts, sources, request.as_of.isoformat(), rules.version, request.citizens, digest.result(),
            time.monotonic() - started,
        )  # fmt: skip
        summary.write(folder / "summary.json")
    return Outcome(counts, summary)


class _Run:
    """Reading and comparing: everything up to findings that need no more of the register."""

    def __init__(
        self,
        request: Request,
        snapshot: Snapshot,
        measure: Measure,
        sources: list[Source],
        progress: Progress,
    ) -> None:
        self.request, self.snapshot, self.measure = request, snapshot, measure
        self.sources, self.progress = sources, progress
        room = min(max(1, int(request.memory * REGISTER_SHARE) // BYTES_A_CITIZEN), MOST_CITIZENS // 2)
        self.buckets = request.buckets or -(-snapshot.rows_about // room)

    def findings(self) -> list[Findings]:
        """All rows of all files, in order."""
        findings: list[Findings] = []
        pending: list[Pending] = []
        index = None
        for bucket in range(self.buckets):
            self.progress("register", bucket, self.buckets, 0)
            del index
            index = Index.load(
                self.snapshot,
                self.measure.keys,
                self.measure.as_of,
                self.request.threads,
                bucket,
                self.buckets,
            )
            for number, (found, waiting) in enumerate(self._compared(index, bucket)):
                pending.append(waiting)
                if bucket == 0:
                    findings.append(found)
                else:
                    _take_over(findings[number], found, bucket, self.buckets)
        self.progress("again", 0, 0, 0)
        whole = index if self.buckets == 1 else None
        look_again(findings, pending, self._parts(whole), self.measure, self.request.threads)
        return findings

    def _compared(self, index: Index, bucket: int) -> Iterator[tuple[Findings, Pending]]:
        def work(item: tuple[int, pa.RecordBatch, int]) -> tuple[Declared, Findings, Pending]:
            number, batch, source = item
            declared = normalise(batch, source, self.measure)
            return declared, *compare(declared, index, self.measure, number, bucket, self.buckets)

        for declared, found, waiting in ordered(work, self._batches(bucket), self.request.threads):
            if bucket == 0:
                source = self.sources[declared.source]
                source.rows += len(found)
                source.marked_names += declared.marked
            yield found, waiting

    def _batches(self, bucket: int) -> Iterator[tuple[int, pa.RecordBatch, int]]:
        number = rows = 0
        total = sum(path.stat().st_size for _, path, _ in self.request.files) * self.buckets
        done = sum(path.stat().st_size for _, path, _ in self.request.files) * bucket
        for at, (_, path, opener) in enumerate(self.request.files):
            reading = opener(CHECKED_COLUMNS)
            reading.coded = CODED_COLUMNS
            for batch in reading:
                if len(batch):
                    yield number, batch, at
                    number += 1
                    rows += len(batch)
                self.progress("compare", done + reading.bytes_read, total, rows)
            done += path.stat().st_size
            self.sources[at].tells_faces = "face_verified_at" in reading.present
            self.sources[at].unknown_columns = tuple(reading.unknown_columns)
            self.sources[at].warnings = tuple(reading.warnings)

    def _parts(self, index: Index | None) -> Iterator[tuple[Citizens, Former]]:
        """The register once more, for the second look: from memory, else from the file."""
        threads = self.request.threads
        citizens = (
            index.parts() if index else self.snapshot.citizens(self.measure.keys, self.measure.as_of, threads)
        )
        return zip(citizens, self.snapshot.former(threads), strict=True)


def _take_over(findings: Findings, found: Findings, bucket: int, buckets: int) -> None:
    """Take the rows of one bucket from a later pass."""
    rows = bucket_of(findings.key, buckets) == bucket
    findings.reasons[rows] = found.reasons[rows]
    findings.score[rows] = found.score[rows]
