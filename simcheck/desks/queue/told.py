"""What a case is, in the words of its readers: every place that shows a case says the same of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from simcheck import clock
from simcheck.cases import codes, targets
from simcheck.cases.models import Case
from simcheck.cases.targets import Severity
from simcheck.crosscheck.recheck import Rechecked
from simcheck.desks.frame import pages
from simcheck.matching import rules
from simcheck.matching.rules import VERDICTS
from simcheck.messages.words import Language
from simcheck.normalise import provinces
from simcheck.reasons import Reason, Verdict
from simcheck.reports.words import WORDS as REPORTED
from simcheck.review import words
from simcheck.review.filters import UNKNOWN, Days
from simcheck.web.words import Words

_HOUR, _DAY, _SOON = timedelta(hours=1), timedelta(days=1), timedelta(days=1)
_MOST_REASONS = 2
VERDICT_KINDS = {Verdict.MISMATCH: "bad", Verdict.UNVERIFIABLE: "warn", Verdict.REJECTED: "warn"}


@cache
def _gravity() -> Mapping[Reason, int]:
    """How grave each reason is: the place of its effect among the verdicts."""
    places = {verdict.value: at for at, verdict in enumerate(VERDICTS)}
    return {reason: places.get(rule.effect, 0) for reason, rule in rules.load().of.items()}


@cache
def _reason_words() -> Mapping[str, words.Text]:
    """Every reason that somebody at a desk can give, by its code."""
    found: dict[str, words.Text] = {**words.group("snooze"), **words.group("escalate")}
    for decision in words.decisions().values():
        found |= decision.reasons
    return found


@lru_cache(4096)
def _reasons(mask: int, language: Language) -> tuple[str, ...]:
    """A mask's reasons in words, the gravest first. Of the masks that there could be, few are there."""
    found = [reason for reason in Reason if mask & reason.mask]
    found.sort(key=lambda each: -_gravity().get(each, 0))
    return tuple(REPORTED[language].reason(each) for each in found)


@dataclass(frozen=True)
class Told:
    """The words of one language, at one moment."""

    say: Words
    at: datetime

    @classmethod
    def now(cls, say: Words) -> Told:
        """The words as of this moment."""
        return cls(say, clock.now())

    @property
    def language(self) -> Language:
        """The language of the words."""
        return self.say.language

    def code(self, case: Case) -> str:
        """A case's code as people read it."""
        return codes.shown(case.code)

    def verdict(self, place: int) -> tuple[str, str]:
        """A verdict (its place in `VERDICTS`) in words, and the kind of its badge."""
        verdict = VERDICTS[place]
        return REPORTED[self.language](f"verdict.{verdict}"), VERDICT_KINDS.get(verdict, "")

    def severity(self, case: Case) -> str:
        """How grave the case is."""
        return self.say(f"queue.severity.{Severity(case.severity).name.lower()}")

    def reasons(self, mask: int) -> list[str]:
        """The reasons of a mask in few words each, the gravest first."""
        return list(_reasons(mask, self.language))

    def few_reasons(self, case: Case) -> tuple[str, int]:
        """The gravest reasons, and how many more there are."""
        found = self.reasons(case.reasons)
        return "; ".join(found[:_MOST_REASONS]), len(found[_MOST_REASONS:])

    def province(self, code: str | None) -> str:
        """A province by its code."""
        return provinces.names().get(code or "") or self.say("queue.province_unknown")

    def span(self, span: timedelta) -> str:
        """How long something takes, in its largest unit; the sign is left out."""
        span = abs(span)
        for unit, name in ((_DAY, "days"), (_HOUR, "hours")):
            if span >= unit:
                return _counted(self.language, name, span // unit)
        return _counted(self.language, "minutes", span // timedelta(minutes=1))

    def age(self, case: Case) -> str:
        """How long ago the case was opened."""
        return self.span((case.closed_at or self.at) - case.opened_at)

    def clock(self, case: Case) -> tuple[str, str]:
        """What is left of staff's time, and the kind of its badge: a clock that stands is no hurry."""
        left = targets.left(case, self.at)
        if case.target_at is None:
            return self.say("queue.clock.stands"), "still"
        late = left < timedelta(0)
        told = _clock(self.language, "late" if late else "left", self.span(left))
        return told, "bad" if late else "warn" if left <= _SOON else ""

    def clock_at_length(self, case: Case) -> str:
        """The same, with the moment, or with what is left when the clock goes on."""
        if case.closed_at is not None:
            return self.say("queue.clock.closed")
        if case.target_at is not None:
            return self.say("queue.clock.until", left=self.clock(case)[0], at=self.say.moment(case.target_at))
        left = targets.left(case, self.at)
        key = "stands_late" if left < timedelta(0) else "stands_left"
        return self.say(f"queue.clock.{key}", span=self.span(left))

    def is_claimed(self, case: Case) -> bool:
        """Whether the case is in somebody's hands at this moment."""
        return case.claimed_until is not None and case.claimed_until > self.at

    def sleeps(self, case: Case) -> bool:
        """Whether the case is put off at this moment."""
        return case.snoozed_until is not None and case.snoozed_until > self.at

    def is_marked(self, case: Case) -> bool:
        """Whether something is out of the ordinary about the case, which a list shows."""
        marks = case.pending or case.escalated or case.held or case.contradicted or case.answer is not None
        return marks or self.sleeps(case)

    def text(self, both: words.Text) -> str:
        """A text of the desk's in this language."""
        return both[self.language]

    def decision(self, code: str) -> str:
        """The name of a decision."""
        return words.decisions()[code].name[self.language]

    def moved(self, move: str) -> str:
        """What a move did, as history says it after the name of who did it."""
        return words.group("move")[move][self.language]

    def person(self, actor: str | None) -> str:
        """Who stands behind an act, if it was a person: their user name."""
        kind, _, name = (actor or "").partition(":")
        return name if kind == "person" else self.by("service")

    def by(self, kind: str) -> str:
        """Who acted, where it was no person: a check, the clock, the holder …"""
        return words.group("by")[kind][self.language]

    def found(self, now: Rechecked) -> str:
        """What a check of this moment finds, in few words."""
        verdict, _ = self.verdict(VERDICTS.index(now.verdict))
        return ": ".join([verdict, "; ".join(self.reasons(now.reasons))]) if now.reasons else verdict

    def given(self, reason: str | None) -> str:
        """A reason that was given for an act; one of others' words as it is."""
        known = _reason_words().get(reason or "")
        return known[self.language] if known else (reason or "").replace("_", " ")

    def chosen(self, name: str, value: Any) -> str:
        """What a filter's field asks for."""
        if name == "province":
            return self.province(None if value == UNKNOWN else value)
        if isinstance(value, Reason):
            return REPORTED[self.language].reason(value)
        if isinstance(value, Verdict):
            return REPORTED[self.language](f"verdict.{value}")
        if isinstance(value, bool):
            return self.say(f"queue.yes_no.{'yes' if value else 'no'}")
        if isinstance(value, Days):
            return self._days(name, value.days)
        if isinstance(value, date):
            return self.say(f"queue.when.{'after' if name == 'opened_after' else 'before'}",
                            day=self.say.day(value))  # fmt: skip
        if isinstance(value, Severity):
            return self.say(f"queue.severity.{value.name.lower()}")
        if name == "carrier":
            return str(value)
        return self.say(f"queue.{name}.{value}")

    def _days(self, name: str, days: int) -> str:
        if name in {"target_before", "due_before"} and days == 0:
            return self.say("queue.when.over")
        key = {"opened_before": "older", "opened_after": "younger"}.get(name, "within")
        return self.say(f"queue.when.{key}", span=_counted(self.language, "days", days))


# A list has dozens of spans and clocks, of which few are different.
@lru_cache(4096)
def _counted(language: Language, name: str, count: int) -> str:
    say = pages.WORDS[language]
    return say(f"queue.span.{name if count != 1 else name.removesuffix('s')}", n=say.number(count))


@lru_cache(4096)
def _clock(language: Language, what: str, span: str) -> str:
    return pages.WORDS[language](f"queue.clock.{what}", span=span)
