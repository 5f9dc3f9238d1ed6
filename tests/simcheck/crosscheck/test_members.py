from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.crosscheck.members import Members, Sieve, Tally

# few numbers that repeat, and numbers from everywhere
NUMBERS = st.lists(
    st.one_of(st.integers(0, 9), st.integers(1, 10**12), st.integers(900_000_000, 900_000_050))
)


def column(numbers) -> np.ndarray:
    return np.array(numbers, np.int64)


@given(NUMBERS, NUMBERS)
def test_members_are_a_set(values, asked):
    members = Members(column(values))
    assert members.values.tolist() == sorted(set(values))
    assert members.rows(column(asked)).tolist() == [
        at for at, each in enumerate(asked) if each in set(values)
    ]
    place = {number: at for at, number in enumerate(sorted(set(values)))}
    assert members.places(column(asked)).tolist() == [place.get(each, -1) for each in asked]


def tally(columns, total, least):
    """What comes often in `columns`, as a run asks for it."""
    counted = Tally(total, least)
    for each in columns:
        counted.count(each)
    return counted.frequent(counted.candidates(each) for each in columns)


@given(st.lists(NUMBERS, max_size=5), st.integers(2, 12))
def test_numbers_that_come_often_are_the_counters(columns, least):
    counted = Counter(number for each in columns for number in each if number > 0)
    total = sum(map(len, columns))
    values, counts = tally([column(each) for each in columns], total, least)
    often = sorted((number, count) for number, count in counted.items() if count >= least)
    assert list(zip(values.tolist(), counts.tolist(), strict=True)) == often


@pytest.mark.parametrize("count", [254, 255, 256, 300, 70_000])
def test_a_number_that_comes_more_often_than_a_counter_holds(count):
    numbers = column([7] * count + [8] * 254)
    values, counts = tally([numbers], len(numbers), 255)
    assert (values.tolist(), counts.tolist()) == (([7], [count]) if count >= 255 else ([], []))
    values, counts = tally([numbers], len(numbers), 2)
    assert (values.tolist(), counts.tolist()) == ([7, 8], [count, 254])


def test_a_hundred_thousand_numbers():
    chance = np.random.default_rng(3)
    numbers = chance.integers(900_000_000, 900_060_000, 200_000)
    counted = Counter(numbers.tolist())
    values, counts = tally(np.array_split(numbers, 7), len(numbers), 4)
    assert values.tolist() == sorted(each for each, count in counted.items() if count >= 4)
    assert counts.tolist() == [counted[each] for each in values.tolist()]
    half = Members(numbers[:50_000])
    inside = np.isin(numbers, numbers[:50_000])
    assert (half.rows(numbers) == np.flatnonzero(inside)).all()


def test_nothing_at_all():
    empty = column([])
    assert Members(empty).rows(column([1, 2])).tolist() == []
    assert Members(column([1])).rows(empty).tolist() == []
    assert [each.tolist() for each in tally([], 0, 2)] == [[], []]


@given(NUMBERS, NUMBERS)
def test_a_sieve_holds_all_that_was_added_and_an_empty_one_nothing(values, asked):
    sieve = Sieve(len(values))
    sieve.add(column(values))
    assert sieve.holds(column(values)).tolist() == [each > 0 for each in values]
    empty = Sieve(1)
    assert not empty.holds(column(asked)).any()


@given(st.lists(NUMBERS, max_size=4), st.integers(2, 5))
def test_rows_that_may_be_frequent_hold_all_that_are(columns, least):
    counted = Tally(1, least)
    for each in columns:
        counted.count(column(each))
    often = Counter(number for each in columns for number in each if number > 0)
    for each in columns:
        rows = counted.rows(column(each)).tolist()
        assert {at for at, number in enumerate(each) if often[number] >= least} <= set(rows)
        assert counted.candidates(column(each)).tolist() == [each[at] for at in rows]
