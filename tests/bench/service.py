"""From a carrier's CSV file to a published run and its open cases: rows a second, step by step, and memory.

`service.py [ROWS ...]` (1 M and 5 M by default): a server and two workers on this machine, one file through
`POST /v1/batches`; then the same file with one row in a hundred changed. Memory is the largest resident set
of each process (VmHWM). Beside it: a bare COPY of the published rows into a table without an index.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from collections import defaultdict
from pathlib import Path

import httpx
import psycopg

import generator
from simcheck.commands.demo import Demo
from simcheck.db.embedded import Embedded
from simcheck.terminal import Language

SIZES = [int(each) for each in sys.argv[1:]] or [1_000_000, 5_000_000]
HOME = Path(__file__).resolve().parents[2] / ".simcheck" / "bench" / "service"
POLL = 0.25
BUCKET_ROWS = 62_500  # citizens of a bucket: what of a worker's memory goes by them is the same at every size
EVERY = 100  # one row in so many is changed for the second file
BARE = "CREATE TABLE bare (LIKE subscription INCLUDING DEFAULTS)"
COPIED = "SELECT * FROM subscription"


def peak(pid: int) -> int:
    """A process's largest resident set, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) >> 10


def steps(logs: Path, skip: int) -> tuple[dict[str, float], int]:
    """Seconds of each job and step (of all workers together), from the workers' lines after the first `skip`;
    and how many lines there are."""
    took: dict[str, float] = defaultdict(float)
    lines = [
        json.loads(line)
        for log in sorted(logs.glob("worker-*"))
        for line in log.open()
        if line.endswith("\n")
    ]
    lines.sort(key=lambda line: line["timestamp"])
    for line in lines[skip:]:
        if line["event"] in {"job done", "step done"}:
            took[line.get("act") or line["task"]] += line["seconds"]
    return {name: seconds for name, seconds in took.items() if seconds >= 0.1}, len(lines)


def change(csv: Path, changed: Path) -> None:
    """The same file with another contract in one row of `EVERY`."""
    with csv.open("rb") as rows, changed.open("wb") as out:
        at = next(rows)
        out.write(at)
        contract = at.rstrip().split(b",").index(b"contract_id")
        for number, row in enumerate(rows):
            cells = row.split(b",") if number % EVERY == 0 and b'"' not in row else []
            if cells:
                cells[contract] += b"X"
            out.write(b",".join(cells) or row)


def publish(service: Demo, file: Path) -> float:
    """Send a file and wait for the end of its run; seconds."""
    began = time.monotonic()
    batch = service.send("generic", file)
    state = ""
    while state not in {"done", "refused"}:
        time.sleep(POLL)
        headers = service.token("generic-demo")
        state = httpx.get(f"{service.url}/v1/batches/{batch}", headers=headers, timeout=60).json()["state"]
    return time.monotonic() - began


def bare_copy(home: Path) -> float:
    """Seconds that COPY takes for the rows that were published, into a table without an index."""
    with Embedded(home) as embedded, psycopg.connect(embedded.url(), autocommit=True) as database:
        rows = home / "rows.copy"
        with (
            rows.open("wb") as out,
            database.cursor().copy(f"COPY ({COPIED}) TO STDOUT (FORMAT binary)") as copy,
        ):
            for block in copy:
                out.write(block)
        database.execute(BARE)
        began = time.monotonic()
        with (
            rows.open("rb") as content,
            database.cursor().copy("COPY bare FROM STDIN (FORMAT binary)") as copy,
        ):
            while block := content.read(1 << 20):
                copy.write(block)
        seconds = time.monotonic() - began
        database.execute("DROP TABLE bare")
        rows.unlink()
    return seconds


def measure(rows: int) -> None:
    """One size: the country is made once and kept."""
    made = HOME / f"country-{rows}"
    if not (made / "manifest.json").exists():
        generator.generate(rows, rows, 7, made, carriers=["generic"])
    if not (made / "changed.csv").exists():
        change(made / "generic.csv", made / "changed.csv")
    home = HOME / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    with Demo(home, Language.EN) as service:
        service.environment["SIMCHECK_BUCKETS"] = str(max(1, rows // BUCKET_ROWS))
        service.start("serve")
        service.ready()
        service.run("register", "import", str(made / "citizens.parquet"), "--quiet")
        asyncio.run(service.add_clients(["generic"]))
        for _ in range(2):
            service.start("worker")
        seen = 0
        for name, file in (("first", "generic.csv"), ("second", "changed.csv")):
            seconds = publish(service, made / file)
            cases = sum(count for _, _, count in asyncio.run(service.cases()))
            pace = f"{seconds:.1f} s, {rows / seconds:,.0f} rows/s"
            print(f"{rows:,} rows, {name} file: {pace}, {cases:,} open cases")
            while "feedback.make" not in (took := steps(home / "logs", seen))[0]:
                time.sleep(POLL)
            seen = took[1]
            print("  " + ", ".join(f"{step} {each:.1f} s" for step, each in took[0].items()))
        memory = [(str(process.args[-1]), peak(process.pid)) for process in service.processes]
        print("  peak memory: " + ", ".join(f"{name} {size:,} MiB" for name, size in memory), flush=True)
    seconds = bare_copy(home)
    print(f"  a bare COPY of the same rows: {seconds:.1f} s, {rows / seconds:,.0f} rows/s", flush=True)


if __name__ == "__main__":
    for size in SIZES:
        measure(size)
