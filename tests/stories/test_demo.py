"""The demo, as somebody new would run it: real processes, every carrier's file, two questions; what it left.

Nothing of a person may lie in clear in anything that the service keeps: database files, write-ahead log,
lake, logs. The same seed makes the same country again, so that all its people's data is known to look for.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import generator
from simcheck.commands import demo, demo_people

SUBSCRIPTIONS = 3_000
CITIZENS = round(SUBSCRIPTIONS * demo.CITIZENS / demo.SUBSCRIPTIONS)


def run_demo(home: Path) -> subprocess.CompletedProcess[str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SIMCHECK_")}
    words = ["demo", "--subscriptions", str(SUBSCRIPTIONS), "--no-stay", "--language", "en"]
    return subprocess.run(
        [sys.executable, "-m", "simcheck.cli", *words], env={**mine, "SIMCHECK_HOME": str(home)},
        capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def lines(home: Path) -> list[dict[str, object]]:
    return [
        json.loads(line)
        for log in (home / "demo" / "logs").iterdir()
        for line in log.read_text("utf-8").splitlines()
        if line.startswith("{")
    ]


def personal(folder: Path) -> set[str]:
    """Every ID number, name, phone number and email of the demo's country, as it is written in its files."""
    generator.generate(CITIZENS, SUBSCRIPTIONS, demo.SEED, folder / "own")
    generator.generate(CITIZENS, SUBSCRIPTIONS, demo.SEED, folder / "generic", formats="parquet")
    people = pq.read_table(folder / "own" / "citizens.parquet")
    found = {value for column in ("id_number", "full_name") for value in people[column].to_pylist()}
    for file in (folder / "generic").glob("*.parquet"):
        table = pq.read_table(file)
        for column in ("msisdn", "id_number", "full_name", "email", "contact_msisdn"):
            if column in table.column_names:
                found |= set(table[column].to_pylist())
    # what is shorter may stand anywhere by chance
    return {value for value in found if value and len(value) >= 9 and "\n" not in value}


def holding(patterns: Path, folder: Path) -> list[str]:
    """The files below a folder in which one of the patterns stands."""
    words = ["grep", "-r", "-a", "-l", "-F", "-f", str(patterns), str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env={"LC_ALL": "C"})
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()


def running_in(home: Path) -> list[str]:
    """The processes that have this home in their environment."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and str(home).encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:  # it has ended meanwhile, or is another user's
            continue
    return found


def test_the_demo(home, tmp_path):
    done = run_demo(home)
    assert done.returncode == 0, done.stderr
    assert "10 carriers' files" in done.stdout
    assert done.stdout.count(" done ") == 10
    assert "this SIM is this person's" in done.stdout
    assert "NOT_THIS_PERSON" in done.stdout
    assert "Holders asked 6 questions, of which 3 are answered" in done.stdout
    assert re.search(
        r"in force: [\d,]+ clocks run; 12 SIMs wait .* answered for 6, [12] are restored", done.stdout
    )
    assert "/desk/sign-in" in done.stdout
    for account in demo_people.read(home / "demo"):
        assert account.password in done.stdout
    assert [line for line in lines(home) if line["level"] in {"error", "critical"}] == []
    assert running_in(home) == []

    values = personal(tmp_path)
    assert len(values) > 3 * CITIZENS
    patterns = tmp_path / "patterns"
    patterns.write_text("\n".join(sorted(values)) + "\n", "utf-8")
    assert holding(patterns, home) == []
    written = tmp_path / "found" / "wal"
    written.parent.mkdir()
    written.write_bytes(b"\0\1" + sorted(values)[100].encode() + b"\2")
    assert holding(patterns, written.parent) == [str(written)]  # the search finds what it looks for


@pytest.mark.slow
def test_the_demo_twice_in_one_home(home):
    for _ in range(2):
        done = run_demo(home)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(" done ") == 10
