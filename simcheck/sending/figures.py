"""What a sender process counts, as Prometheus reads it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

_LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Figures:
    """The figures of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.parts = Counter(
            "simcheck_sending_parts", "Parts by link and what came of them.", ["link", "outcome"],
            registry=self.registry,
        )  # fmt: skip
        self.throttled = Counter(
            "simcheck_sending_throttled", "Answers that asked for fewer parts.", ["link"],
            registry=self.registry,
        )  # fmt: skip
        self.latency = Histogram(
            "simcheck_sending_answer_seconds", "From a submit to its answer.", ["link"],
            buckets=_LATENCIES, registry=self.registry,
        )  # fmt: skip
        self.up = Gauge(
            "simcheck_sending_link_up", "1 while a link takes parts.", ["link"], registry=self.registry
        )
        self.rate = Gauge(
            "simcheck_sending_link_rate", "Parts a second that a link may send now.", ["link"],
            registry=self.registry,
        )  # fmt: skip
        self.due = Gauge(
            "simcheck_sending_oldest_due_seconds", "Age of the oldest message that is due; 0 without one.",
            ["channel"], registry=self.registry,
        )  # fmt: skip
        self.came = Counter(
            "simcheck_sending_came", "Receipts and people's messages that were stored.", ["kind"],
            registry=self.registry,
        )  # fmt: skip

    def serve(self, host: str, port: int) -> None:
        """Tell them to whoever asks, in a thread of its own. Raises `OSError`."""
        start_http_server(port, host, self.registry)
