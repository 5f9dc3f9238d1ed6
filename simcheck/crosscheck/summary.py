"""`summary.json`: what a run was, and its figures."""

from __future__ import annotations

import json
import resource
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simcheck.crosscheck.findings import Source
from simcheck.crosscheck.verdicts import Counts
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Reason


@dataclass(frozen=True)
class CarrierFigures:
    """One carrier's rows, by verdict and by reason (a row counts once for each of its reasons)."""

    rows: int
    verdicts: dict[str, int]
    reasons: dict[str, int]


@dataclass(frozen=True)
class FileFigures:
    """One file: its rows, the columns that were not used, and what looks odd about it."""

    carrier: str
    file: str
    rows: int
    unknown_columns: list[str]
    warnings: list[str]


@dataclass(frozen=True)
class Summary:
    """A run. `seconds` of wall clock, `peak_memory_bytes` of the whole process."""

    rows: int
    verdicts: dict[str, int]
    reasons: dict[str, int]
    carriers: dict[str, CarrierFigures]
    files: list[FileFigures]
    as_of: str
    rules_version: str
    register: dict[str, str]
    seconds: float
    rows_per_second: int
    peak_memory_bytes: int

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n", "utf-8")


def summarise(
    counts: Counts,
    sources: list[Source],
    as_of: str,
    rules_version: str,
    register: Path,
    digest: str,
    seconds: float,
) -> Summary:
    """The summary of a run that is done."""
    rows = int(counts.verdicts.sum())
    return Summary(
        rows=rows,
        verdicts=_by_verdict(counts.verdicts.sum(0)),
        reasons=_by_reason(counts.reasons.sum(0)),
        carriers={
            carrier: CarrierFigures(
                int(counts.verdicts[at].sum()),
                _by_verdict(counts.verdicts[at]),
                _by_reason(counts.reasons[at]),
            )
            for at, carrier in enumerate(counts.carriers)
        },
        files=[
            FileFigures(
                each.carrier, each.path.name, each.rows, list(each.unknown_columns), list(each.warnings)
            )
            for each in sources
        ],
        as_of=as_of,
        rules_version=rules_version,
        register={"file": register.name, "sha256": digest},
        seconds=round(seconds, 3),
        rows_per_second=round(rows / seconds) if seconds else 0,
        peak_memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def _by_verdict(counts: npt.NDArray[np.int64]) -> dict[str, int]:
    return {verdict.value: int(count) for verdict, count in zip(VERDICTS, counts, strict=True)}


def _by_reason(counts: npt.NDArray[np.int64]) -> dict[str, int]:
    return {reason.name: int(counts[reason.value]) for reason in Reason if counts[reason.value]}
