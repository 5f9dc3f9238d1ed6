from __future__ import annotations

import io
import sys


def test_the_first_administrator_and_what_becomes_of_an_account(command, owner):
    code, out, err = command(
        "people", "add", "an.nguyen", "--name", "Nguyễn Văn An", "--role", "administrator"
    )
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split() == ["username", "an.nguyen"]
    assert len(out.splitlines()[1].split()[1]) == 19
    assert command("people", "add", "m", "--name", "M", "--role", "manager", "--carrier", "viettel")[0] == 2
    assert command("people", "add", "mm", "--name", "M", "--role", "manager", "--carrier", "viettel")[0] == 0
    assert "last administrator" in command("people", "roles", "an.nguyen", "supervisor", "reviewer")[2]
    assert command("people", "add", "binh", "--name", "B", "--role", "administrator")[0] == 0
    assert command("people", "roles", "an.nguyen", "supervisor", "reviewer")[0] == 0
    assert command("people", "disable", "mm") == (0, "mm is disabled\n", "")
    assert command("people", "list")[1].splitlines() == [
        "an.nguyen  -  reviewer supervisor  local",
        "binh  -  administrator  local",
        "mm  viettel  manager  disabled",
    ]
    assert command("people", "enable", "mm")[0] == 0
    assert command("people", "list", "--carrier", "viettel")[1] == "mm  viettel  manager  local\n"
    again = command("people", "reset", "an.nguyen")[1]
    assert again.splitlines()[1] != out.splitlines()[1]
    acts = owner.execute("SELECT act, actor FROM audit ORDER BY at, seq").fetchall()
    assert {actor for _, actor in acts} == {"operator"}
    assert [act for act, _ in acts] == [
        "person.added", "person.added", "person.added", "person.roles_changed", "person.disabled",
        "person.enabled", "person.reset",
    ]  # fmt: skip


def test_a_password_out_of_a_pipe_is_not_printed(command, owner, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("một câu dài dễ nhớ\n"))
    code, out, _ = command("people", "add", "an", "--name", "An", "--role", "auditor", "--ask")
    assert (code, out) == (0, "username  an\n")
    assert owner.execute("SELECT must_change FROM person").fetchone() == (False,)
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    assert command("people", "reset", "an", "--ask")[0] == 2


def test_an_account_of_the_provider(command):
    code, out, _ = command(
        "people", "add", "an", "--name", "An", "--role", "auditor", "--provider", "an@ministry.vn"
    )
    assert (code, out) == (0, "username  an\n")
    assert command("people", "list")[1] == "an  -  auditor  oidc\n"


def test_what_is_refused_is_one_clear_line(command):
    for words, named in (
        (("people", "add", "an", "--name", "An", "--role", "king"), "king"),
        (("people", "add", "an", "--name", "An", "--role", "manager"), "manager"),
        (("people", "add", "an", "--name", "An", "--role", "manager", "--carrier", "nobody"), "nobody"),
        (("people", "add", "0912345678", "--name", "An", "--role", "auditor"), "user name"),
        (("people", "disable", "nobody"), "nobody"),
        (("people", "roles", "nobody", "auditor"), "nobody"),
    ):
        code, out, err = command(*words)
        assert (code, out, err.count("\n")) == (2, "", 1), words
        assert named in err
