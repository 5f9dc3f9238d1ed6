from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.review.agreement import kappa, of, one_against_rest

CHOICES = ("close", "suspend", "same_person", "ask_holder")
PAIRS = st.dictionaries(
    st.tuples(st.sampled_from(CHOICES), st.sampled_from(CHOICES)), st.integers(0, 50), max_size=16
)


def by_hand(pairs):
    """Kappa from the list of judgements one by one, as the definition reads."""
    each = [pair for pair, count in pairs.items() for _ in range(count)]
    if not each:
        return None
    observed = sum(one == other for one, other in each) / len(each)
    first, second = (Counter(pair[side] for pair in each) for side in (0, 1))
    expected = sum(first[name] / len(each) * second[name] / len(each) for name in CHOICES)
    return None if len(set(first) | set(second)) == 1 else (observed - expected) / (1 - expected)


def test_the_figures_of_two_readers_by_hand():
    """50 files: both keep 20, both drop 15, they differ over 15. 0.7 observed, 0.5 by chance."""
    pairs = {("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15}
    assert kappa(pairs) == pytest.approx(0.4)
    figures = of("x", pairs)
    assert (figures.judged, figures.agreed, figures.raw) == (50, 35, 0.7)


@given(PAIRS)
def test_kappa_is_what_its_definition_says(pairs):
    found, wanted = kappa(pairs), by_hand(pairs)
    assert found == (None if wanted is None else pytest.approx(wanted, abs=1e-9))


@given(PAIRS)
def test_kappa_knows_neither_first_nor_second_nor_how_many(pairs):
    swapped = {(other, one): count for (one, other), count in pairs.items()}
    assert kappa(pairs) == kappa(swapped)
    assert kappa({pair: 7 * count for pair, count in pairs.items()}) == (
        None if kappa(pairs) is None else pytest.approx(kappa(pairs))
    )


@given(PAIRS)
def test_kappa_is_one_only_where_all_agree_and_none_where_nothing_can_be_told(pairs):
    found, told = kappa(pairs), {pair for pair, count in pairs.items() if count}
    assert found is None or -1 <= found <= 1
    if found == 1:
        assert all(one == other for one, other in told)
    if found is None:
        assert len({name for pair in told for name in pair}) <= 1


@given(PAIRS, st.sampled_from(CHOICES))
def test_one_decision_against_the_rest_loses_no_judgement(pairs, decision):
    folded = one_against_rest(decision, pairs)
    assert sum(folded.values()) == sum(pairs.values())
    assert folded.get((decision, decision), 0) == pairs.get((decision, decision), 0)
    assert set().union(*folded) <= {decision, ""}
