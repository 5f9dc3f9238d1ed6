"""The forms of a case's page: the decisions, and what is done now and then. What is inside of them is the
same on every page but where something was typed: it is put together once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from markupsafe import Markup

from simcheck.access.roles import Permission
from simcheck.cases.models import Case
from simcheck.cases.states import State, Who, allowed
from simcheck.desks.frame import pages
from simcheck.desks.frame.door import Visit
from simcheck.desks.queue.told import Told
from simcheck.messages.words import Language
from simcheck.review import words

MOST_NOTE = 2000
DAYS = ("1", "3", "7", "14", "30")  # for how long a case can be put off
_DECISION_KEYS, _REASON_KEYS = "1234567890", "abcdfi"
GIVING = {"hand_over", "assign"}  # to a colleague
_ASKS_WHY = {"snooze", "escalate"}
_Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Typed:
    """What somebody typed into a form that was not taken: it is kept for them. `act` is which form."""

    act: str = ""
    reason: str = ""
    note: str = field(default="", repr=False)
    other: str = field(default="", repr=False)

    @classmethod
    def of(cls, visit: Visit, act: str, other: str = "") -> Typed:
        """The fields that the forms of a case have in common. Raises `InvalidError`."""
        return cls(act, visit.form.line("reason"), visit.form.text("note", MOST_NOTE), other)


class Offer(NamedTuple):
    """A decision that can be taken now, the key that opens it, and the inside of its form."""

    code: str
    key: str
    name: str
    dangerous: bool
    inside: Markup


class Care(NamedTuple):
    """Something that can be done with the case: the key that opens it, where it is sent, what is inside of
    its form (None: it is asked for when somebody opens it)."""

    act: str
    key: str
    path: str
    inside: Markup | None


def offers(told: Told, case: Case, typed: Typed, faults: Mapping[str, str]) -> list[Offer]:
    """What can be decided in a case as it is, with what was typed. Its keys stay the same in every case."""
    found = []
    for key, each in zip(_DECISION_KEYS, words.decisions().values(), strict=False):
        move = allowed(each.move, Who.STAFF, State(case.state))
        if move is None or move.holds is case.held or (move.name == "suspend" and case.held):
            continue
        if typed.act == each.code:
            inside = _choice(told.language, each.code, typed, faults)
        else:
            inside = _blank_choice(told.language, each.code)
        found.append(Offer(each.code, key, told.text(each.name), each.dangerous, inside))
    return found


def cares(
    visit: Visit, case: Case, typed: Typed, faults: Mapping[str, str],
    colleagues: Sequence[tuple[str, str]] | None, *, mine: bool,
) -> list[Care]:  # fmt: skip
    """What can be done with a case beside deciding it, by whoever has it and by those who assign; nothing
    when it is closed. `colleagues` None: nobody is asked for them before they give the case to one.
    """
    if case.closed_at:
        return []
    me, language = visit.person.username, visit.words.language
    others = tuple((who, f"{name} ({who})") for who, name in colleagues or () if who != me)
    everybody = ((me, visit.words("case.care.me")), *others)
    found = []

    def can_be_done(act: str, key: str, path: str, people: _Pairs = (), value: str = "") -> None:
        inside: Markup | None = None
        if typed.act == act:
            inside = _inside(language, act, people, typed.other, typed, faults)
        elif act not in GIVING or colleagues is not None:
            inside = _blank_inside(language, act, people, value)
        found.append(Care(act, key, path, inside))

    if mine:
        can_be_done("hand_over", "h", "hand-over", others)
        can_be_done("snooze", "z", "snooze", value=DAYS[0])
        if not case.escalated:
            can_be_done("escalate", "e", "escalate")
        if case.state == State.DISPUTED and visit.can(Permission.CASE_DECIDE):
            can_be_done("evidence", "x", "evidence")
    if visit.can(Permission.CASE_ASSIGN):
        can_be_done("assign", "g", "assign", everybody, case.assignee or "")
    return found


def _choice(language: Language, code: str, typed: Typed, faults: Mapping[str, str]) -> Markup:
    decision = words.decisions()[code]
    reasons = [
        (reason, key, text[language])
        for (reason, text), key in zip(decision.reasons.items(), _REASON_KEYS, strict=False)
    ]
    return _rendered(
        "case/choice", language, decision=decision, called=decision.name[language], reasons=reasons,
        typed=typed, faults=faults,
    )  # fmt: skip


@lru_cache(64)
def _blank_choice(language: Language, code: str) -> Markup:
    return _choice(language, code, Typed(), {})


def _inside(
    language: Language, act: str, people: _Pairs, value: str, typed: Typed, faults: Mapping[str, str]
) -> Markup:
    why = words.group(act) if act in _ASKS_WHY else {}
    return _rendered(
        "case/caring", language, act=act, people=people, days=DAYS, value=value, typed=typed, faults=faults,
        reasons=[(code, text[language]) for code, text in why.items()],
    )  # fmt: skip


@lru_cache(256)
def _blank_inside(language: Language, act: str, people: _Pairs, value: str) -> Markup:
    return _inside(language, act, people, value, Typed(), {})


def _rendered(name: str, language: Language, **values: object) -> Markup:
    return Markup(pages.render(name, pages.WORDS[language], **values))  # noqa: S704 (our own)
