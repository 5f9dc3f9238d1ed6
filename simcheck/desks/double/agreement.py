"""How well two reviewers agree, as figures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response

from simcheck.access.roles import Permission
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.messages.words import Language
from simcheck.review import agreement, words
from simcheck.review.agreement import By

router = APIRouter(route_class=DeskRoute, include_in_schema=False)


@router.get("/desk/agreement")
async def figures(
    visit: Annotated[Visit, needs(Permission.DOUBLE_SEE)], by: str = By.DECISION.value
) -> Response:  # fmt: skip
    """The whole, and divided by reviewer, decision, reason or month."""
    divided = By(by) if by in set(By) else By.DECISION
    async with visit.acting() as session:
        whole, groups = await agreement.figures(session, divided)
    rows = [(_name(divided, each.value, visit.words.language), each) for each in groups]
    tabs = [(f"/desk/agreement?by={each}", f"double.by.{each}") for each in By]
    return visit.page(
        "double/agreement", whole=whole, rows=rows, tabs=tabs, current=f"/desk/agreement?by={divided}",
        divided=divided,
    )  # fmt: skip


def _name(by: By, value: str, language: Language) -> str:
    if by is By.DECISION:
        return words.decisions()[value].name[language]
    if by is By.REASON:
        return words.group("reason")[value][language].rstrip(".")
    if by is By.MONTH:
        return "/".join(reversed(value.split("-")))
    return value
