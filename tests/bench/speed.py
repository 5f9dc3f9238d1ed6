"""Speed and memory of `simcheck check` beside other programs on the same files, in one run (`make bench`).

pandas and Splink are there twice: for one merge on the ID number with names and birth dates compared, which
is the least of a check, and for the same columns and questions as simcheck's.

Each program is a process of its own on the same two Parquet files (N subscriptions, N citizens, made by
`simcheck generate`); its time is the wall clock of the whole process, its memory the largest resident set.
Figures differ between machines and hours; the ratios are what counts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SIMCHECK = ROOT / ".venv" / "bin" / "simcheck"
BENCH_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
WORK = ROOT / ".simcheck" / "bench"
OUT, OUT_TABLE = WORK / "out", WORK / "out.parquet"

OURS, DUCKDB = "simcheck check", "bare DuckDB join"
PANDAS, PANDAS_SAME = "pandas, one merge", "pandas, same columns"
SPLINK, SPLINK_SAME = "Splink, one block", "Splink, same columns"
COLUMNS = ["msisdn", "id_number", "full_name", "date_of_birth", "gender", "id_type"]
PROGRAMS = {
    DUCKDB: "join",
    PANDAS: "pandas",
    SPLINK: "splink",
    PANDAS_SAME: "pandas_same",
    SPLINK_SAME: "splink_same",
}


class Measured(NamedTuple):
    """One process: wall clock in seconds, peak resident memory in bytes."""

    seconds: float
    memory: int


def measure(command: list[str]) -> Measured:
    """Run a command to its end, with nothing there of what an earlier one wrote. Raises SystemExit where it
    fails."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT_TABLE.unlink(missing_ok=True)
    started = time.monotonic()
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        if status:
            said.seek(0)
            code = os.waitstatus_to_exitcode(status)
            raise SystemExit(
                f"{' '.join(command)}: ended with {code}\n{said.read().decode(errors='replace')}"
            )
    return Measured(seconds, usage.ru_maxrss * 1024)


def files(rows: int) -> tuple[Path, Path]:
    """Subscribers (the columns that a check needs, as pyarrow writes them) and citizens, `rows` of each; made
    once and kept."""
    folder = WORK / str(rows)
    if not (folder / "manifest.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        measure(
            [str(SIMCHECK), "generate", "--citizens", str(rows), "--subscriptions", str(rows), "--seed", "7",
             "--carrier", "generic", "--parquet", "--out", str(folder), "--quiet"]
        )  # fmt: skip
    subscribers = folder / "subscribers.parquet"
    if not subscribers.exists():
        project = (
            f"import pyarrow.parquet as pq; source = pq.ParquetFile({str(folder / 'generic.parquet')!r});"
        )
        project += (
            f"sink = pq.ParquetWriter({str(subscribers)!r}, source.read_row_group(0, {COLUMNS}).schema);"
        )
        project += (
            f"[sink.write_table(source.read_row_group(i, {COLUMNS})) for i in range(source.num_row_groups)];"
        )
        measure([str(BENCH_PYTHON), "-c", project + "sink.close()"])
    return subscribers, folder / "citizens.parquet"


def command(program: str, subscribers: Path, citizens: Path) -> list[str]:
    """How a program is run."""
    if program == OURS:
        return [str(SIMCHECK), "check", f"generic={subscribers}", "--citizens", str(citizens),
                "--out", str(OUT), "--threads", "2", "--quiet"]  # fmt: skip
    baselines = str(ROOT / "tests" / "bench" / "baselines.py")
    return [str(BENCH_PYTHON), baselines, PROGRAMS[program], str(subscribers), str(citizens), str(OUT_TABLE)]


def compare(rows: int, runs: int) -> Measured:
    """Measure all programs at one size, the median of `runs` each (in turn, so that all meet the same
    machine); the two slowest once.

    The best of some runs would favour the short programs: theirs fits a quiet moment.
    """
    subscribers, citizens = files(rows)
    runs_of: dict[str, list[Measured]] = {}
    for turn in range(runs):
        for program in (DUCKDB, OURS, PANDAS, SPLINK, *((PANDAS_SAME, SPLINK_SAME) if turn == 0 else ())):
            runs_of.setdefault(program, []).append(measure(command(program, subscribers, citizens)))
    median = {program: sorted(each)[len(each) // 2] for program, each in runs_of.items()}
    ours = median[OURS]
    print(f"\n{rows:,} subscriptions, {rows:,} citizens, 2 threads")
    print(f"{'':22}{'seconds':>9}{'rows/s':>12}{'memory':>10}   simcheck is")
    for program, measured in median.items():
        ratio = measured.seconds / ours.seconds
        beside = f"{ratio:.1f} x as fast" if ratio > 1 else f"{1 / ratio:.1f} x its time"
        print(
            f"{program:22}{measured.seconds:9.2f}{rows / measured.seconds:12,.0f}"
            f"{measured.memory / 2**30:7.2f} GiB   {'' if program == OURS else beside}"
        )
    sys.stdout.flush()
    return ours


def main() -> None:
    """Measure, and print a table a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    ours = {rows: compare(rows, arguments.runs) for rows in arguments.rows}
    small, large = min(ours), max(ours)
    if small != large:
        growth = (ours[large].seconds / large) / (ours[small].seconds / small)
        print(f"\nseconds a row at {large:,} rows: {growth:.2f} times those at {small:,} rows")


if __name__ == "__main__":
    main()
