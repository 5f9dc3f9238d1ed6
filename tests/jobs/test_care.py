"""The nightly purge as a job: what it leaves is told in the log."""

from __future__ import annotations

import io
import json

import pytest

from jobs import care
from simcheck import log
from tests.caring import ago

pytestmark = pytest.mark.anyio


async def test_the_nightly_purge_says_what_it_leaves(service, owner):
    said = io.StringIO()
    log.setup(said)
    await care.purge_old(service)
    assert "too old" not in said.getvalue()
    owner.execute(
        "INSERT INTO holder_challenge (id, msisdn_token, number, language, made_at, expires_at)"
        " VALUES (gen_random_uuid(), '', '', 'vi', now(), %s)", [ago(owner, "3 days")],
    )  # fmt: skip
    await care.purge_old(service)
    told = [json.loads(line) for line in said.getvalue().splitlines() if "too old" in line]
    assert [(each["level"], each["count"]) for each in told] == [("error", 1)]
    assert owner.execute("SELECT DISTINCT begun_by FROM purge_run").fetchall() == [("job:care.purge",)]
