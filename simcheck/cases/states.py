"""The states of a case, the moves between them, and who may make them: one table.

Runs and the clock move many cases at once (`after_run.py`, `overdue.py`), people one at a time (`decide.py`);
all of them go by `MOVES`. To add a move is to add a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from simcheck.cases.models import Acts
from simcheck.matching.rules import Rules
from simcheck.reasons import Reason, Verdict


class State(StrEnum):
    """Where a case is. All but `CLOSED` are open."""

    WITH_CARRIER = "with_carrier"
    WITH_HOLDER = "with_holder"
    WITH_STAFF = "with_staff"
    DISOWNED = "disowned"  # the person named says, or staff found, that the number is not theirs
    REFERRED = "referred"  # the register is wrong: its owner has been asked, with a clock
    DISPUTED = "disputed"  # two people claim the number
    SUSPENSION = "suspension"  # staff want the subscription suspended: an order to the carrier follows
    CLOSED = "closed"


ACTS = {
    State.WITH_CARRIER: Acts.CARRIER,
    State.WITH_HOLDER: Acts.HOLDER,
    State.WITH_STAFF: Acts.STAFF,
    State.DISOWNED: Acts.CARRIER,  # it has to find the true holder, or end the subscription
    State.REFERRED: Acts.REGISTER_OWNER,
    State.DISPUTED: Acts.STAFF,
    State.SUSPENSION: Acts.CARRIER,
    State.CLOSED: Acts.STAFF,
}


class Who(StrEnum):
    """Who makes a move."""

    RUN = "run"
    CLOCK = "clock"
    CARRIER = "carrier"
    HOLDER = "holder"
    STAFF = "staff"
    REGISTER_OWNER = "register_owner"


class Closed(StrEnum):
    """Why a case is closed."""

    AGREES = "agrees"  # a run found that the record agrees now: the case healed by itself
    GONE = "gone"  # the carrier does not declare the subscription any more
    SAME_PERSON = "same_person"
    CORRECTED = "corrected"
    NO_ACTION = "no_action"


class Binds(StrEnum):
    """What a decision holds for: until any fact changes that it was made on, or until the record names
    another person (a better spelling of a name does not make a disowned number one's own).
    """

    FACTS = "facts"
    PERSON = "person"


@dataclass(frozen=True)
class Move:
    """What may happen to a case in one of the states `start` (None: there is no case yet).

    It comes to one of the states `to`; `to` empty: it stays where it is. A move that `binds` is a decision.
    One that `holds` sets or lifts the hold under which no order is made.
    """

    name: str
    who: frozenset[Who]
    start: frozenset[State | None]
    to: frozenset[State]
    binds: Binds | None = None
    closes: Closed | None = None
    holds: bool | None = None

    @property
    def steps(self) -> set[tuple[State | None, State]]:
        """Every pair of states that this move leads from and to."""
        if not self.to:
            return {(state, state) for state in self.start if state is not None}
        return {(start, to) for start in self.start for to in self.to}


_OPEN = frozenset(State) - {State.CLOSED}
_ROUTED = frozenset({State.WITH_CARRIER, State.WITH_HOLDER, State.WITH_STAFF})


def _row(
    name: str, who: str, start: frozenset[State] | State | None, to: frozenset[State] | State | None,
    binds: Binds | None = None, closes: Closed | None = None, *, new: bool = False, holds: bool | None = None,
) -> Move:  # fmt: skip
    """A line of the table; `new`: the move also begins a case."""
    starts: frozenset[State | None] = frozenset(start if isinstance(start, frozenset) else {start})
    ends: frozenset[State] = to if isinstance(to, frozenset) else frozenset({to} if to else ())
    return Move(
        name, frozenset(Who(each) for each in who.split()), starts | ({None} if new else frozenset()), ends,
        binds, closes, holds,
    )  # fmt: skip


_S, _C, _B = State, Closed, Binds
MOVES: tuple[Move, ...] = (
    # What runs do. `noted` and `contradicted` leave a person's decision alone; `lapsed` ends one that a
    # later record has made void.
    _row("opened", "run", None, _ROUTED),
    _row("changed", "run", _OPEN, _ROUTED),
    _row("noted", "run", _OPEN, None),
    _row("contradicted", "run", _OPEN, None),
    _row("contradicted", "run", _S.REFERRED, _S.WITH_STAFF),
    _row("reopened", "run", _S.CLOSED, _ROUTED | {_S.DISOWNED, _S.REFERRED, _S.DISPUTED, _S.SUSPENSION}),
    _row("healed", "run", _OPEN, _S.CLOSED, closes=_C.AGREES),
    _row("gone", "run", _OPEN, _S.CLOSED, closes=_C.GONE),
    _row("lapsed", "run", _S.CLOSED, _S.CLOSED),
    # Whose turn it is.
    _row("ask_carrier", "staff", _OPEN - {_S.WITH_CARRIER, _S.DISPUTED}, _S.WITH_CARRIER),
    _row("ask_holder", "staff", _OPEN - {_S.WITH_HOLDER, _S.DISPUTED}, _S.WITH_HOLDER),
    _row("ask_holder", "carrier", _S.WITH_CARRIER, _S.WITH_HOLDER),
    _row("take", "staff", _OPEN - {_S.WITH_STAFF, _S.DISPUTED}, _S.WITH_STAFF),
    _row("answered", "carrier", frozenset({_S.WITH_CARRIER, _S.DISOWNED, _S.SUSPENSION}), _S.WITH_STAFF),
    _row("answered", "holder", _S.WITH_HOLDER, _S.WITH_STAFF),
    _row("answered", "register_owner", _S.REFERRED, _S.WITH_STAFF),
    _row("overdue", "clock", _S.REFERRED, _S.WITH_STAFF),
    _row("evidence", "carrier holder staff", _OPEN, None),
    # What people decide.
    _row("same_person", "staff", _OPEN, _S.CLOSED, _B.FACTS, _C.SAME_PERSON),
    _row("corrected", "holder", _ROUTED, _S.CLOSED, _B.FACTS, _C.CORRECTED),
    _row("close", "staff", _OPEN - {_S.DISPUTED}, _S.CLOSED, _B.FACTS, _C.NO_ACTION),
    _row("refer", "staff", _OPEN - {_S.REFERRED, _S.DISPUTED}, _S.REFERRED, _B.FACTS),
    _row("suspend", "staff", _OPEN - {_S.SUSPENSION, _S.DISPUTED}, _S.SUSPENSION, _B.FACTS),
    _row("disowned", "holder", _OPEN - {_S.DISOWNED, _S.DISPUTED}, _S.DISOWNED, _B.PERSON, new=True),
    _row("disowned", "staff", _OPEN - {_S.DISOWNED}, _S.DISOWNED, _B.PERSON, new=True),
    _row("dispute", "staff", _OPEN - {_S.DISPUTED}, _S.DISPUTED, _B.PERSON, new=True),
    # No order may be made, wherever the case is and whatever a run finds, until the hold is lifted.
    _row("hold", "staff", _OPEN, None, holds=True),
    _row("release", "staff", _OPEN, None, holds=False),
)  # fmt: skip
# What the desk does beside the moves: it stands in a case's history, and leaves the case's version alone.
DESK = (
    "assigned", "handed_over", "snoozed", "woken", "escalated", "calmed",
    "decided", "undone", "overtaken", "doubted", "settled",
)  # fmt: skip

# Decisions that hold as long as the record names the same person, and the state each puts a case in.
OF_PERSONS = sorted({move.name for move in MOVES if move.binds is Binds.PERSON})
DECIDED = {move.name: next(iter(move.to)) for move in MOVES if move.binds}
BY_HAND = sorted({move.closes for move in MOVES if move.binds and move.closes})


def allowed(name: str, who: Who, start: State | None) -> Move | None:
    """The move of this name that `who` may make in this state, if there is one."""
    for move in MOVES:
        if move.name == name and who in move.who and start in move.start:
            return move
    return None


def names_of(who: Who) -> list[str]:
    """The moves that somebody may make in some state."""
    return sorted({move.name for move in MOVES if who in move.who})


# Reasons for a mismatch that only carriers can settle: their own two rows, or the portability records.
CARRIERS_OWN = (Reason.MSISDN_CLAIMED_BY_OTHER_CARRIER, Reason.MSISDN_DUPLICATE_IN_CARRIER)


def holders_reasons(rules: Rules) -> int:
    """The mask of reasons for a mismatch that the holder has to hear of. All other ones are the carrier's."""
    told = sum(reason.mask for reason, rule in rules.of.items() if rule.effect == Verdict.MISMATCH)
    graver = sum(reason.mask for reason, effect in rules.graver.items() if effect == Verdict.MISMATCH)
    return (told | graver) & ~sum(reason.mask for reason in CARRIERS_OWN)
