"""Fault points: places where a test kills this very process, to prove that nothing is lost or done twice.

`SIMCHECK_FAULT=NAME` (or `NAME#3` for the third passing) ends the process there with SIGKILL, as a power cut
would. `SIMCHECK_FAULT=record:FILE` writes the name of every point that is passed into FILE, so that a test
can visit them all. Without the setting a point costs one comparison.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from pathlib import Path

_RECORD = "record:"


class _Faults:
    """What is armed in this process."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.passing = 1
        self.record: Path | None = None
        self._passed: Counter[str] = Counter()
        self._lock = threading.Lock()

    def arm(self, setting: str | None) -> None:
        self.name, self.record = None, None
        if setting and setting.startswith(_RECORD):
            self.record = Path(setting.removeprefix(_RECORD))
        elif setting:
            self.name, _, passing = setting.partition("#")
            self.passing = int(passing or 1)

    def passed(self, name: str) -> None:
        with self._lock:
            self._passed[name] += 1
            if self.record:
                with self.record.open("a", encoding="utf-8") as file:
                    file.write(f"{name}\n")
            elif name == self.name and self._passed[name] == self.passing:
                os.kill(os.getpid(), signal.SIGKILL)


_FAULTS = _Faults()


def arm(setting: str | None) -> None:
    """Take over the setting, at the start of a process."""
    _FAULTS.arm(setting)


def point(name: str) -> None:
    """A place where the process may be killed by a test."""
    if _FAULTS.name is not None or _FAULTS.record is not None:
        _FAULTS.passed(name)
