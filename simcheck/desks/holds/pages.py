"""Appeals: made for somebody at the desk, decided by somebody else than who ordered. Legal holds and
protected lines: asked for by one person, confirmed and lifted by another.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime, time, timedelta
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Response

from simcheck import clock
from simcheck.access.models import Carrier
from simcheck.access.roles import Permission
from simcheck.clock import LOCAL
from simcheck.desks.frame.actors import whose
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.enforcement.stops import appeals, bars, words
from simcheck.enforcement.stops.appeals import Objecting
from simcheck.enforcement.stops.bars import Asked
from simcheck.enforcement.stops.models import AppealMeans, BarKind
from simcheck.errors import InvalidError
from simcheck.messages.words import Language

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

ROOM = "/desk/holds"
Seeing = Annotated[Visit, needs(Permission.HOLDS_SEE)]
Appealing = Annotated[Visit, needs(Permission.HOLDS_SEE, Permission.APPEAL_MAKE)]
Deciding = Annotated[Visit, needs(Permission.HOLDS_SEE, Permission.APPEAL_DECIDE)]
Holding = Annotated[Visit, needs(Permission.HOLDS_SEE, Permission.HOLD_WRITE)]


@router.get(ROOM)
async def listed(visit: Seeing, show: str = "open") -> Response:
    """Appeals, those to be answered first before others; and what is held or protected."""
    over = show == "over"
    async with visit.acting() as session:
        found = await appeals.page(session, decided=over)
        held = await bars.listed(session, over=over)
        carriers = (await session.scalars(sa.select(Carrier.code).order_by(Carrier.code))).all()
    return visit.page(
        "holds/list", appeals=found, bars=held, over=over, shown=appeals.shown, word=_word(visit),
        whose=whose, kinds=_options(visit, "kind"), carriers=[(each, each) for each in carriers],
        most=appeals.MOST_WORDS, now=clock.now(), me=visit.person.actor,
    )  # fmt: skip


@router.post(f"{ROOM}/appeal")
async def appeal(visit: Appealing) -> Response:
    """Take an appeal in for somebody."""
    national = appeals.national_of(visit.form.line("msisdn", 40))
    objecting = Objecting(
        visit.form.line("carrier", 40), national, AppealMeans.DESK, Language.VI,
        visit.form.text("words", appeals.MOST_WORDS),
    )  # fmt: skip
    async with visit.acting() as session:
        made = await appeals.appeal(session, visit.service, objecting)
    visit.note("holds.done.appealed")
    return visit.go(f"{ROOM}/appeal/{made.id}")


@router.get(f"{ROOM}/appeal/{{appeal_id}}")
async def one(visit: Seeing, appeal_id: uuid.UUID) -> Response:
    """An appeal, what was written, and what may be done with it."""
    async with visit.acting() as session:
        found = await appeals.one(session, appeal_id)
        written = appeals.written(session, visit.service.keyring, found)
        has_part = await appeals.has_part(session, found)
    return visit.page(
        "holds/appeal", appeal=found, written=written, has_part=has_part, number=appeals.shown(found.number),
        word=_word(visit), whose=whose, reasons=_options(visit, "reason"),
    )  # fmt: skip


@router.post(f"{ROOM}/appeal/{{appeal_id}}/uphold")
async def uphold(visit: Deciding, appeal_id: uuid.UUID) -> Response:
    """Uphold an appeal: what was ordered is undone."""
    await _decide(visit, appeal_id)
    visit.note("holds.done.upheld")
    return visit.go(f"{ROOM}/appeal/{appeal_id}")


@router.post(f"{ROOM}/appeal/{{appeal_id}}/reject")
async def reject(visit: Deciding, appeal_id: uuid.UUID) -> Response:
    """Reject an appeal, for a reason that the holder is told."""
    await _decide(visit, appeal_id, visit.form.line("reason") or "-")
    visit.note("holds.done.rejected")
    return visit.go(f"{ROOM}/appeal/{appeal_id}")


@router.post(f"{ROOM}/bar")
async def bar(visit: Holding) -> Response:
    """Ask for a legal hold or a protected line."""
    kind = visit.form.line("kind")
    if kind not in set(BarKind):
        raise InvalidError(f"kind: choose one of {', '.join(BarKind)}.")
    asked = Asked(
        BarKind(kind), visit.form.line("of", 40), visit.form.line("basis", bars.MOST_BASIS + 1),
        _day(visit, "from"), _day(visit, "until", after=1),
    )  # fmt: skip
    async with visit.acting() as session:
        await bars.ask(session, visit.service.keyring, asked)
    visit.note("holds.done.asked")
    return visit.go(ROOM)


@router.post(f"{ROOM}/bar/{{bar_id}}/confirm")
async def confirm(visit: Holding, bar_id: uuid.UUID) -> Response:
    """Confirm what somebody else asked for."""
    async with visit.acting() as session:
        await bars.confirm(session, bar_id)
    visit.note("holds.done.confirmed")
    return visit.go(ROOM)


@router.post(f"{ROOM}/bar/{{bar_id}}/lift")
async def lift(visit: Holding, bar_id: uuid.UUID) -> Response:
    """Ask for a bar to be lifted, or lift it where somebody else asked."""
    async with visit.acting() as session:
        done = await bars.lift(session, bar_id)
    visit.note("holds.done.lifted" if done.lifted_at else "holds.done.lift_asked")
    return visit.go(ROOM)


async def _decide(visit: Visit, appeal_id: uuid.UUID, reason: str | None = None) -> None:
    """How the holder hears of it is read before anything is locked."""
    async with visit.acting() as session:
        asked = await appeals.to_tell(session, visit.service, appeal_id)
    to = await appeals.reach(visit.service, asked)
    async with visit.acting() as session:
        await appeals.decide(session, visit.service, appeal_id, to, reason)


def _day(visit: Visit, name: str, after: int = 0) -> datetime | None:
    """The beginning of a day of the form, `after` so many days; None where none was given."""
    typed = visit.form.line(name, 10)
    if not typed:
        return None
    try:
        return datetime.combine(date.fromisoformat(typed), time(), LOCAL) + timedelta(days=after)
    except (ValueError, OverflowError):
        raise InvalidError(f"{name}: write a day as 2026-11-23.") from None


def _options(visit: Visit, name: str) -> list[tuple[str, str]]:
    return [(key, text[visit.words.language]) for key, text in words.group(name).items()]


def _word(visit: Visit) -> object:
    language = visit.words.language
    return lambda group, key: words.say(group, key, language)
