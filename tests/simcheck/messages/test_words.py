from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simcheck.cases.states import CARRIERS_OWN, holders_reasons
from simcheck.matching import rules
from simcheck.messages.words import MASKS, OF, Group, group_of, group_sql, groups_of
from simcheck.reasons import Reason


def test_whatever_a_holder_has_to_hear_of_has_a_group():
    told = holders_reasons(rules.load())
    for reason in Reason:
        if told & reason.mask or reason in CARRIERS_OWN:
            assert reason in OF, reason.name
    assert set(MASKS) == set(Group) - {Group.SEVERAL}


def test_one_notice_for_several_things():
    assert group_of(Reason.NAME_TYPO.mask | Reason.NAME_DIFFERENT.mask) is Group.NAME
    assert group_of(Reason.NAME_TYPO.mask | Reason.DOB_TYPO.mask) is Group.SEVERAL
    assert groups_of(Reason.NAME_TYPO.mask | Reason.ID_NOT_FOUND.mask) == [Group.ID_UNKNOWN, Group.NAME]
    assert group_of(0) is Group.SEVERAL


def test_the_database_groups_alike(owner):
    masks = [1 << one | 1 << other for one in range(40) for other in range(40)]
    query = f"SELECT {group_sql('m')} FROM unnest(%s::bigint[]) WITH ORDINALITY AS x (m, at) ORDER BY at"
    assert [row[0] for row in owner.execute(query, [masks])] == [group_of(mask).value for mask in masks]


@given(st.sets(st.sampled_from(Reason)))
def test_a_group_is_one_of_those_that_are_wrong(reasons):
    mask = sum(reason.mask for reason in reasons)
    assert group_of(mask) in (*groups_of(mask), Group.SEVERAL)
    assert (group_of(mask) is Group.SEVERAL) == (len(groups_of(mask)) != 1)
