"""Whatever the published interface lets a client say, no answer is a server error (schemathesis)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.subscribed import register

pytestmark = pytest.mark.anyio

EXAMPLES = 6  # of each operation, beside those that the schema's own edges give


@pytest.mark.slow
@pytest.mark.parametrize("carrier", ["viettel", None])
async def test_nothing_that_is_said_makes_the_server_fail(served, owner, token_of, tmp_path, carrier):
    """A carrier's client and a relying service, each with all its scopes."""
    register(owner)
    header = await token_of(carrier)
    done = subprocess.run(
        [Path(sys.executable).with_name("st"), "run", f"{served}/openapi.json",
         "--header", f"Authorization: {header['Authorization']}", "--checks", "not_a_server_error",
         "--max-examples", str(EXAMPLES), "--request-timeout", "20", "--suppress-health-check", "all"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert "passed" in done.stdout
