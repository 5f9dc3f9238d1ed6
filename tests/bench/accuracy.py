"""How often the check is wrong, by kind of error, beside three simpler ways to compare (`make accuracy`).

Twice: on the golden set, written by hand, and on a generated country with its truth. On the same rows, in the
same run, stand three comparisons as people write them who have no simcheck. Each looks up the ID number among
the register's living, valid citizens and accepts a row when name and birth date agree:

    exact    the three cells as they stand
    folded   names without marks, case and extra spaces; the ID's digits, filled up with zeros before them;
             the birth date as simcheck reads it
    similar  as folded, but names need only a Jaro-Winkler similarity of 0.92

A **false accept** is a row that must not pass (mismatch, unverifiable, rejected) and passed (verified,
variant; for the three: accepted). A **false alarm** is the other way about. **Reasons** are right when all
that must be named are named and nothing else, but for codes of which the truth leaves it open whether they
apply. Debatable rows are left out. A row that shows several kinds counts under each, and once in the total.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import generator
from simcheck.crosscheck import run
from simcheck.normalise import dates
from simcheck.reasons import Reason
from simcheck.records import REQUIRED
from tests.golden import rows as golden

SIMILAR = 0.92
WIDTH = 124  # of the tables, in characters; a narrower terminal wraps them rather than cut numbers
METHODS = ("simcheck", "exact", "folded", "similar")
ACCEPTED = pa.array(sorted(golden.ACCEPTED))
CODES = pa.array([reason.name for reason in Reason])
CLEAN = "(nothing wrong)"

Flags = npt.NDArray[np.bool_]
Masks = npt.NDArray[np.uint64]


class Truth(NamedTuple):
    """What n rows must get. `kinds` may be several a row, or none; reasons are masks of `Reason`."""

    kinds: pa.ListArray
    accept: Flags
    reasons: Masks
    optional: Masks
    strict: Flags  # the verdict counts
    strict_reasons: Flags  # the reasons count too


class Judged(NamedTuple):
    """One set of rows, judged. `accepted` has an array of n a method."""

    title: str
    truth: Truth
    accepted: dict[str, Flags]
    reasons_right: Flags


def main() -> None:
    """Judge both sets and print a table of each."""
    parser = argparse.ArgumentParser(description="False accepts and false alarms, beside three baselines.")
    parser.add_argument("--citizens", type=int, default=100_000)
    parser.add_argument("--subscriptions", type=int, default=120_000)
    parser.add_argument("--seed", type=int, default=20261123)
    asked = parser.parse_args()
    console = Console()
    console = Console(width=max(console.width, WIDTH))
    for judged in (of_golden(), of_generated(asked.citizens, asked.subscriptions, asked.seed)):
        show(console, judged)
    console.print(
        "A cell is [b]false accepts / false alarms[/b], [dim]·[/dim] where there is none.\n"
        "exact: cells equal as they stand. folded: names equal without marks and case.\n"
        f"similar: folded names with a Jaro-Winkler similarity of {SIMILAR}.\n"
        "All three: same ID number and birth date, holder alive and valid."
    )


def of_golden() -> Judged:
    """The golden set, judged."""
    cases = golden.cases()
    cases = [case for carrier in golden.carriers(cases) for case in cases if case.carrier == carrier]
    truth = Truth(
        pa.array([[case.kind] for case in cases], pa.list_(pa.string())),
        np.array([case.verdict in golden.ACCEPTED for case in cases]),
        masks(pa.array([sorted(case.reasons) for case in cases], pa.list_(pa.string()))),
        np.zeros(len(cases), np.uint64),
        np.array([case.strict != "no" for case in cases]),
        np.array([case.strict == "yes" for case in cases]),
    )
    with tempfile.TemporaryDirectory() as folder:
        request = golden.request(cases, Path(folder))
        return judge(f"The golden set: {len(cases):,} rows written by hand", truth, request)


def of_generated(citizens: int, subscriptions: int, seed: int) -> Judged:
    """A generated country of all carriers in their own formats, judged."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "country"
        generator.generate(citizens, subscriptions, seed, folder)
        answers = pq.read_table(folder / "truth.parquet").sort_by(
            [("carrier", "ascending"), ("row", "ascending")]
        )
        files = [(code, folder / name) for code, name in sorted(set(zip(*_names(answers), strict=True)))]
        strict = answers["strict"].to_numpy()
        truth = Truth(
            answers["kinds"].combine_chunks(),
            pc.is_in(answers["verdict"], ACCEPTED).to_numpy(),
            masks(answers["reasons"].combine_chunks()),
            masks(answers["optional"].combine_chunks()),
            strict,
            strict,
        )
        register = folder / "citizens.parquet"
        opened = [(code, path, golden.opener(code, path)) for code, path in files]
        request = run.Request(
            opened, register, Path(place) / "out", generator.AS_OF, threads=2, memory=1 << 30
        )
        title = f"A generated country (seed {seed}): {citizens:,} citizens, {len(answers):,} rows"
        return judge(f"{title} of {len(files)} carriers", truth, request)


def _names(answers: pa.Table) -> tuple[list[str], list[str]]:
    files = answers.group_by(["carrier", "file"]).aggregate([])
    return files["carrier"].to_pylist(), files["file"].to_pylist()


def judge(title: str, truth: Truth, request: run.Request) -> Judged:
    """Run the check and the three baselines on the same rows, in the order of the request's files."""
    run.check(request)
    got = pq.read_table(request.out / "verdicts.parquet", columns=["verdict", "reasons"])
    named = masks(got["reasons"].combine_chunks())
    wanted = truth.reasons | (truth.optional & named)
    accepted = {"simcheck": pc.is_in(got["verdict"], ACCEPTED).to_numpy()}
    accepted |= baselines(declared(request), citizens(request.citizens), request.as_of)
    return Judged(title, truth, accepted, named == wanted)


def declared(request: run.Request) -> pa.Table:
    """The cells that the baselines look at, as the carriers' adapters read them; what is no cell is empty."""
    batches = [batch for _, _, opened in request.files for batch in opened(REQUIRED)]
    table = pa.Table.from_batches([batch.select(list(REQUIRED)) for batch in batches])
    return pa.table({name: pc.fill_null(table[name], "") for name in REQUIRED})


def citizens(register: Path) -> pa.Table:
    """The register's living, valid citizens: number, name and birth date as text."""
    columns = ["id_number", "full_name", "date_of_birth", "status"]
    if register.suffix == ".parquet":
        table = pq.read_table(register, columns=columns)
    else:
        people = golden.citizens()
        table = pa.table({name: [person[name] for person in people] for name in columns})
    table = table.filter(pc.equal(table["status"], "active"))
    return pa.table({name: table[name].cast(pa.string()).combine_chunks() for name in columns[:3]})


def baselines(rows: pa.Table, people: pa.Table, as_of: date) -> dict[str, Flags]:
    """Which rows each of the three simpler comparisons accepts."""
    exact = beside(rows, rows["id_number"], people)
    same_day = equal(exact["date_of_birth"], exact["their_date_of_birth"])
    out = {"exact": equal(exact["full_name"], exact["their_full_name"]) & same_day}
    digits = pc.utf8_lpad(pc.replace_substring_regex(rows["id_number"], r"\D", ""), 12, "0")
    both = beside(rows, digits, people)
    found = both["their_full_name"].is_valid().to_numpy()
    ours, theirs = folded(both["full_name"]), folded(pc.fill_null(both["their_full_name"], ""))
    read, held = (
        dates.normalise(pc.fill_null(both[name], ""), as_of).ymd
        for name in ("date_of_birth", "their_date_of_birth")
    )
    same_day = found & (read == held) & (read > 0)
    out["folded"] = same_day & equal(ours, theirs)
    similarity = process.cpdist(
        ours.to_pylist(), theirs.to_pylist(), scorer=JaroWinkler.normalized_similarity, workers=2
    )
    out["similar"] = same_day & (similarity >= SIMILAR)
    return out


def beside(rows: pa.Table, numbers: pa.ChunkedArray, people: pa.Table) -> pa.Table:
    """The rows, each beside the citizen with that ID number (null: nobody)."""
    at = pc.index_in(numbers, people["id_number"])
    for name in ("full_name", "date_of_birth"):
        rows = rows.append_column(f"their_{name}", people[name].take(at))
    return rows


def folded(names: pa.ChunkedArray) -> pa.ChunkedArray:
    """Names without marks, in lower case, with single spaces."""
    plain = pc.replace_substring_regex(pc.utf8_normalize(pc.utf8_lower(names), "NFD"), r"\p{Mn}", "")
    plain = pc.replace_substring(plain, "đ", "d")
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(plain, r"\s+", " "))


def equal(left: pa.ChunkedArray, right: pa.ChunkedArray) -> Flags:
    """Where two columns are equal and known."""
    flags: Flags = pc.fill_null(pc.equal(left, right), False).to_numpy()
    return flags


def masks(reasons: pa.ListArray) -> Masks:
    """Lists of codes as masks of `Reason`; a code twice would count wrong, and is refused."""
    out = np.zeros(len(reasons), np.uint64)
    row = pc.list_parent_indices(reasons).to_numpy()
    bit = np.uint64(1) << pc.index_in(pc.list_flatten(reasons), CODES).to_numpy().astype(np.uint64)
    if len(np.unique(np.stack([row.astype(np.uint64), bit]), axis=1).T) < len(row):
        raise ValueError("a row names a reason twice")
    np.bitwise_or.at(out, row, bit)
    return out


def by_kind(kinds: pa.ListArray) -> Iterator[tuple[str, Flags]]:
    """Each kind with its rows, in alphabetical order; first the rows that show none."""
    number = pc.list_value_length(kinds).to_numpy()
    yield CLEAN, number == 0
    row, name = pc.list_parent_indices(kinds).to_numpy(), pc.list_flatten(kinds)
    for kind in sorted(pc.unique(name).to_pylist()):
        where = np.zeros(len(kinds), np.bool_)
        where[row[pc.equal(name, kind).to_numpy(zero_copy_only=False)]] = True
        yield kind, where


def show(console: Console, judged: Judged) -> None:
    """Print one table: a row a kind, then the totals and the rates."""
    table = Table(title=judged.title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.collapse_padding = True
    table.add_column("kind of error", no_wrap=True)
    for name in ("rows", "to accept", *METHODS, "reasons"):
        table.add_column(name, justify="right", no_wrap=True)
    for kind, where in by_kind(judged.truth.kinds):
        if (where & judged.truth.strict).any():
            table.add_row(kind, *_counts(judged, where))
    everything = np.ones(len(judged.truth.strict), np.bool_)
    table.add_section()
    table.add_row("all rows", *_counts(judged, everything), style="bold")
    for title, of, accept in (("false accepts", "to refuse", False), ("false alarms", "to accept", True)):
        rows = judged.truth.strict & (judged.truth.accept == accept)
        wrong = [judged.accepted[method] != accept for method in METHODS]
        rates = [f"{each[rows].mean():.3%}" if rows.any() else "" for each in wrong]
        table.add_row(f"{title}, of {rows.sum():,} {of}", "", "", *rates)
    console.print(table)
    console.print()


def _counts(judged: Judged, where: Flags) -> list[str]:
    truth = judged.truth
    rows = where & truth.strict
    cells = [f"{rows.sum():,}", f"{(rows & truth.accept).sum():,}"]
    for method in METHODS:
        accepted = judged.accepted[method]
        accepts = int((rows & accepted & ~truth.accept).sum())
        alarms = int((rows & ~accepted & truth.accept).sum())
        cells.append(f"{accepts:,} / {alarms:,}" if accepts or alarms else "[dim]·[/dim]")
    told = where & truth.strict_reasons
    right = judged.reasons_right[told]
    cells.append(f"{right.mean():.2%}" if len(right) else "")
    return cells


if __name__ == "__main__":
    main()
