"""The lines of a list of cases, as they are shown: put into words here, so that a template has only to write
them down. A page has dozens, and every call that a template makes takes several times what it does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from simcheck.cases.models import Case
from simcheck.desks.queue.choices import case_address
from simcheck.desks.queue.told import Told
from simcheck.review.filters import Filter


class Line(NamedTuple):
    """A case in its list. `kind` and `hurry` are of the badges for the verdict and for the clock (`still`: a
    hint); `reasons` are the gravest, with `more` beside them; `who` has it (None: nobody). `marked`:
    something is out of the ordinary about the `case`.
    """

    address: str
    code: str
    carrier: str
    province: str
    kind: str
    verdict: str
    reasons: str
    more: int
    marked: bool
    state: str
    age: str
    hurry: str
    left: str
    who: str | None
    case: Case


def lines(told: Told, cases: Iterable[Case], filter_: Filter) -> list[Line]:
    """Cases as lines of the list of this filter, in which one goes on from each."""
    return [_line(told, case, filter_) for case in cases]


def _line(told: Told, case: Case, filter_: Filter) -> Line:
    verdict, kind = told.verdict(case.verdict)
    left, hurry = told.clock(case)
    reasons, more = told.few_reasons(case)
    in_hand = told.is_claimed(case)
    return Line(
        case_address(case.id, filter_), told.code(case), case.carrier, told.province(case.province), kind,
        verdict, reasons, more, told.is_marked(case), told.say(f"queue.state.{case.state}"), told.age(case),
        hurry, left, told.say("queue.in_hand", who=case.claimed_by) if in_hand else case.assignee, case,
    )  # fmt: skip
