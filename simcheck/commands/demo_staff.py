"""What the demo's people do at the desks: they decide, put off, pass on and answer, as the pages let them.

Everything goes through the services that the pages call, in the name of whoever does it; nothing is written
past them. So there is a queue with people in it, and a country whose figures move.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from itertools import cycle, islice
from typing import Any, NamedTuple

from jobs import reports
from simcheck import clock
from simcheck.cases.models import Case
from simcheck.cases.states import State
from simcheck.helpdesk import questions
from simcheck.helpdesk.models import Queue
from simcheck.review import assign, claim, decide, queue
from simcheck.review.decide import Choice
from simcheck.review.filters import Assigned, Filter
from simcheck.service import Service
from simcheck.terminal import Language

EACH = 30  # cases that each reviewer decides
ASIDE = 12  # cases that each reviewer puts off, passes on, or leaves to the supervisors
# What waits for staff and is nobody's yet: everything below may be done in it.
FRESH = Filter(state=State.WITH_STAFF, escalated=False, assigned=Assigned.NOBODY)
CHOICES = (
    ("same_person", "spelling"), ("ask_carrier", "record_unclear"), ("same_person", "papers_seen"),
    ("ask_holder", "who_uses_it"), ("register_wrong", "not_in_register"), ("ask_carrier", "contract_wanted"),
    ("same_person", "old_papers"), ("hold", "being_looked_into"), ("not_the_holder", "deceased"),
    ("close", "settled_elsewhere"), ("suspend", "fraud_suspected"), ("dispute", "both_claim"),
)  # fmt: skip


class Done(NamedTuple):
    """How many cases were decided, and how many were put off, passed on or escalated."""

    decided: int
    aside: int


@dataclass(frozen=True)
class Asked:
    """A question that somebody writes, and what is answered (None: nothing yet). `own`: it is about a number
    of the carrier that has people in the demo."""

    text: str
    answer: str | None
    own: bool


@cache
def asked(language: Language) -> Sequence[Asked]:
    """The demo's questions in a language."""
    found = tomllib.loads(files("simcheck.commands").joinpath("demo.toml").read_text("utf-8"))["question"]
    return [
        Asked(each[language], each["answer"][language] if "answer" in each else None, each.get("own", False))
        for each in found
    ]


async def work(service: Service, reviewers: Sequence[str]) -> Done:
    """Let reviewers work at the queue for a while, and leave half of it; in the end each has a case in
    hand.
    """
    async with _acting(service, reviewers[0]) as session:
        share = (await queue.count(session, FRESH, reviewers[0])).cases // (2 * len(reviewers))
    decided = aside = 0
    for who, colleague in zip(reviewers, reversed(reviewers), strict=True):
        aside += await _put_aside(service, who, colleague, min(share // 3, ASIDE))
        decided += await _decide(service, who, islice(cycle(CHOICES), min(share - share // 3, EACH)))
    return Done(decided, aside)


async def _decide(service: Service, who: str, choices: Iterator[tuple[str, str]]) -> int:
    case, done = await _next(service, who), 0
    for decision, reason in choices:
        if case is None:
            break
        async with _acting(service, who) as session:
            choice = Choice(decision, reason, case.version)
            case = (await decide.decide(session, service, case.id, who, choice, then=FRESH)).next
        done += 1
    return done


async def _put_aside(service: Service, who: str, colleague: str, cases: int) -> int:
    """Put some cases off, give some to a colleague, and some to the supervisors."""
    done = 0
    for turn in range(cases):
        case = await _next(service, who)
        if case is None:
            break
        async with _acting(service, who) as session:
            if turn % 3 == 0:
                until = clock.now() + timedelta(days=1 + turn)
                await assign.snooze(session, case.id, who, until, "waiting_for_papers")
            elif turn % 3 == 1:
                await assign.escalate(session, service, case.id, who, "fraud_suspected")
            else:
                await assign.assign(session, case.id, colleague)
                await claim.release(session, case.id, who)
        done += 1
    return done


async def _next(service: Service, who: str) -> Case | None:
    async with _acting(service, who) as session:
        return await claim.next_case(session, service.settings, FRESH, who)


async def answer(service: Service, said: Sequence[Asked], staff: str, manager: str, carrier: str) -> int:
    """Answer the questions that have an answer; those of the carrier in its manager's name. How many."""
    answers, done = {each.text: each.answer for each in said if each.answer}, 0
    for whose, who, of in ((Queue.STAFF, staff, None), (Queue.CARRIER, manager, carrier)):
        async with _acting(service, who, of) as session:
            for question in await questions.page(session, whose, carrier=of):
                written = (await questions.written(session, service.keyring, question))[0].text
                if written in answers:
                    await questions.answer(session, service, question.id, answers[written] or "")
                    done += 1
    return done


async def count(service: Service) -> None:
    """Count the country now; the service would by itself, some minutes or a night later."""
    await reports.count_country(service)
    await reports.count_flow(service)
    await reports.find_patterns(service)


def _acting(service: Service, who: str, carrier: str | None = None) -> Any:
    return service.database.transaction(f"person:{who}", carrier, ministry=carrier is None)
