"""The commands of the service. Loaded by `simcheck.cli` only when one of them is called: they are heavy."""

from __future__ import annotations

import typer

from simcheck.commands import (
    audit,
    clients,
    demo,
    demo_people,
    keys,
    notices,
    orders,
    people,
    policy,
    processes,
    questions,
    register,
    report,
    runs,
    submit,
    twins,
)


def add_to(app: typer.Typer) -> None:
    """Give the `simcheck` command those of the service."""
    app.command()(demo.demo)
    app.command()(demo_people.codes)
    app.command()(processes.serve)
    app.command()(processes.worker)
    app.command()(processes.sender)
    app.command()(processes.migrate)
    app.command()(submit.submit)
    app.command()(twins.twins)
    app.add_typer(keys.app, name="keys")
    app.add_typer(clients.app, name="clients")
    app.add_typer(people.app, name="people")
    app.add_typer(audit.app, name="audit")
    app.add_typer(register.app, name="register")
    app.add_typer(notices.app, name="notices")
    app.add_typer(policy.app, name="policy")
    app.add_typer(orders.app, name="orders")
    app.add_typer(questions.app, name="questions")
    app.add_typer(runs.app, name="runs")
    app.add_typer(report.app, name="report")
