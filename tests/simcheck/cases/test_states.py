from __future__ import annotations

from simcheck.cases import states
from simcheck.cases.states import ACTS, MOVES, Binds, State, Who, allowed
from simcheck.matching import rules
from simcheck.reasons import Reason


def test_every_state_can_be_reached_and_left():
    assert set(ACTS) == set(State)
    for state in State:
        into = {move.name for move in MOVES for start, to in move.steps if to is state and start is not state}
        out = {move.name for move in MOVES for start, to in move.steps if start is state and to is not state}
        assert into, state
        assert out, state


def test_the_table_says_one_thing():
    """For one name, one who and one state there is one move; people's moves lead to one place."""
    for name in {move.name for move in MOVES}:
        for who in Who:
            for state in (None, *State):
                fitting = [m for m in MOVES if m.name == name and who in m.who and state in m.start]
                assert len(fitting) <= (2 if name == "contradicted" else 1), (name, who, state)
                for move in fitting:
                    assert who is Who.RUN or len(move.to) <= 1
                    assert (State.CLOSED in move.to) == (move.closes is not None or move.name == "lapsed")


def test_only_people_decide_and_only_runs_heal():
    for move in MOVES:
        if move.binds:
            assert not move.who & {Who.RUN, Who.CLOCK, Who.CARRIER}, move.name
    assert allowed("healed", Who.STAFF, State.WITH_STAFF) is None
    assert allowed("same_person", Who.CARRIER, State.WITH_CARRIER) is None
    assert allowed("same_person", Who.STAFF, State.CLOSED) is None
    assert allowed("disowned", Who.HOLDER, None) is not None
    assert {move.name for move in MOVES if move.binds is Binds.PERSON} == set(states.OF_PERSONS)


def test_what_carriers_settle_among_themselves_is_not_the_holders():
    mask = states.holders_reasons(rules.load())
    assert mask & Reason.NAME_DIFFERENT.mask
    assert mask & Reason.HOLDER_UNDERAGE.mask
    assert not mask & Reason.NAME_DIACRITICS.mask
    assert not mask & Reason.MSISDN_CLAIMED_BY_OTHER_CARRIER.mask
