"""A server or a worker is killed (SIGKILL) at a fault point anywhere between a file's arrival and its cases.

Both are started again, the client sends again what it got no answer to, and the end is that of an undisturbed
run. Real processes over a real database; `tests/jobs/test_killed.py` goes through a run's steps more finely.
"""

from __future__ import annotations

import pytest

from tests.living import Country, running

# Whom to kill, and where: the point, and at its how-manieth passing.
POINTS = [
    ("serve", "client before"), ("serve", "client after"),
    ("serve", "lake before#1"), ("serve", "lake after#2"),
    ("worker", "job:uploads.load before#1"), ("worker", "job:runs.start before#2"),
    ("worker", "job:uploads.load after#2"), ("worker", "job:runs.start after#2"),
    ("worker", "job:runs.check before#2"),
    ("worker", "job:runs.check after#3"), ("worker", "job:runs.publish before#2"),
    ("worker", "job:runs.publish after#2"),
    ("worker", "lake before#3"), ("worker", "lake after#7"), ("worker", "job:feedback.make before#1"),
]  # fmt: skip


def compare(environment, made, undisturbed, victim, fault) -> None:
    killed = False
    with running(Country(environment)) as country:

        def revive() -> None:
            nonlocal killed
            killed |= country.revive()

        country.found(made)
        for what in ("serve", "worker"):
            country.start(what, fault if what == victim else None)
        country.send_all(made, revive)
        assert killed, "nobody passed the fault point"
        assert country.ends() == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize(("victim", "fault"), POINTS)
def test_killed_anywhere(environment, made, undisturbed, victim, fault):
    compare(environment, made, undisturbed, victim, fault)
