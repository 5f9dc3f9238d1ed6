from __future__ import annotations

import os
import signal
import subprocess
import sys

import httpx
import pytest

from simcheck.lake.files import Store
from simcheck.privacy import Keyring
from simcheck.register.sealed import SealedRegister
from simcheck.register.wire import PATH
from tests.building import citizen, register

AN = citizen(1, "Trần An")


@pytest.fixture
def home(tmp_path):
    Keyring.make().save(tmp_path / "home" / "keys.json")
    return tmp_path / "home"


def command(home, *words: object) -> list[str]:
    return [sys.executable, "-m", "simcheck.cli", "register", *map(str, words), "--home", str(home)]


def run(home, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(home, *words), capture_output=True, text=True, check=False)


def test_import_then_twin(home, tmp_path):
    """The two commands as a person gives them, in processes of their own."""
    done = run(home, "import", register(tmp_path / "r.csv", [AN]), "--buckets", 4)
    assert done.returncode == 0, done.stderr
    sealed = SealedRegister.newest(Store(home / "lake"), Keyring.load(home / "keys.json"))
    assert (sealed.rows, sealed.buckets) == (1, 4)
    assert done.stdout == f"{sealed.name}: 1 citizens in 4 buckets, SHA-256 {sealed.digest}\n"
    with subprocess.Popen(command(home, "twin"), stdout=subprocess.PIPE, text=True) as twin:
        url = twin.stdout.readline().split()[0]
        reply = httpx.post(url + PATH, json={"numbers": [AN.id_number]}, trust_env=False)
        os.kill(twin.pid, signal.SIGINT)
        assert twin.wait(10) == 130
    assert reply.json()["full_name"] == ["Trần An"]


def test_what_a_person_can_mend_is_one_line(home, tmp_path):
    good = register(tmp_path / "r.csv", [AN])
    for words, says in [
        (("import", tmp_path / "none.csv"), "no such file"),
        (("import", good, "--keys", tmp_path / "none.json"), "simcheck keys make"),
        (("twin",), "simcheck register import"),
        (("twin", "--key", tmp_path / "x.pem"), "--authority"),
    ]:
        if "--key" in words:
            assert run(home, "import", good, "--quiet").stdout == ""
        done = run(home, *words)
        assert done.returncode == 2
        assert says in done.stderr
        assert done.stderr.startswith("simcheck: ")
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""
