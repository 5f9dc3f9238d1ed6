"""`simcheck runs`: cross-checks that were given up, and how they go on."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

from simcheck.commands.acting import in_a_transaction
from simcheck.crosscheck import failing

app = typer.Typer(no_args_is_help=True, help="Find cross-checks that were given up, and try them again.")


@app.command()
def failed() -> None:
    """List the runs that were given up, each with its batch and why."""
    for run in in_a_transaction(failing.listed):
        told = run.counts["failed"]
        part = f" of bucket {told['bucket']}" if "bucket" in told else ""
        typer.echo(
            f"{run.id}  {run.carrier}  batch {run.batch_id}  {run.changed_at:%Y-%m-%dT%H:%M:%SZ}  "
            f"{told['step']}{part}, {told['attempts']} attempts  {told['code']}: {told['words']}"
        )


@app.command()
def retry(
    run: Annotated[uuid.UUID, typer.Argument(help="The run's id, as `simcheck runs failed` says.")],
) -> None:
    """Have the work of a run that was given up done again, once its cause is mended."""
    in_a_transaction(lambda session: failing.try_again(session, run))
    typer.echo(f"{run} is tried again, by a new run")
