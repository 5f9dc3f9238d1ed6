"""The Dockerfile's steps as plain commands: what the image holds runs as a user of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
USER = 10001  # of the image


def steps() -> list[list[str]]:
    """The Dockerfile's instructions, a list a stage."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text("utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    stages: list[list[str]] = []
    for line in lines:
        if line.startswith("FROM "):
            stages.append([])
        else:
            stages[-1].append(line)
    return stages


def may_become_another() -> bool:
    """Whether this test may run as the image's user, and that user could use this machine's Python."""
    python = Path(sys.executable).resolve()
    return os.getuid() == 0 and all(folder.stat().st_mode & 0o001 for folder in python.parents)


def test_the_steps_of_the_image(tmp_path_factory):
    root = Path("/var/tmp") / tmp_path_factory.mktemp("image").name
    shutil.rmtree(root, ignore_errors=True)
    places = {"/opt/simcheck": root / "opt", "/var/cache/simcheck": root / "cache"}
    source = root / "src"
    source.mkdir(parents=True)
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}

    def placed(words: str) -> str:
        for there, here in places.items():
            words = words.replace(there, str(here))
        return words

    try:
        for step in steps()[0]:
            verb, _, rest = step.partition(" ")
            if verb == "COPY":
                *names, target = rest.split()
                for name in names:
                    here = ROOT / name
                    if here.is_dir():
                        shutil.copytree(here, source / target, ignore=shutil.ignore_patterns("__pycache__"))
                    else:
                        shutil.copy2(here, source / target)
            elif verb == "ENV":
                name, _, value = rest.partition("=")
                environment[name] = placed(value)
            elif verb == "RUN":
                subprocess.run(["bash", "-ec", placed(rest)], cwd=source, env=environment, check=True)
        as_user = {"user": USER, "group": USER, "extra_groups": []} if may_become_another() else {}
        home = root / "home"
        home.mkdir()
        for path in (home, root / "cache", *(root / "cache").rglob("*")) if as_user else ():
            os.chown(path, USER, USER)
        command = root / "opt" / "bin" / "simcheck"
        done = subprocess.run(
            [command, "keys", "make"], env={**environment, "SIMCHECK_HOME": str(home)}, cwd=home,
            capture_output=True, text=True, check=False, **as_user,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert (home / "keys.json").stat().st_mode & 0o077 == 0
        assert any((root / "cache").rglob("*.nbc"))
    finally:
        shutil.rmtree(root, ignore_errors=True)
