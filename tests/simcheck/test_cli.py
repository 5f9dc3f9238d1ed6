from __future__ import annotations

import contextlib
import json
import os
import pty
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simcheck import cli
from tests.building import citizen, country, register, row, subscriber_csv

PEOPLE, FILES = country(seed=11)
GOOD = [each for file in FILES for each in file.rows if "problem" not in each]
AN = PEOPLE[0]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with a register, r.parquet, and a subscriber file, s.csv."""
    folder = tmp_path_factory.mktemp("given")
    register(folder / "r.parquet", PEOPLE)
    subscriber_csv(folder / "s.csv", GOOD)
    return folder


@pytest.fixture
def command(made, tmp_path, monkeypatch, capsys):
    """Runs `simcheck check ...` in this process: (exit code, standard output, standard error)."""

    def run(*arguments: object, files: tuple[str, ...] | None = None) -> tuple[int, str, str]:
        chosen = (f"generic={made}/s.csv",) if files is None else files
        words = ["check", *chosen, "--citizens", made / "r.parquet", "--out", tmp_path / "out", *arguments]
        monkeypatch.setattr(sys, "argv", ["simcheck", *map(str, words)])
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def assert_one_line(outcome: tuple[int, str, str], *says: str) -> None:
    code, out, err = outcome
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert "Traceback" not in err
    for each in says:
        assert each in err


def subprocess_of(*arguments: object, **more) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "simcheck.cli", "check", *map(str, arguments)]
    environment = {**os.environ, "LANG": "en_US.UTF-8", "LC_ALL": "", "LC_MESSAGES": ""}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment}
    return subprocess.Popen(words, **(streams | more))


def test_a_run_that_ends_well(command, tmp_path):
    code, out, err = command("--as-of", "2026-11-23", "--language", "en")
    assert (code, err) == (0, "")
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == [
        "feedback-generic.csv", "summary.json", "verdicts.parquet",
    ]  # fmt: skip
    assert pq.read_table(tmp_path / "out" / "verdicts.parquet").num_rows == len(GOOD)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert summary["as_of"] == "2026-11-23"
    for figure in summary["verdicts"].values():
        assert f"{figure:,}" in out
    assert "generic" in out
    assert str(tmp_path / "out") in out.replace("\n", "")


def test_quiet_is_silent(command, tmp_path):
    assert command("--quiet") == (0, "", "")
    assert (tmp_path / "out" / "summary.json").is_file()


def test_in_vietnamese(command):
    code, out, _ = command("--language", "vi")
    assert code == 0
    assert "Nhà mạng" in out
    assert "không khớp" in out


def test_as_of_is_today_unless_told(command, tmp_path):
    import datetime

    before = datetime.date.today()
    command("--quiet")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert before <= datetime.date.fromisoformat(summary["as_of"]) <= datetime.date.today()


@pytest.mark.parametrize("day", ["23/11/2026", "2026-13-01", "2026-02-30", "soon"])
def test_a_day_that_is_none(command, day):
    assert_one_line(command("--as-of", day), "--as-of", "YYYY-MM-DD")


@pytest.mark.parametrize("amount", ["4GB", "800MB", "1.5G", "2000000k", "1TiB", "5000000000", " 2 gb "])
def test_amounts_of_memory(command, amount):
    assert command("--memory", amount, "--quiet")[0] == 0


@pytest.mark.parametrize("amount", ["much", "-1GB", "0", "0GB", "4 X", ""])
def test_amounts_that_are_none(command, amount):
    assert_one_line(command("--memory", amount), "--memory")


def test_little_memory_and_threads_and_buckets_give_the_same_verdicts(command, tmp_path):
    seen = set()
    for how in (("--threads", 1), ("--threads", 2), ("--buckets", 5), ("--memory", "40kB")):
        assert command("--quiet", *how)[0] == 0
        seen.add((tmp_path / "out" / "verdicts.parquet").read_bytes())
    assert len(seen) == 1


def test_the_other_engine_is_refused(command, tmp_path):
    assert_one_line(command("--engine", "spark"), "--engine", "local")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "option",
    [("--engine", "abacus"), ("--threads", "0"), ("--threads", "two"), ("--buckets", "0"),
     ("--buckets", "5000"),
     ("--language", "fr"), ("--unknown",), ("--as-of",)],
)  # fmt: skip
def test_options_that_are_not_understood(command, option):
    assert_one_line(command(*option), option[0])


@pytest.mark.parametrize("argument", ["s.csv", "=s.csv", "generic=", "generic", ""])
def test_arguments_that_are_no_code_and_file(command, argument):
    assert_one_line(command(files=(argument,)), "CODE=FILE")


def test_no_file_at_all(command):
    assert_one_line(command(files=()), "CODE=FILE")


def test_an_unknown_carrier(command, made):
    assert_one_line(command(files=(f"nobody={made}/s.csv",)), "nobody", "viettel")


def test_a_file_that_is_not_there(command, tmp_path):
    assert_one_line(command(files=(f"generic={tmp_path}/none.csv",)), f"{tmp_path}/none.csv")


def test_a_folder_for_a_file(command, tmp_path):
    assert_one_line(command(files=(f"generic={tmp_path}",)), str(tmp_path))


def test_a_path_with_an_equals_sign(command, tmp_path):
    path = subscriber_csv(tmp_path / "a=b.csv", GOOD[:10])
    assert command("--quiet", files=(f"generic={path}",))[0] == 0


def test_several_files_of_several_carriers(command, tmp_path):
    one, other = (subscriber_csv(tmp_path / f"{name}.csv", GOOD[at:90:2]) for at, name in enumerate("ab"))
    code, _, _ = command("--quiet", files=(f"generic={one}", f"generic={other}"))
    assert code == 0
    table = pq.read_table(tmp_path / "out" / "verdicts.parquet")
    assert table["file"].to_pylist() == ["a.csv"] * 45 + ["b.csv"] * 45


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"msisdn,id_number,full_name\n1,2,3\n", "date_of_birth"),
        (bytes(range(256)) * 50, ""),
        (b"\x1f\x8b\x08\x00\x00", ""),
    ],
)
def test_a_subscriber_file_that_cannot_be_used(command, tmp_path, content, says):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    assert_one_line(command(files=(f"generic={path}",)), str(path), says)
    assert not (tmp_path / "out").exists()


CELLS = st.lists(
    st.one_of(st.binary(max_size=9), st.sampled_from([b",", b"\n", b'"', b"\r\n", b"\0", b"\xef\xbb\xbf"]))
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.booleans(), cells=CELLS)
def test_any_bytes_at_all_are_checked_or_refused(command, tmp_path, header, cells):
    path = tmp_path / "any.csv"
    path.write_bytes(b"msisdn,id_number,full_name,date_of_birth\n" * header + b"".join(cells))
    outcome = command("--quiet", files=(f"generic={path}",))
    if outcome[0] == 2:
        assert_one_line(outcome, str(path))
    else:
        assert outcome == (0, "", "")
        summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
        assert summary["rows"] == pq.read_table(tmp_path / "out" / "verdicts.parquet").num_rows
        if header and not set(b"".join(cells)) & set(b'"\r\0'):  # one line, one row
            lines = b"".join(cells).removesuffix(b"\n").split(b"\n")
            assert summary["rows"] <= len(lines)
            assert summary["rows"] >= sum(bool(line.strip()) for line in lines)


@pytest.mark.parametrize("content", [b"", b"PAR1broken", b"a,b\n1,2\n", bytes(100)])
def test_a_register_that_cannot_be_used(command, tmp_path, content):
    path = tmp_path / "bad.parquet"
    path.write_bytes(content)
    assert_one_line(command("--citizens", path), str(path))
    assert not (tmp_path / "out").exists()


def test_a_register_that_is_not_there(command, tmp_path):
    assert_one_line(command("--citizens", tmp_path / "none"), f"{tmp_path}/none", "no such file")


def test_results_where_a_file_stands(command, tmp_path):
    (tmp_path / "out").write_text("mine")
    assert_one_line(command(), str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "mine"


@pytest.fixture
def locked(tmp_path):
    """A folder in which nothing can be made."""
    folder = tmp_path / "locked"
    folder.mkdir()
    if os.geteuid() == 0:  # permissions do not bind root, a read-only file system does
        if not mount(folder, "ro,size=64k"):
            pytest.skip("root could not mount a read-only file system")
        yield folder
        subprocess.run(["umount", str(folder)], check=True)
    else:
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def mount(folder: Path, options: str) -> bool:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("deep", [".", "out", "a/b"])
def test_a_folder_that_may_not_be_written(command, locked, deep):
    assert_one_line(command("--out", locked / deep), str(locked / deep), "may not be written")
    assert list(locked.iterdir()) == []


def test_help_tells_what_there_is(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["simcheck", "check", "--help"])
    with contextlib.suppress(SystemExit):
        cli.main()
    printed = capsys.readouterr().out
    for option in (
        "--citizens",
        "--out",
        "--as-of",
        "--engine",
        "--threads",
        "--memory",
        "--quiet",
        "CODE=FILE",
    ):
        assert option in printed


def test_a_defect_of_ours_is_one_line_without_the_data_it_met(command, monkeypatch, tmp_path):
    def fail(*_: object) -> None:
        raise RuntimeError(f"met {AN.full_name} {AN.id_number}")

    monkeypatch.delenv("SIMCHECK_DEBUG", raising=False)
    monkeypatch.setattr("simcheck.crosscheck.run.look_at_whole", fail)
    code, out, err = command()
    assert (code, out, err.count("\n")) == (70, "", 1)
    assert "RuntimeError" in err
    assert "Traceback" not in err
    assert AN.full_name not in err
    assert AN.id_number not in err
    assert not (tmp_path / "out").exists()
    monkeypatch.setenv("SIMCHECK_DEBUG", "1")
    with pytest.raises(RuntimeError):
        command()


def test_a_country_is_made_and_checked(command, monkeypatch, capsys, tmp_path):
    """What `generate` writes, `check` reads: every carrier's own format."""
    country_of = tmp_path / "made"
    words = [
        "generate",
        "--citizens",
        "60",
        "--subscriptions",
        "150",
        "--seed",
        "5",
        "--out",
        str(country_of),
        "--quiet",
    ]
    monkeypatch.setattr(sys, "argv", ["simcheck", *words])
    cli.main()
    assert capsys.readouterr() == ("", "")
    listed = json.loads((country_of / "manifest.json").read_text("utf-8"))
    files = tuple(f"{each['carrier']}={country_of / each['file']}" for each in listed["files"])
    assert len(files) > 5
    code, _, err = command("--citizens", country_of / "citizens.parquet", "--quiet", files=files)
    assert (code, err) == (0, "")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert summary["rows"] == sum(each["rows"] for each in listed["files"]) >= 150


# Real processes


def test_in_a_pipe_there_is_a_table_and_no_progress(made, tmp_path):
    done = subprocess_of(f"generic={made}/s.csv", "--citizens", made / "r.parquet", "--out", tmp_path / "out")
    out, err = done.communicate(timeout=60)
    assert (done.returncode, err) == (0, b"")
    assert b"\x1b" not in out
    assert b"\r" not in out
    assert b"Carrier" in out


def test_a_refusal_is_one_line_of_a_real_process(made, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"msisdn,full_name\n1,2\n")
    done = subprocess_of(f"generic={bad}", "--citizens", made / "r.parquet", "--out", tmp_path / "out")
    out, err = done.communicate(timeout=60)
    assert_one_line((done.returncode, out.decode(), err.decode()), str(bad), "id_number")


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> tuple[Path, Path]:
    """A subscriber file and a register that take some seconds: (file, register)."""
    folder = tmp_path_factory.mktemp("large")
    people = [
        citizen(at, f"Nguyễn Văn {chr(97 + at % 26)}{at}", f"19{at % 90 + 10}-01-02") for at in range(3000)
    ]
    small = subscriber_csv(
        folder / "small.csv", [row(at, each, full_name="Lê Tám") for at, each in enumerate(people)]
    )
    header, body = small.read_bytes().split(b"\n", 1)
    (folder / "large.csv").write_bytes(header + b"\n" + body * 150)
    return folder / "large.csv", register(folder / "r.parquet", people)


def wait_for(found, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.005)


def listen_to_ctrl_c() -> None:
    """A shell may have started these tests deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("late", [0.0, 0.3])
def test_a_real_ctrl_c_leaves_nothing(large, tmp_path, late):
    file, citizens = large
    out = tmp_path / "out"
    going = subprocess_of(
        f"generic={file}", "--citizens", citizens, "--out", out, preexec_fn=listen_to_ctrl_c
    )
    wait_for(lambda: out.exists() and list(out.glob(".simcheck-*")))
    time.sleep(late)
    assert going.poll() is None
    going.send_signal(signal.SIGINT)
    printed, err = going.communicate(timeout=60)
    assert going.returncode == 130
    assert printed == b""
    assert err.count(b"\n") == 1
    assert b"Traceback" not in err
    assert not out.exists()


def test_a_terminal_shows_how_fast_and_how_long(large, tmp_path):
    file, citizens = large
    ours, theirs = pty.openpty()
    going = subprocess_of(f"generic={file}", "--citizens", citizens, "--out", tmp_path / "out", stderr=theirs,
                          stdout=subprocess.DEVNULL)  # fmt: skip
    os.close(theirs)
    shown = b""
    while going.poll() is None or select.select([ours], [], [], 0.1)[0]:
        try:
            if select.select([ours], [], [], 0.1)[0]:
                shown += os.read(ours, 1 << 16)
        except OSError:  # the other side is closed
            break
    os.close(ours)
    assert going.wait(60) == 0
    text = shown.decode()
    assert "Checking subscriptions" in text
    assert "%" in text
    assert "rows/s" in text
    assert "Traceback" not in text


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))


def test_a_file_that_may_not_grow_leaves_nothing(large, tmp_path):
    file, citizens = large
    out = tmp_path / "out"
    going = subprocess_of(f"generic={file}", "--citizens", citizens, "--out", out, preexec_fn=limit_file_size)
    printed, err = going.communicate(timeout=120)
    assert_one_line((going.returncode, printed.decode(), err.decode()), str(out))
    assert not out.exists()


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount(folder, "size=64k"):
        pytest.skip("mounting a small file system takes root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("deep", [pytest.param(".", marks=pytest.mark.slow), "out"])
def test_a_disk_that_fills_up_leaves_nothing(large, small_disk, deep):
    file, citizens = large
    out = small_disk / deep
    going = subprocess_of(f"generic={file}", "--citizens", citizens, "--out", out)
    printed, err = going.communicate(timeout=120)
    assert_one_line((going.returncode, printed.decode(), err.decode()), str(out), "disk is full")
    assert list(small_disk.iterdir()) == []
