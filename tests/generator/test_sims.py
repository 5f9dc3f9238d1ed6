from __future__ import annotations

from datetime import date

import numpy as np
import phonenumbers
import pytest

from generator import people, sims
from simcheck.errors import UsageError

TODAY = date(2026, 7, 1)


def test_numbers_are_unique_and_spread_as_the_market_is() -> None:
    total = 400_000
    number, operator = sims.numbers(9, total, np.arange(total))
    assert len(np.unique(number)) == total
    share = np.bincount(operator) / total
    assert share == pytest.approx(list(sims.raw()["share"].values()), abs=0.002)


def test_numbers_are_mobile_numbers_for_others_too() -> None:
    number, _ = sims.numbers(9, 50_000_000, np.arange(0, 50_000_000, 25_000))
    for one in number:
        parsed = phonenumbers.parse(f"+84{one}")
        assert phonenumbers.is_valid_number(parsed), one
        assert phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE


def test_more_subscriptions_than_numbers_are_refused() -> None:
    sims.plan(130_000_000)
    with pytest.raises(UsageError, match="more mobile numbers"):
        sims.plan(400_000_000)


def test_a_prefix_does_not_decide_the_carrier() -> None:
    carriers = ["viettel", "vinaphone", "gmobile"]
    operator = np.repeat([list(sims.raw()["share"]).index(code) for code in carriers], 20_000)
    served = sims.serving(operator, carriers, np.random.default_rng(1).random(60_000)).reshape(3, -1)
    assert (served[0] == 0).mean() == pytest.approx(1 - 0.04 * (1 - 0.544 / 0.755), abs=0.005)
    assert (served[1] == 0).any()
    assert (served[2] == 2).all()  # its numbers cannot be ported


def test_numbers_of_absent_operators_go_to_those_present() -> None:
    operator = np.arange(10).repeat(100)
    assert set(sims.serving(operator, ["generic"], np.linspace(0, 0.999, 1000))) == {0}


def test_blocks_share_out_all_subscriptions() -> None:
    citizens, total = 3 * people.BLOCK + 17, 1_000_003
    blocks = [sims.share_of_block(total, citizens, block) for block in range(4)]
    assert sum(count for _, count in blocks) == total
    assert [first for first, _ in blocks] == [0, *np.cumsum([count for _, count in blocks])[:-1]]


def test_people_hold_few_numbers_and_a_few_hold_very_many() -> None:
    block = people.citizens(3, 0, people.BLOCK, TODAY)
    age = people.age_on(TODAY, block.year, block.month, block.day)
    held = np.bincount(sims.holders(3, 0, block, age, 160_000), minlength=len(block))
    assert held.sum() == 160_000
    assert 0.5 < (held[age >= 18] == 1).sum() / (held[age >= 18] > 0).sum() < 0.8
    assert (held >= 10).sum() > 20
    assert held.max() > 100
    assert held[age < 6].sum() / 160_000 < 0.002
    assert held[block.status == people.DECEASED].sum() > 0
