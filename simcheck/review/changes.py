"""What happened to a case since somebody looked at it: who, what, when, in words."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.cases.models import Case, CaseEvent
from simcheck.cases.states import DESK, MOVES, Who
from simcheck.clock import LOCAL
from simcheck.errors import ConflictError
from simcheck.messages.words import Language
from simcheck.review.words import say

MOST_SAID = 5
_RUNS = {move.name for move in MOVES if move.who == {Who.RUN}}


@dataclass(frozen=True)
class Change:
    """A move, or what the desk did. `by` is a person's user name, or the kind of who it was (words `by`)."""

    at: datetime
    by: str
    is_person: bool
    move: str
    to_state: str
    reason: str | None

    def said(self, language: Language) -> str:
        """The change in a sentence: `14:02 27/11/2026: lan asked the carrier`."""
        by = self.by if self.is_person else say("by", self.by, language)
        at = self.at.astimezone(LOCAL).strftime("%H:%M %d/%m/%Y")
        return say("change", "line", language, at=at, by=by, what=say("move", self.move, language))


class StaleError(ConflictError):
    """The case is not any more what somebody decides on. `changes` is what happened since, the first
    first."""

    code = "stale"

    def __init__(self, changes: Sequence[Change], case: Case) -> None:
        self.changes = tuple(changes)
        happened = "; ".join(each.said(Language.EN) for each in self.changes[-MOST_SAID:])
        super().__init__(
            f"The case was changed since you opened it: {happened}. Now it is {case.state}. Look again."
        )


def of_event(event: CaseEvent) -> Change:
    """An event of a case's history as a change."""
    kind, _, name = event.actor.partition(":")
    if kind == "person":
        return Change(event.at, name, True, event.move, event.to_state, event.reason)
    by = "run" if event.move in _RUNS else "clock" if event.move == "overdue" else event.detail.get("who")
    known = by if by in {"run", "clock", "carrier", "holder"} else "service"
    return Change(event.at, known, False, event.move, event.to_state, event.reason)


async def since(session: AsyncSession, case: Case, version: int) -> list[Change]:
    """The moves that made the case's version out of an earlier one: each of them made it one greater."""
    query = (
        sa.select(CaseEvent)
        .where(CaseEvent.case_id == case.id, CaseEvent.move.not_in(DESK))
        .order_by(CaseEvent.id.desc())
        .limit(max(case.version - version, 0))
    )
    return [of_event(each) for each in reversed((await session.scalars(query)).all())]


async def history(session: AsyncSession, case_id: uuid.UUID) -> list[tuple[CaseEvent, Change]]:
    """Everything that happened to a case, the first first, each beside its words."""
    query = sa.select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.id)
    return [(each, of_event(each)) for each in await session.scalars(query)]
