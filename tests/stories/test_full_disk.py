"""The lake's disk is full in mid-run: nothing half-written is believed, and with room it ends by itself."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.living import Country, answers, running, soon

PAGE = 4096


class SmallDisk:
    """A file system of a few megabytes for the lake, which a limit on the worker's files stands in for
    where none may be mounted."""

    def __init__(self, lake: Path) -> None:
        self.lake = lake
        lake.mkdir(parents=True)
        mounting = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(lake)]
        self.mounted = os.geteuid() == 0 and subprocess.run(mounting, check=False).returncode == 0

    def fill(self, country: Country) -> None:
        """From now on there is room for a key or two, and no more."""
        if self.mounted:
            with (self.lake / "ballast").open("wb", 0) as ballast, contextlib.suppress(OSError):
                while ballast.write(bytes(PAGE)):
                    pass
            os.truncate(self.lake / "ballast", (self.lake / "ballast").stat().st_size - 2 * PAGE)
        else:
            self._limit(country, 1024)

    def free(self, country: Country) -> None:
        """There is room again."""
        if self.mounted:
            (self.lake / "ballast").unlink()
        else:
            self._limit(country, resource.RLIM_INFINITY)

    def end(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.lake)], check=True)

    def _limit(self, country: Country, size: int) -> None:
        worker = country.running["worker"].pid
        _, most = resource.prlimit(worker, resource.RLIMIT_FSIZE)
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (size, most))


@pytest.fixture
def small_disk(tmp_path) -> Iterator[SmallDisk]:
    disk = SmallDisk(tmp_path / "small")
    yield disk
    disk.end()


FAILED = "SELECT count(*) > 3 FROM procrastinate_jobs WHERE status = 'failed' AND task_name LIKE 'runs.%'"


@pytest.mark.slow
def test_the_lakes_disk_is_full(environment, made, undisturbed, small_disk):
    """In the middle of a run: it is not published, nothing half-written is believed, and it goes on later."""
    with running(Country(environment, SIMCHECK_LAKE=str(small_disk.lake))) as country:
        country.found(made)
        country.ask("UPDATE register_snapshot SET state = 'retired'")  # the batch is read, and waits
        country.start("serve")
        country.start("worker")
        soon(answers(country, "/readyz", 200), "the server does not start")
        assert country.send("wintel", made / "wintel.csv")
        country.until(lambda: country.ask("SELECT state FROM batch") == [("checking",)])
        small_disk.fill(country)
        country.ask("UPDATE register_snapshot SET state = 'current'")
        country.until(lambda: country.ask(FAILED) == [(True,)])
        assert country.ask("SELECT state FROM batch") == [("checking",)]
        assert country.ask("SELECT count(*) FROM run WHERE state <> 'checking'") == [(0,)]
        assert country.ask("SELECT count(*) FROM subscription") == [(0,)]
        small_disk.free(country)
        country.send_all(made)
        assert country.ends() == undisturbed
        assert [path for path in small_disk.lake.rglob(".*") if path.is_file()] == [], "a half-written file"
