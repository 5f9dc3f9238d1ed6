"""The golden set: made-up citizens, and subscriptions written by hand beside the answer they must get.

`register.csv` has the register's form. `subscribers.csv` has the common carrier form, and before it what
the row must get:

    case               its number
    carrier            whose file the row stands in; one file a carrier, rows in this order
    expected_verdict   and `expected_reasons`, separated by `;`
    kind               what was done to the row; `note` says more
    strict             yes; `verdict`: people may differ about the codes, not the verdict; no: about both

The answers follow the public contract and the domain's notes. Where both leave it open whether a row is a
variant or a mismatch, it is a mismatch.
"""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import NamedTuple

from carriers.registry import adapter
from simcheck.crosscheck import run

HERE = Path(__file__).parent
REGISTER = HERE / "register.csv"
SUBSCRIBERS = HERE / "subscribers.csv"
AS_OF = date(2026, 11, 23)
ACCEPTED = frozenset({"verified", "variant"})


class Case(NamedTuple):
    """A row, and what it must get. `line` is the row as it stands in the file."""

    number: int
    carrier: str
    verdict: str
    reasons: frozenset[str]
    kind: str
    strict: str
    note: str
    line: str


def cases() -> list[Case]:
    """All rows, in the file's order. A row may have too few or too many cells: the answer comes first."""
    return [
        Case(
            int(number),
            carrier,
            verdict,
            frozenset(filter(None, reasons.split(";"))),
            kind,
            strict,
            note,
            line,
        )
        for line in _lines()[1:]
        for number, carrier, verdict, reasons, kind, strict, note in [next(csv.reader([line]))[:7]]
    ]


def citizens() -> list[dict[str, str]]:
    """The register's rows."""
    with REGISTER.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def carriers(rows: list[Case]) -> list[str]:
    """The carriers, in the order in which they are checked."""
    return sorted({row.carrier for row in rows})


def request(rows: list[Case], folder: Path) -> run.Request:
    """Write a file a carrier into `folder`, and ask for the check of them all; results in `folder`/out."""
    files = []
    for carrier in carriers(rows):
        path = folder / f"{carrier}.csv"
        lines = [_lines()[0], *(row.line for row in rows if row.carrier == carrier)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
        files.append((carrier, path, opener("generic", path)))
    return run.Request(files, REGISTER, folder / "out", AS_OF, threads=2, memory=1 << 30)


def opener(form: str, path: Path) -> run.Open:
    """How to open a file that has the form of the carrier `form`."""
    return lambda columns: adapter(form).read(path, columns)


def _lines() -> list[str]:
    # not splitlines: a dead encoding's letters may look like line breaks
    return SUBSCRIBERS.read_bytes().decode("utf-8").rstrip("\n").split("\n")
