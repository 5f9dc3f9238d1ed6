"""The commands of the service, a module each or for a few. They are heavy: the one that is called is loaded
alone, and all of them for a list.
"""

from __future__ import annotations

from importlib import import_module

import typer

# Each command and its module: the function that bears its name there, else the module's `app`, a group of
# commands.
COMMANDS = {
    "demo": "demo", "codes": "demo_people", "serve": "processes", "worker": "processes",
    "sender": "processes", "migrate": "processes", "submit": "submit", "twins": "twins", "keys": "keys",
    "clients": "clients", "people": "people", "audit": "audit", "register": "register", "notices": "notices",
    "questions": "questions", "runs": "runs", "report": "report", "invariants": "invariants",
    "care": "care", "breach": "breach", "policy": "policy", "orders": "orders",
}  # fmt: skip


def add_to(app: typer.Typer, called: str | None) -> None:
    """Give the `simcheck` command the one that is called; all of them where none of these is."""
    known = {each.name for each in app.registered_commands} | {each.name for each in app.registered_groups}
    for name in [called] if called in COMMANDS else COMMANDS:
        if name in known:
            continue
        module = import_module(f"{__name__}.{COMMANDS[name]}")
        command = getattr(module, name, None)
        if callable(command):
            app.command(name)(command)
        else:
            app.add_typer(module.app, name=name)
