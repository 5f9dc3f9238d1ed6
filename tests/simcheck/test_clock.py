from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from simcheck import clock


def test_now_is_in_utc():
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.now().tzinfo is UTC


def test_a_test_can_say_what_time_it_is():
    hanoi = timezone(timedelta(hours=7))
    with clock.fixed(datetime(2026, 11, 23, 7, tzinfo=hanoi)):
        assert clock.now() == datetime(2026, 11, 23, tzinfo=UTC)
    assert clock.now() > datetime(2026, 11, 23, tzinfo=UTC)


def test_a_moment_needs_its_zone():
    with pytest.raises(ValueError, match="time zone"), clock.fixed(datetime(2026, 11, 23)):
        pass
