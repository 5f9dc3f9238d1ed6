"""The commands of the service. Loaded by `simcheck.cli` only when one of them is called: they are heavy."""

from __future__ import annotations

import typer

from simcheck.commands import register


def add_to(app: typer.Typer) -> None:
    """Give the `simcheck` command those of the service."""
    app.add_typer(register.app, name="register")
