from __future__ import annotations

import io
import sys

import pytest

from simcheck import terminal
from simcheck.crosscheck import run
from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Verdict
from simcheck.terminal import Language
from tests.building import BatchReading, File, citizen, register, request, row

AN = citizen(1, "Nguyễn Văn An")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    rows = [row(at, AN) for at in range(1500)] + [row(2000, AN, full_name="NGUYEN VAN AN")]
    citizens = register(folder / "r.parquet", [AN])
    asked = request(folder, citizens, File("viettel", rows), File("itel", [row(3000, AN, msisdn="")]))

    def odd(columns):
        reading = BatchReading(rows, columns)
        reading.unknown_columns = ["note", "[red]colour[/red]"]
        reading.warnings = ["column msisdn: [bold]many[/bold] cells are empty"]
        return reading

    files = [("viettel", asked.files[0][1], odd), asked.files[1]]
    return run.check(run.Request(**{**vars(asked), "files": files}))


@pytest.mark.parametrize(("language", "thousands"), [(Language.EN, "1,501"), (Language.VI, "1.501")])
def test_the_table(outcome, tmp_path, capsys, language, thousands):
    terminal.print_outcome(outcome, tmp_path / "a rather [long] name" / "of a folder", language)
    out = capsys.readouterr().out
    words = terminal._WORDS[language]
    for verdict in VERDICTS:
        assert words[verdict].split()[0] in out
    assert thousands in out
    for expected in (
        "viettel",
        "itel",
        words["total"],
        "NAME_DIACRITICS",
        "SIM_LIMIT_TOTAL",
        "MSISDN_INVALID",
    ):
        assert expected in out
    assert "note, [red]colour[/red]" in out
    assert "[bold]many[/bold]" in out
    assert f"{tmp_path / 'a rather [long] name' / 'of a folder'}/verdicts.parquet" in out
    assert out.isascii() is False
    assert "\x1b" not in out


def test_reasons_stand_by_how_often_they_come(outcome, tmp_path, capsys):
    terminal.print_outcome(outcome, tmp_path, Language.EN)
    out = capsys.readouterr().out
    assert out.index("SIM_LIMIT_PER_CARRIER") < out.index("NAME_DIACRITICS")


def test_both_languages_say_everything():
    one, other = terminal._WORDS.values()
    assert set(one) == set(other) >= set(Verdict)
    assert set(terminal._WORDS) == set(Language)


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"LANG": "vi_VN.UTF-8"}, Language.VI),
        ({"LANG": "en_US.UTF-8"}, Language.EN),
        ({"LANG": "vi_VN.UTF-8", "LC_ALL": "C"}, Language.EN),
        ({"LANG": "C", "LC_MESSAGES": "vi_VN"}, Language.VI),
        ({"LANG": "de_DE", "LC_ALL": ""}, Language.EN),
    ],
)
def test_the_terminals_language(monkeypatch, variables, language):
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert terminal.spoken() is language


class Screen(io.StringIO):
    """A standard error that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("screen", "shown", "seen"), [(io.StringIO, True, False), (Screen, False, False), (Screen, True, True)]
)
def test_progress_is_shown_on_a_terminal_alone(monkeypatch, screen, shown, seen):
    error = screen()
    monkeypatch.setattr(sys, "stderr", error)
    monkeypatch.setenv("TERM", "xterm-256color")
    with terminal.progress(Language.EN, shown) as report:
        report("register", 0, 1, 0)
        report("compare", 50, 100, 500)
        report("again", 0, 0, 0)
        report("write", 0, 0, 0)
    assert bool(error.getvalue()) == seen


@pytest.mark.parametrize(("language", "thousands"), [(Language.EN, "1,234,567"), (Language.VI, "1.234.567")])
def test_what_was_made(tmp_path, capsys, language, thousands):
    terminal.print_made(1_234_567, {"viettel.csv.gz": 42, "itel.tsv": 7}, tmp_path / "made", language)
    out = capsys.readouterr().out
    for expected in (
        "citizens.parquet",
        thousands,
        "viettel.csv.gz",
        "42",
        "itel.tsv",
        f"{tmp_path / 'made'}",
    ):
        assert expected in out
