"""The `simcheck` command: the one door that may load carriers, the generator and the check together.

The service's commands stand in `simcheck.commands` and are loaded when one of them is called, so that a check
starts without a web framework and a database.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import traceback
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import carriers.registry
import simcheck.crosscheck.run as crosscheck
from simcheck import terminal
from simcheck.errors import SimcheckError, UsageError

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)

STOPPED = 130  # what a shell calls a program that Ctrl-C ended
_WITHOUT_SERVICE = {"check", "generate"}
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Engine(StrEnum):
    """Where the check runs."""

    LOCAL = "local"
    SPARK = "spark"


@app.callback()
def _root() -> None:
    """Every SIM in the name of the living person whose ID stands behind it."""


@app.command()
def check(
    files: Annotated[
        list[str], typer.Argument(metavar="CODE=FILE...", help="A carrier's code and its subscriber file.")
    ],
    citizens: Annotated[Path, typer.Option(help="The citizen register (Parquet or CSV).")],
    out: Annotated[Path, typer.Option(help="The folder for the results.")],
    as_of: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="The day of the check. Default: today.")
    ] = None,
    engine: Annotated[Engine, typer.Option(help="Where the check runs.")] = Engine.LOCAL,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Default: as many as there are processors.")
    ] = None,
    memory: Annotated[str, typer.Option(help="About how much memory the check may take.")] = "4GB",
    buckets: Annotated[
        int | None,
        typer.Option(min=1, max=4096, help="Parts the register is cut into. Default: as few as fit."),
    ] = None,
    language: Annotated[
        terminal.Language | None, typer.Option(help="Language of what is printed. Default: the terminal's.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Check carriers' subscriber files against the citizen register."""
    if engine is Engine.SPARK:
        raise UsageError("--engine spark is not part of this version. Run with --engine local.")
    request = crosscheck.Request(
        files=[_file(each) for each in files],
        citizens=citizens,
        out=out,
        as_of=_day(as_of),
        threads=threads or len(os.sched_getaffinity(0)),
        memory=_bytes(memory),
        buckets=buckets,
    )
    spoken = language or terminal.spoken()
    with terminal.progress(spoken, shown=not quiet) as progress:
        outcome = crosscheck.check(request, progress)
    if not quiet:
        terminal.print_outcome(outcome, out, spoken)


@app.command()
def generate(
    citizens: Annotated[int, typer.Option(min=1, help="How many citizens.")],
    subscriptions: Annotated[int, typer.Option(min=0, help="How many subscriptions.")],
    out: Annotated[Path, typer.Option(help="An empty or new folder.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same country.")] = 1,
    carrier: Annotated[
        list[str] | None, typer.Option(help="A carrier's code; again for more. Default: all.")
    ] = None,
    parquet: Annotated[
        bool, typer.Option("--parquet", help="Write every file as Parquet in the generic shape.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Make a country that does not exist: a register, carriers' files, and the right answers."""
    import generator  # noqa: PLC0415 - a check starts without it

    formats: Literal["own", "parquet"] = "parquet" if parquet else "own"
    spoken = terminal.spoken()
    with terminal.progress(spoken, shown=not quiet) as progress:
        made = generator.generate(
            citizens, subscriptions, seed, out, carriers=carrier, formats=formats,
            progress=lambda done, total: progress("generate", done, total, done),
        )  # fmt: skip
    if not quiet:
        terminal.print_made(made.citizens, _rows(made.files), out, spoken)


def _rows(files: list[dict[str, Any]]) -> dict[str, int]:
    return {str(file["file"]): int(file["rows"]) for file in files}


def _file(argument: str) -> tuple[str, Path, crosscheck.Open]:
    code, equals, path = argument.partition("=")
    if not equals or not code or not path:
        raise UsageError(
            f"{argument}: write CODE=FILE, a carrier's code and its file, such as viettel=subscribers.csv"
        )
    adapter = carriers.registry.adapter(code)
    file = Path(path)
    if not file.is_file():
        raise UsageError(f"{file}: there is no such file. Check the path.")
    return code, file, lambda columns: adapter.read(file, columns)


def _day(written: str | None) -> date:
    try:
        return date.fromisoformat(written) if written else date.today()
    except ValueError:
        raise UsageError(f"--as-of {written}: write a day as YYYY-MM-DD, such as 2026-11-23") from None


def _bytes(written: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?", written.strip(), re.IGNORECASE)
    if not found or not float(found[1]):
        raise UsageError(f"--memory {written}: write an amount such as 4GB or 800MB")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def main() -> None:
    """Run the command. Ends with 0, with 2 and one line on standard error, or with 130 on Ctrl-C."""
    try:
        called = sys.argv[1] if len(sys.argv) > 1 else None
        if called not in _WITHOUT_SERVICE:
            importlib.import_module("simcheck.commands").add_to(app, called)
        code = app(standalone_mode=False)
        if code == STOPPED:  # Ctrl-C comes back as a code, not as an exception
            raise KeyboardInterrupt
        if isinstance(code, int) and code:  # so does what a command said with typer.Exit
            sys.exit(code)
    except SimcheckError as error:
        for line in error.lines:
            _say(line)
        sys.exit(error.exit_code)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        _say("stopped; nothing was kept")
        sys.exit(STOPPED)
    except typer.TyperException as error:
        _say(error.format_message())
        sys.exit(2)
    except Exception as error:  # a defect of ours: named without the data that it may carry
        if os.environ.get("SIMCHECK_DEBUG"):
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        _say(
            f"a defect in simcheck ({type(error).__name__}, {Path(where.filename).name}:{where.lineno}); "
            "nothing was kept. Run again with SIMCHECK_DEBUG=1 and report what it prints."
        )
        sys.exit(70)


def _say(message: str) -> None:
    print(f"simcheck: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
