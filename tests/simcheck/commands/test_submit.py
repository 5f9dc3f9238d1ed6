from __future__ import annotations

import json
import subprocess
import sys

import httpx
import psycopg
import pytest

from simcheck.commands import submit
from simcheck.commands.submit import Sender, SubmitError
from simcheck.errors import UnavailableError
from tests.uploading import subscriptions

FILE = subscriptions(0, 40) * 50


@pytest.fixture
def simcheck(environment, tmp_path):
    def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        surroundings = environment | {"XDG_STATE_HOME": str(tmp_path / "state")} | more
        return subprocess.run(
            [sys.executable, "-m", "simcheck.cli", *words],
            env=surroundings, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    return run


@pytest.fixture
def secret(command) -> str:
    code, said, error = command("clients", "add", "generic-upload", "--carrier", "generic")
    assert (code, error) == (0, "")
    return said.split()[3]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "thue-bao.csv"
    path.write_bytes(FILE)
    return path


class Line(httpx.BaseTransport):
    """A line to the service on which the first `faults` pieces break off, half of them after they arrived."""

    def __init__(self, faults: int) -> None:
        self._line, self.faults, self.pieces = httpx.HTTPTransport(), faults, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            self.pieces += 1
            if self.pieces <= self.faults:
                if self.pieces % 2:
                    self._line.handle_request(request).read()
                raise httpx.ReadError("broken")
        return self._line.handle_request(request)


@pytest.fixture
def sender(served, secret, tmp_path, monkeypatch):
    monkeypatch.setattr(submit, "CHUNK_BYTES", 10_000)
    monkeypatch.setattr(submit, "POLL", 0.01)

    def make(faults: int = 0) -> Sender:
        http = httpx.Client(base_url=served, transport=Line(faults))
        return Sender(http, "generic-upload", secret, memory=tmp_path / "memory.json")

    return make


def test_a_line_that_breaks_again_and_again(sender, file):
    talking = sender(5)
    batch = talking.get(talking.send(file, "snapshot"))
    assert (batch["bytes"], batch["file_name"], batch["kind"]) == (len(FILE), "thue-bao.csv", "snapshot")


def test_a_call_that_was_broken_off_is_gone_on_with(sender, file, tmp_path, monkeypatch):
    first = sender()

    def killed(*_):
        if _[1] > 20_000:
            raise KeyboardInterrupt

    first._report = lambda phase, *more: killed(phase, *more) if phase == "send" else None
    with pytest.raises(KeyboardInterrupt):
        first.send(file, "snapshot")
    assert len(json.loads((tmp_path / "memory.json").read_text())) == 1
    second, begun = sender(), []
    second._report = lambda phase, done, *_: begun.append(done) if phase == "send" else None
    second.send(file, "snapshot")
    assert begun[0] >= 20_000
    assert json.loads((tmp_path / "memory.json").read_text()) == {}
    again = sender()
    again.send(file, "snapshot")  # the same file once more is the same batch
    assert len(again._ask("GET", "/v1/batches").json()["batches"]) == 1


def test_an_upload_that_expired_begins_anew(sender, file, owner, tmp_path):
    first = sender()
    first._report = lambda phase, done, *_: (
        (_ for _ in ()).throw(KeyboardInterrupt) if done > 20_000 else None
    )
    with pytest.raises(KeyboardInterrupt):
        first.send(file, "snapshot")
    owner.execute("UPDATE upload SET expires_at = now() - interval '1 hour'")
    second = sender()
    assert second.get(second.send(file, "snapshot"))["bytes"] == len(FILE)


def test_what_is_refused_and_who_does_not_answer(sender, file, tmp_path, monkeypatch, secret, served):
    wrong = Sender(httpx.Client(base_url=served), "generic-upload", "wrong", memory=tmp_path / "none")
    with pytest.raises(SubmitError, match="does not know this client"):
        wrong.send(file, "snapshot")
    monkeypatch.setattr(submit, "MOST_TRIES", 2)
    monkeypatch.setattr(submit, "LONGEST_WAIT", 0.01)
    away = Sender(httpx.Client(base_url="http://127.0.0.1:9"), "x", "x", memory=tmp_path / "none")
    with pytest.raises(UnavailableError, match="does not answer"):
        away.send(file, "snapshot")


def test_the_command(simcheck, served, secret, file, database_url, environment, tmp_path):
    words = ("submit", f"generic={file}", "--url", served, "--client", "generic-upload")
    sent = simcheck(*words, "--no-wait", SIMCHECK_CLIENT_SECRET=secret)
    assert sent.returncode == 0, sent.stderr
    assert "received" in sent.stdout
    assert secret not in sent.stdout + sent.stderr
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE batch SET state = 'done', done_at = now(), rows = 2000")
    words = ("submit", f"generic={file}", f"generic={empty}", "--url", served, "--client", "generic-upload")
    command = [sys.executable, "-m", "simcheck.cli", "worker"]
    working = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    ended = simcheck(*words, SIMCHECK_CLIENT_SECRET=secret)
    working.terminate()
    working.wait(30)
    assert ended.returncode == 1, ended.stderr
    assert "done" in ended.stdout
    assert "2,000" in ended.stdout
    assert "The file is empty" in ended.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("generic=nowhere.csv", "--client", "x"), "no such file"),
        (("nobody=x.csv", "--client", "x"), "There is no carrier nobody"),
        (("x.csv", "--client", "x"), "write CODE=FILE"),
    ],
)
def test_words_that_cannot_be_used(command, monkeypatch, words, said):
    assert "SIMCHECK_CLIENT_SECRET" in command("submit", *words)[2]
    monkeypatch.setenv("SIMCHECK_CLIENT_SECRET", "x")
    code, _, error = command("submit", *words)
    assert code == 2
    assert said in error
