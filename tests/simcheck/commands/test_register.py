from __future__ import annotations

import os
import signal
import subprocess
import sys

import httpx

from simcheck.register.wire import PATH
from tests.building import citizen, register

AN = citizen(1, "Trần An")


def process(*words: object) -> list[str]:
    return [sys.executable, "-m", "simcheck.cli", "register", *map(str, words)]


def test_import_then_twin(command, environment, owner, tmp_path):
    """The newer register answers, in a process of its own."""
    for name in ("Lê Bình", "Trần An"):
        path = register(tmp_path / f"{name}.csv", [citizen(1, name)])
        code, said, error = command("register", "import", path, "--buckets", 4)
        assert code == 0, error
    states = (
        "SELECT state, path, rows, buckets, encode(digest, 'hex') FROM register_snapshot ORDER BY imported_at"
    )
    retired, current = owner.execute(states).fetchall()
    assert (retired[0], current[0]) == ("retired", "current")
    assert said == f"{current[1]}: 1 citizens in 4 buckets, SHA-256 {current[4]}\n"
    with subprocess.Popen(process("twin"), env=environment, stdout=subprocess.PIPE, text=True) as twin:
        try:
            url = twin.stdout.readline().split()[0]
            reply = httpx.post(url + PATH, json={"numbers": [AN.id_number]}, trust_env=False, timeout=60)
            os.kill(twin.pid, signal.SIGINT)
            assert twin.wait(60) == 130
        finally:
            twin.kill()
    assert reply.json()["full_name"] == ["Trần An"]


def test_a_register_that_is_refused_leaves_the_one_before(command, owner, tmp_path):
    good, twice = register(tmp_path / "r.csv", [AN]), register(tmp_path / "twice.csv", [AN, AN])
    assert command("register", "import", good, "--quiet")[0] == 0
    assert command("register", "import", twice)[0] == 2
    assert owner.execute("SELECT state, rows FROM register_snapshot ORDER BY imported_at").fetchall() == [
        ("current", 1),
        ("purged", None),
    ]


def test_what_a_person_can_mend_is_one_line(command, tmp_path):
    good = register(tmp_path / "r.csv", [AN])
    for words, says in [
        (("import", tmp_path / "none.csv"), "no such file"),
        (("import", good, "--keys", tmp_path / "none.json"), "simcheck keys make"),
        (("twin",), "simcheck register import"),
        (("twin", "--key", tmp_path / "x.pem"), "--authority"),
    ]:
        if "--key" in words:
            assert command("register", "import", good, "--quiet") == (0, "", "")
        code, said, error = command("register", *words)
        assert (code, said) == (2, "")
        assert says in error
        assert error.startswith("simcheck: ")
        assert error.count("\n") == 1
