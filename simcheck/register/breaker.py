"""A circuit breaker: after several failures in a row nobody asks for a while, then one tries again.

A register that is down is not made worse by a country's worth of questions, and a run does not wait for each
of them (Nygard, *Release It!*, 2007).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """Closed while all is well; open for `pause` seconds after `failures` in a row; then it lets one through.

    Safe to share between threads. `clock` gives seconds.
    """

    def __init__(
        self, failures: int = 5, pause: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._failures, self._pause, self._clock = failures, pause, clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._open_until: float | None = None

    @property
    def open(self) -> bool:
        """Whether it is open, or waits for the outcome of the one that it let through."""
        return self._open_until is not None

    def allows(self) -> bool:
        """Whether to ask now. Who is let through tells how it went, by `succeeded` or `failed`; an open
        breaker that does not hear of it lets the next one through after another pause."""
        with self._lock:
            if self._open_until is None:
                return True
            now = self._clock()
            if now < self._open_until:
                return False
            self._open_until = now + self._pause
            return True

    def succeeded(self) -> None:
        """An answer came: the breaker closes."""
        with self._lock:
            self._in_a_row = 0
            self._open_until = None

    def failed(self) -> None:
        """No answer came."""
        with self._lock:
            self._in_a_row += 1
            if self._in_a_row >= self._failures:
                self._open_until = self._clock() + self._pause
