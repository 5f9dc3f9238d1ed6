"""What a person reads while a check runs and when it is done."""

from __future__ import annotations

import locale
import os
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from simcheck.crosscheck.run import Outcome
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Reason

TOP_REASONS = 8
_WIDE = 120  # columns of a table whose cells are copied, and may not be cut


class Language(StrEnum):
    """A language that the terminal speaks."""

    VI = "vi"
    EN = "en"


_WORDS: dict[str, dict[str, str]] = tomllib.loads(
    files("simcheck").joinpath("terminal.toml").read_text("utf-8")
)


def spoken() -> Language:
    """The terminal's language: Vietnamese where the locale says so, else English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return Language.VI if os.environ[name].startswith("vi") else Language.EN
    return Language.VI if (locale.getlocale()[0] or "").startswith("vi") else Language.EN


@contextmanager
def progress(language: Language, shown: bool) -> Iterator[Callable[[str, int, int, int], None]]:
    """What a run calls with its phase, how much is done, of how much: a bar on a terminal, else nothing."""
    if not shown or not sys.stderr.isatty():
        yield lambda *_: None
        return
    words = _WORDS[language]
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(words["register"], total=None, speed="")
        began: list[Any] = ["", 0.0]

        def report(phase: str, done: int, total: int, rows: int) -> None:
            if phase != began[0]:
                began[:] = phase, time.monotonic()
            elapsed = time.monotonic() - began[1]
            speed = f"{rows / elapsed:,.0f} {words['speed']}" if rows and elapsed else ""
            bar.update(task, description=words[phase], completed=done, total=total or None, speed=speed)

        yield report


def print_made(citizens: int, rows: dict[str, int], out: Path, language: Language) -> None:
    """Print what a made-up country consists of: rows of each file."""
    console, words = Console(highlight=False), _WORDS[language]
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(words["file"])
    table.add_column(words["rows"], justify="right")
    for name, count in {"citizens.parquet": citizens, **rows}.items():
        table.add_row(name, *_numbers([count], language))
    console.print(table)
    console.print(f"{words['made']}: {out}", markup=False, soft_wrap=True)


def print_outcome(outcome: Outcome, out: Path, language: Language) -> None:
    """Print the run's figures: carriers by verdict, the most frequent reasons, where the files are."""
    console, words = Console(highlight=False), _WORDS[language]
    counts, summary = outcome.counts, outcome.summary
    _print_verdicts(
        {
            code: [int(each) for each in row]
            for code, row in zip(counts.carriers, counts.verdicts, strict=True)
        },
        language,
    )
    totals = counts.reasons.sum(0)
    top = sorted((reason for reason in Reason if totals[reason]), key=lambda reason: -totals[reason])[
        :TOP_REASONS
    ]
    if top:
        reasons = Table(box=SIMPLE_HEAD, pad_edge=False)
        reasons.add_column(words["reason"])
        reasons.add_column(words["rows"], justify="right")
        for reason in top:
            reasons.add_row(reason.name, *_numbers([totals[reason]], language))
        console.print(reasons)
    for file in summary.files:
        for warning in file.warnings:
            console.print(f"{words['warning']}: {file.file}: {warning}", markup=False)
        if file.unknown_columns:
            console.print(
                f"{words['warning']}: {file.file}: {words['ignored']}: {', '.join(file.unknown_columns)}",
                markup=False,
            )
    rows, speed, memory = _numbers(
        [summary.rows, summary.rows_per_second, summary.peak_memory_bytes >> 20], language
    )
    seconds = f"{summary.seconds:.1f}".replace(".", "," if language is Language.VI else ".")
    console.print(words["done"].format(rows=rows, seconds=seconds, speed=speed, memory=memory))
    console.print(
        f"{words['files']}: {out}/verdicts.parquet, feedback-*.csv, summary.json",
        markup=False,
        soft_wrap=True,
    )


def _print_verdicts(carriers: dict[str, list[int]], language: Language) -> None:
    """Print a table of carriers by verdict (in the order of VERDICTS)."""
    words = _WORDS[language]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(words["carrier"])
    for heading in (words["rows"], *(words[verdict.value] for verdict in VERDICTS)):
        table.add_column(heading, justify="right")
    for carrier, row in carriers.items():
        table.add_row(carrier, *_numbers([sum(row), *row], language))
    if len(carriers) > 1:
        whole = [sum(each) for each in zip(*carriers.values(), strict=True)]
        table.add_section()
        table.add_row(words["total"], *_numbers([sum(whole), *whole], language), style="bold")
    Console(highlight=False).print(table)


def print_cases(open_cases: list[tuple[str, str, int]], language: Language) -> None:
    """Print how many cases are open: (carrier, who acts, how many)."""
    words = _WORDS[language]
    acting = sorted({acts for _, acts, _ in open_cases})
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=words["cases"], title_justify="left")
    table.add_column(words["carrier"])
    for acts in acting:
        table.add_column(words[acts].lower(), justify="right")
    for carrier in dict.fromkeys(carrier for carrier, _, _ in open_cases):
        counts = {acts: count for its, acts, count in open_cases if its == carrier}
        table.add_row(carrier, *_numbers([counts.get(acts, 0) for acts in acting], language))
    Console(highlight=False).print(table)


def print_people(people: Sequence[tuple[str, str, str, str, str]], language: Language) -> None:
    """Print who can sign in: (user name, carrier, password, code of this moment, secret of the codes)."""
    words = _WORDS[language]
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("username", "carrier", "password", "code", "secret"):
        table.add_column(words[name], no_wrap=True, overflow="ignore")
    for row in people:
        table.add_row(*row)
    Console(highlight=False, width=_WIDE).print(table, markup=False)


def say(language: Language, what: str, **values: Any) -> None:
    """Print one line; numbers get the language's separator of thousands."""
    shown = {
        name: _numbers([value], language)[0] if isinstance(value, int) else value
        for name, value in values.items()
    }
    Console(highlight=False).print(_WORDS[language][what].format(**shown), markup=False, soft_wrap=True)


def print_batches(batches: dict[str, dict[str, Any]], language: Language) -> None:
    """Print what became of files that were sent (the service's answers, by file), then remarks."""
    console, words = Console(highlight=False), _WORDS[language]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0)
    table.add_column(words["file"])
    table.add_column(words["state"])
    for heading in (words["rows"], *(words[verdict.value] for verdict in VERDICTS)):
        table.add_column(heading, justify="right")
    for name, batch in batches.items():
        counts = batch["counts"].get("verdicts", {})
        found = _numbers([counts.get(verdict.value, 0) for verdict in VERDICTS], language)
        rows = _numbers([batch["rows"] or 0], language)
        table.add_row(name, batch["state"], *rows, *(found if counts else [""] * len(VERDICTS)))
    console.print(table)
    for name, batch in batches.items():
        remarks = [batch["refusal"]["text"]] if batch["refusal"] else []
        remarks += batch["warnings"]
        if batch["ignored_columns"]:
            remarks.append(f"{words['ignored']}: {', '.join(batch['ignored_columns'])}")
        for remark in remarks:
            console.print(f"{words['warning']}: {name}: {remark}", markup=False, soft_wrap=True)


def _numbers(values: list[int], language: Language) -> list[str]:
    """Numbers with the language's separator of thousands."""
    return [f"{int(value):,}".replace(",", "." if language is Language.VI else ",") for value in values]
