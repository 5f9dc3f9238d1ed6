from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PASSING = """
from simcheck import faults
faults.arm({setting!r})
for _ in range(3):
    faults.point("a")
    faults.point("b c")
"""


def run(setting: str | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PASSING.format(setting=setting)], check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize("setting", [None, "c", "a#4"])
def test_nothing_happens_at_points_that_are_not_meant(setting):
    assert run(setting).returncode == 0


@pytest.mark.parametrize("setting", ["a", "b c", "b c#3"])
def test_the_process_is_killed_at_the_passing_that_is_meant(setting, tmp_path):
    assert run(setting).returncode == -signal.SIGKILL


def test_points_are_written_down(tmp_path):
    file = tmp_path / "points"
    assert run(f"record:{file}").returncode == 0
    assert file.read_text().split("\n") == ["a", "b c"] * 3 + [""]
