from __future__ import annotations

import asyncio
import io
import sys

import pyotp
import pytest

from simcheck.access.roles import Role
from simcheck.enforcement.policy import shipped
from tests import clocking
from tests.desking import PASSWORD, account

pytestmark = pytest.mark.anyio


def test_a_document_is_checked_without_a_database(command, tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text(shipped())
    code, out, _ = command("policy", "check", file)
    assert (code, out.endswith("9 tracks, 21 steps, all right\n")) == (0, True)
    assert command("policy", "show", "--shipped")[1] == shipped()
    file.write_text(shipped().replace("after = 15", "after = 0").replace('unit = "hours"', 'unit = "moons"'))
    code, _, error = command("policy", "check", file)
    assert code == 2
    assert error.count("line ") == len(error.splitlines()) >= 3
    assert command("policy", "check", tmp_path / "none")[0] == 2


async def test_a_draft_needs_a_person_and_their_code(command, service, owner, monkeypatch):
    name = await account(service, Role.SUPERVISOR)
    reviewer = await account(service, Role.REVIEWER)
    secret = pyotp.random_base32()
    from simcheck.access.models import Account

    for each in (name, reviewer):
        sealed = service.keyring.seal(secret.encode(), Account.place("totp_secret", each))
        owner.execute(
            "UPDATE person SET totp_secret = %s, must_change = false WHERE username = %s", [sealed, each]
        )

    def run(*words, typed=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        return command("policy", *words)

    code, out, error = await asyncio.to_thread(run, "add")
    assert (code, error) == (0, ""), error
    right = f"{PASSWORD}\n{pyotp.TOTP(secret).now()}\n"
    for who, typed in ((name, f"{PASSWORD}\n000000\n"), (name, "x\n000000\n"), (reviewer, right)):
        assert (await asyncio.to_thread(run, "approve", "2026.11.1", "--as", who, typed=typed))[0] == 2
    code, out, error = await asyncio.to_thread(run, "approve", "2026.11.1", "--as", name, typed=right)
    assert (code, out) == (0, "2026.11.1 is approved\n"), error
    assert "* 2026.11.1" in (await asyncio.to_thread(run, "show"))[1]
    assert (await asyncio.to_thread(run, "withdraw", "2026.11.1"))[0] == 2


async def test_a_simulation_and_its_file(command, service, owner, tmp_path):
    from tests.reviewing import one_case

    one_case(owner, acts="holder", state="with_holder")
    assert "No policy is in force" in (await asyncio.to_thread(command, "policy", "simulate"))[2]
    await clocking.in_force(service)
    file = tmp_path / "due.csv"
    code, out, error = await asyncio.to_thread(
        command, "policy", "simulate", "--from", "2026-11-27", "--out", file
    )
    assert (code, error) == (0, "")
    assert "1 clocks (1 not started yet)" in out
    assert file.read_text().splitlines() == [
        "day,carrier,province,step,orders", "2026-12-03,viettel,,one_way,1", "2027-02-02,viettel,,two_way,1",
        "2027-02-08,viettel,,terminate,1",
    ]  # fmt: skip
    assert (await asyncio.to_thread(command, "policy", "simulate", "--from", "tomorrow"))[0] == 2
    (tmp_path / "mild.toml").write_text(shipped().replace("after = 5\n", "after = 9\n"))
    asked = ("policy", "simulate", "--file", tmp_path / "mild.toml", "--carrier", "viettel", "--days", "30")
    assert (await asyncio.to_thread(command, *asked))[0] == 0
