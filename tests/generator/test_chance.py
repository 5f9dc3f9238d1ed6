from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.chance import pick, pick_by, rank_within, shuffle, stream


@settings(deadline=None, max_examples=40)
@given(size=st.integers(1, 5000), key=st.integers(0, 2**40))
def test_a_shuffle_is_one_to_one_and_can_be_undone(size: int, key: int) -> None:
    values = np.arange(size)
    shuffled = shuffle(values, size, key)
    assert sorted(shuffled) == list(values)
    assert (shuffle(shuffled, size, key, back=True) == values).all()


def test_every_value_may_have_its_own_key() -> None:
    keys = np.array([3, 4, 3, 9])
    together = shuffle(np.array([7, 7, 8, 8]), 1000, keys)
    apart = [int(shuffle(np.array([v]), 1000, int(k))[0]) for v, k in ((7, 3), (7, 4), (8, 3), (8, 9))]
    assert list(together) == apart


def test_a_shuffle_mixes() -> None:
    shuffled = shuffle(np.arange(100_000), 100_000, 5)
    assert abs(np.corrcoef(np.arange(100_000), shuffled)[0, 1]) < 0.02


def test_a_value_outside_the_set_is_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        shuffle(np.array([10]), 10, 1)


def test_streams_repeat_and_differ_by_name_block_and_seed() -> None:
    first = stream(1, 2, "name").random(5)
    assert (first == stream(1, 2, "name").random(5)).all()
    for other in (stream(1, 2, "date"), stream(1, 3, "name"), stream(2, 2, "name")):
        assert (first != other.random(5)).all()
    assert (
        stream(1, 2, "name").random(3) == first[:3]
    ).all()  # a shorter draw is the beginning of a longer one


def test_pick_follows_the_weights() -> None:
    got = np.bincount(pick(stream(0, 0, "p").random(100_000), [1, 0, 3, 6]), minlength=4) / 100_000
    assert got == pytest.approx([0.1, 0, 0.3, 0.6], abs=0.01)
    assert list(pick(np.array([0.0, 0.999999]), [1, 1])) == [0, 1]


def test_pick_by_takes_each_rows_own_weights() -> None:
    weights = np.array([[1.0, 0, 0], [0, 0, 5.0], [1, 1, 2]])
    group = np.repeat([0, 1, 2], 30_000)
    got = pick_by(group, stream(0, 0, "q").random(90_000), weights)
    assert set(got[:30_000]) == {0}
    assert set(got[30_000:60_000]) == {2}
    assert np.bincount(got[60_000:]) / 30_000 == pytest.approx([0.25, 0.25, 0.5], abs=0.02)


@given(st.lists(st.integers(0, 5), max_size=50))
def test_rank_counts_the_equal_ones_before(values: list[int]) -> None:
    expected = [values[:place].count(value) for place, value in enumerate(values)]
    assert list(rank_within(np.array(values, np.int64))) == expected
