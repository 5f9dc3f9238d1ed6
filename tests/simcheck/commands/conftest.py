from __future__ import annotations

import sys

import pytest

from simcheck import cli


@pytest.fixture
def command(environment, monkeypatch, capsys):
    """Runs `simcheck ...` in this process over the test's database: (exit code, output, errors)."""
    for name, value in environment.items():
        if name.startswith("SIMCHECK_"):
            monkeypatch.setenv(name, value)

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["simcheck", *map(str, words)])
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
