"""The words of policies and clocks: acts, triggers, units, what happens to a clock."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Act(StrEnum):
    """What a carrier is ordered to do. Steps of a track are acts in this order."""

    ONE_WAY = "one_way"  # outgoing calls and SMS stop
    TWO_WAY = "two_way"  # incoming ones too
    TERMINATE = "terminate"  # the contract ends

    @property
    def step(self) -> Step:
        """How far a clock is when this was done."""
        return Step[self.name]


class Step(IntEnum):
    """How far a clock is, as the table keeps it."""

    NONE = 0
    ONE_WAY = 1
    TWO_WAY = 2
    TERMINATE = 3

    @property
    def act(self) -> Act | None:
        """What was done to come here."""
        return Act[self.name] if self else None


class Trigger(StrEnum):
    """What brings a subscription onto a track: what is wrong with its case, or an event. In this order: the
    first that holds counts.
    """

    SUSPENSION = "suspension"  # staff decided that it is to be suspended
    DISOWNED = "disowned"  # the person named says, or staff found, that the number is not theirs
    FOREIGN_PASSPORT = "foreign_passport"  # a document that the citizen register knows nothing of
    NOT_COMPLIANT = "not_compliant"  # the record contradicts the register
    OLD_ID = "old_id"  # it stands under a 9-digit CMND, and does not contradict the register
    NOT_VERIFIED = "not_verified"  # nothing contradicts it, but nothing confirms it either
    DEVICE_CHANGE = "device_change"  # the SIM stands in another handset
    VERIFIED = "verified"  # the record agrees: no case, no clock


class Starts(StrEnum):
    """From when a clock counts. A track may also name a day: then from that day on, or from the first notice
    where that came later.
    """

    FIRST_NOTICE = "first_notice"
    EVENT = "event"  # the handset's change, or the decision


class Unit(StrEnum):
    """In what a step's time is counted."""

    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working_days"


class FallsOn(StrEnum):
    """On which days a step may be due; where it is not, it is due on the next one that may."""

    ANY_DAY = "any_day"
    WORKING_DAY = "working_day"


class Applies(StrEnum):
    """Whom a policy that comes into force is for."""

    NEW = "new"  # clocks that start from then on
    OPEN = "open"  # those that run already, too


class Stop(StrEnum):
    """What stands in the way of every order about a subscription (`stops`); a track says for which of these
    its clocks stand still, too.
    """

    APPEAL = "appeal"  # somebody objects, and was not answered yet
    LEGAL_HOLD = "legal_hold"
    PROTECTED = "protected"  # a line that is never suspended


class Happened(StrEnum):
    """One thing that happened to a clock."""

    STARTED = "started"
    NOTICED = "noticed"  # more is proved of what the holder was told
    PAUSED = "paused"
    RESUMED = "resumed"
    RESET = "reset"  # it begins again
    REACHED = "reached"  # an order was carried out
    RESTORED = "restored"  # everything that was ordered is undone
    SWITCHED = "switched"  # to another track, or another version of the policy
    ENDED = "ended"
