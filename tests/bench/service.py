"""From a carrier's CSV file to a published run and its open cases: rows a second, and each process's memory.

`service.py [ROWS ...]` (1 M and 5 M by default): a server and two workers on this machine, one file through
`POST /v1/batches`. Memory is the largest resident set of each process (VmHWM).
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from pathlib import Path

import httpx

import generator
from simcheck.commands.demo import Demo
from simcheck.terminal import Language

SIZES = [int(each) for each in sys.argv[1:]] or [1_000_000, 5_000_000]
HOME = Path(__file__).resolve().parents[2] / ".simcheck" / "bench" / "service"
POLL = 0.25


def peak(pid: int) -> int:
    """A process's largest resident set, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) >> 10


def measure(rows: int) -> None:
    """One size: the country is made once and kept."""
    made = HOME / f"country-{rows}"
    if not (made / "manifest.json").exists():
        generator.generate(rows, rows, 7, made, carriers=["generic"])
    home = HOME / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    with Demo(home, Language.EN) as service:
        service.start("serve")
        service.ready()
        service.run("register", "import", str(made / "citizens.parquet"), "--quiet")
        asyncio.run(service.add_clients(["generic"]))
        for _ in range(2):
            service.start("worker")
        began = time.monotonic()
        batch = service.send("generic", made / "generic.csv")
        moments = {"uploaded": time.monotonic() - began}
        state = ""
        while state not in {"done", "refused"}:
            time.sleep(POLL)
            answer = httpx.get(
                f"{service.url}/v1/batches/{batch}", headers=service.token("generic-demo"), timeout=60
            ).json()
            state = answer["state"]
            moments.setdefault(state, time.monotonic() - began)
        seconds = time.monotonic() - began
        open_cases = sum(count for _, _, count in asyncio.run(service.cases()))
        memory = {str(process.args[-1]): peak(process.pid) for process in service.processes}
    steps = ", ".join(f"{name} {at:.1f} s" for name, at in moments.items())
    print(
        f"{rows:,} rows: {seconds:.1f} s, {rows / seconds:,.0f} rows/s, {open_cases:,} open cases ({steps})"
    )
    print("  peak memory: " + ", ".join(f"{name} {size:,} MiB" for name, size in memory.items()))


if __name__ == "__main__":
    for size in SIZES:
        measure(size)
