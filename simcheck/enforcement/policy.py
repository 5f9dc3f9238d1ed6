"""What a policy says: tracks, their steps, the calendar. Data of the law, read by `reading.read`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from functools import cache
from importlib.resources import files

from simcheck.cases.states import State
from simcheck.enforcement.calendar import Calendar
from simcheck.enforcement.words import Act, Applies, FallsOn, Starts, Stop, Trigger, Unit

SHIPPED = "2026.11.1"


@dataclass(frozen=True)
class Needs:
    """What has to be proved before a step is due.

    On so many local days since the start a notice was delivered, or every way to the holder was tried in
    vain (`notice_days`); one of them came after the moment that the step counts from (`told`); one of them
    warned of suspension (`warned`); an event began the clock (`event`).
    """

    notice_days: int = 0
    told: bool = False
    warned: bool = False
    event: bool = False


@dataclass(frozen=True)
class Stage:
    """A step of a track: `act` is due when `after` of `unit` have passed since `since` (None: the start).

    Whether a count of days includes its first day is said by `counts_first_day`.
    """

    act: Act
    after: int
    unit: Unit
    since: Act | None
    counts_first_day: bool
    falls_on: FallsOn
    needs: Needs
    source: str
    confidence: str


@dataclass(frozen=True)
class Track:
    """What follows for subscriptions of these triggers; without steps, nothing does.

    It is law from `valid_from` to the day before `valid_to`. Its clocks run while the case is in one of the
    states `runs_in`, begin again where it comes out of one of `resets`, and stand still in all others; and
    while something of `pauses_for` stands in the way of orders, which nothing goes past anyway. They end with
    their case, always; with `face_ends`, also when the holder's face was checked again.
    """

    id: str
    basis: str
    source: str
    confidence: str
    triggers: tuple[Trigger, ...]
    valid_from: date
    valid_to: date | None
    starts: Starts | date | None
    runs_in: frozenset[State]
    resets: frozenset[State]
    pauses_for: frozenset[Stop]
    face_ends: bool
    steps: tuple[Stage, ...]

    def after(self, step: int) -> Stage | None:
        """The step that follows when a clock has come so far; None: none does."""
        return next((each for each in self.steps if each.act.step > step), None)

    def is_law_on(self, day: date) -> bool:
        """Whether the track is valid on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True)
class Policy:
    """A whole document. Steps that are counted in days are due at `due_from`; on a day with more than
    `most_a_day` of all carriers, or `most_of_a_carrier` of one, the brake is pulled.
    """

    version: str
    valid_from: date
    applies: Applies
    due_from: time
    most_a_day: int
    most_of_a_carrier: int
    calendar: Calendar
    tracks: tuple[Track, ...]

    def track(self, track_id: str) -> Track | None:
        """The track of this name."""
        return next((each for each in self.tracks if each.id == track_id), None)

    def track_for(self, trigger: Trigger, day: date) -> Track | None:
        """The track of a trigger that is law on a day."""
        return next((each for each in self.tracks if trigger in each.triggers and each.is_law_on(day)), None)


@cache
def shipped(version: str = SHIPPED) -> str:
    """The text of a document that comes with the program."""
    return files("simcheck.enforcement").joinpath(f"policies/{version}.toml").read_text("utf-8")
