from __future__ import annotations

from simcheck.register.breaker import Breaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def broken(clock: Clock, failures: int = 3) -> Breaker:
    breaker = Breaker(failures, 10.0, clock)
    for _ in range(failures):
        assert breaker.allows()
        breaker.failed()
    return breaker


def test_it_opens_after_failures_in_a_row_and_closes_when_one_succeeds():
    clock = Clock()
    breaker = broken(clock)
    assert breaker.open
    assert not breaker.allows()
    clock.now += 9.9
    assert not breaker.allows()
    clock.now += 0.1
    assert breaker.allows()
    breaker.succeeded()
    assert not breaker.open
    assert all(breaker.allows() for _ in range(5))


def test_one_alone_is_let_through_after_the_pause():
    clock = Clock()
    breaker = broken(clock)
    clock.now += 10
    assert [breaker.allows() for _ in range(4)] == [True, False, False, False]
    breaker.failed()
    clock.now += 9
    assert not breaker.allows()
    clock.now += 1
    assert breaker.allows()


def test_one_that_never_tells_how_it_went_does_not_keep_it_open_for_ever():
    clock = Clock()
    breaker = broken(clock)
    clock.now += 10
    assert breaker.allows()
    clock.now += 10
    assert breaker.allows()


def test_failures_between_successes_do_not_add_up():
    breaker = Breaker(2, 10.0, Clock())
    for _ in range(10):
        breaker.failed()
        breaker.succeeded()
    assert breaker.allows()
    assert not breaker.open
