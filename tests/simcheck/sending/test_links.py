from __future__ import annotations

import asyncio
import random

import pytest

from simcheck.sending.links import BURST, Health, Lane, Pace, best

pytestmark = pytest.mark.anyio


class Up:
    """A sender that is up."""

    window, whole, up = 10, False, True

    def __init__(self, name: str = "one") -> None:
        self.name = name


def lane(name: str = "one", rate: float = 100) -> Lane:
    return Lane(Up(name), Pace(rate))


async def test_a_pace_is_kept():
    pace, loop = Pace(200), asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(pace.turn() for _ in range(60)))
    assert loop.time() - began >= 59 / 200 - BURST - 0.001


def rate_after(share: float, seconds: float, rate: float = 1000.0) -> float:
    """The rate that a pace comes to when so many answers are throttled, at random."""
    pace, chance, now = Pace(rate), random.Random(3), 0.0
    while now < seconds:
        now += 1 / pace.rate
        pace.answered(now, throttled=chance.random() < share)
    return pace.rate


def test_few_random_ones_cost_nothing_and_many_are_obeyed():
    assert rate_after(0.05, 20) > 900
    assert rate_after(1, 10) < 2
    assert rate_after(0, 10) == 1000


def test_a_limit_of_the_other_side_is_found():
    """It takes 300 a second and throttles the rest."""
    pace, now, taken, allowed = Pace(1000), 0.0, 0, 0.0
    for _ in range(20_000):
        step = 1 / pace.rate
        now, allowed = now + step, min(30.0, allowed + 300 * step)
        throttled = allowed < 1
        allowed -= not throttled
        taken += not throttled
        pace.answered(now, throttled=throttled)
    assert taken / now > 250
    assert pace.rate < 450


def test_a_slow_pace_recovers():
    pace, now = Pace(1000), 0.0
    pace.rate = 1.0
    while pace.rate < 1000 and now < 60:
        now += 1 / pace.rate
        pace.answered(now, throttled=False)
    assert now < 10


def test_a_link_that_fails_rests_longer_and_longer_and_is_tried_with_one():
    health, now, rests = Health(), 0.0, []
    for _ in range(3):
        while health.usable(now):
            health.began()
            health.answered(now, None)
        began = now
        while not health.usable(now):
            now += 0.1
        rests.append(round(now - began))
    assert rests == [1, 2, 4]
    health.began()
    assert not health.usable(now)  # one at a time
    health.answered(now, 0.1)
    assert health.usable(now)
    assert not health.broken


def test_a_few_failures_do_not_break_a_link_off():
    health, chance = Health(), random.Random(4)
    for now in range(5000):
        health.began()
        health.answered(now, None if chance.random() < 0.1 else 0.05)
    assert not health.broken


def test_the_quicker_link_is_chosen():
    fast, slow = lane("fast", 1000), lane("slow", 10)
    assert best([slow, fast], 0) is fast
    for _ in range(2000):
        fast.put("message")
    assert best([slow, fast], 0) is slow
    assert best([slow, fast], 0, but=slow) is fast
    slow.sender.up = False
    assert best([slow], 0) is None
    late, quick = lane("late"), lane("quick")
    late.health.answered(0, 10.0)
    assert best([late, quick], 0) is quick
    failing, sound = lane("failing"), lane("sound")
    failing.health.answered(0, None)
    assert best([failing, sound], 0) is sound


def test_little_is_in_hand():
    one = lane(rate=1000)
    assert one.room(0) == 2 * Up.window
    assert lane(rate=0.5).room(0) == 1
    one.put("message")
    assert one.room(0) == 2 * Up.window - 1
    while not one.health.broken:
        one.health.answered(0, None)
    assert one.room(0) == 0
    one.queue.clear()
    assert one.room(100) == 1
