"""Proposals and orders: looked at, proposed, approved, rejected; the brake, pulled and released."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.access.models import Carrier
from simcheck.access.roles import Permission
from simcheck.cases import codes
from simcheck.cases.models import Case
from simcheck.desks.frame.actors import whose
from simcheck.desks.frame.door import DeskRoute, Visit, needs
from simcheck.enforcement import store
from simcheck.enforcement.orders import answer_files, approve, brake, find, guards, propose, words
from simcheck.enforcement.orders.brake import Caps
from simcheck.enforcement.orders.models import EVERYWHERE, OrderLine, OrderState
from simcheck.errors import ConflictError, InvalidError
from simcheck.web import places

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

Seeing = Annotated[Visit, needs(Permission.ORDERS_SEE)]
Proposing = Annotated[Visit, needs(Permission.ORDERS_SEE, Permission.ORDER_PROPOSE)]
Approving = Annotated[Visit, needs(Permission.ORDERS_SEE, Permission.ORDER_APPROVE)]
Braking = Annotated[Visit, needs(Permission.ORDERS_SEE, Permission.BRAKE_RELEASE)]
ROOM = "/desk/orders"
_TABS: dict[str, tuple[OrderState, ...]] = {
    "waiting": (OrderState.PROPOSED,), "open": (OrderState.APPROVED, *find.LEFT[:2]), "late": (), "all": (),
}  # fmt: skip


@router.get(ROOM)
async def listed(visit: Seeing, show: str = "waiting", after: str | None = None) -> Response:
    """Proposals that wait, orders under way, those whose carriers do not answer, or all; and the brake."""
    shown = show if show in _TABS else "waiting"
    async with visit.acting() as session:
        found = await find.page(
            session, states=_TABS[shown], escalated=shown == "late", before=places.read(after)
        )
        pulled, lately = await brake.pulled(session), await brake.lately(session, 5)
        late = await find.answer_late(session)
        carriers = (await session.scalars(sa.select(Carrier.code).order_by(Carrier.code))).all()
    more = None
    if len(found) == find.PAGE:
        more = visit.address(after=places.write(found[-1].proposed_at, found[-1].id))
    tabs = [(f"{ROOM}?show={name}" if name != "waiting" else ROOM, name) for name in _TABS]
    return visit.page(
        "orders/list", orders=found, more=more, tabs=tabs, pulled=pulled, lately=lately, late=late,
        current=ROOM if shown == "waiting" else f"{ROOM}?show={shown}", word=_word(visit), whose=whose,
        scopes=[(EVERYWHERE, visit.words("orders.everywhere")), *((each, each) for each in carriers)],
        everywhere=EVERYWHERE, shown=shown,
    )  # fmt: skip


@router.get(f"{ROOM}/due")
async def due(visit: Seeing) -> Response:
    """What is due at this moment, by carrier and act, and what is in the way: nobody is touched."""
    async with visit.acting() as session:
        found = await propose.due(session, visit.service)
    return visit.page("orders/due", due=found, steps=propose.STEPS, word=_word(visit))


@router.post(f"{ROOM}/propose")
async def propose_now(visit: Proposing) -> Response:
    """Propose what is due, without waiting for the job. Whoever does does not approve it."""
    async with visit.acting() as session:
        made = await propose.propose(session, visit.service, await _caps(session))
    lines = sum(made.lines.values())
    done = "braked" if made.braked else "proposed" if lines else "nothing"
    visit.note(f"orders.done.{done}", lines=lines)
    return visit.go(ROOM)


@router.post(f"{ROOM}/brake")
async def pull(visit: Braking) -> Response:
    """Let orders of a carrier, or of all, stand still."""
    scope = visit.form.line("scope")
    async with visit.acting() as session:
        if scope != EVERYWHERE and await session.get(Carrier, scope) is None:
            raise InvalidError("scope: choose a carrier, or all.")
        await brake.pull(session, scope, brake.BY_HAND)
    visit.note("orders.done.pulled")
    return visit.go(ROOM)


@router.post(f"{ROOM}/brake/{{brake_id}}/release")
async def release(visit: Braking, brake_id: uuid.UUID) -> Response:
    """Let go, for so many lines today."""
    allowed = visit.form.line("allowed", 9)
    async with visit.acting() as session:
        await brake.release(session, brake_id, int(allowed) if allowed.isdecimal() else -1)
    visit.note("orders.done.released")
    return visit.go(ROOM)


@router.get(f"{ROOM}/{{order_id}}")
async def one(visit: Seeing, order_id: uuid.UUID) -> Response:
    """An order: what it is about, a sample, what would happen or did, and what may be done with it."""
    async with visit.acting() as session:
        order = await approve.one(session, order_id)
        meant = order.state in {OrderState.PROPOSED, OrderState.APPROVED}
        judged = await approve.judged(session, visit.service, order_id) if meant else ()
        counts = await find.counts(session, order_id)
        sample = await approve.sample(session, order_id)
        case_codes = await _codes(session, sample)
        files = await answer_files.of_order(session, order_id)
    return visit.page(
        "orders/one", order=order, judged=judged, counts=counts, sample=sample, codes=case_codes,
        files=files, meant=meant, word=_word(visit), whose=whose, waiting=guards.WAITING,
        is_own=order.proposed_by == visit.person.actor, day=_day(visit),
        refusals=[(key, text[visit.words.language]) for key, text in words.group("refusal").items()],
    )  # fmt: skip


@router.post(f"{ROOM}/{{order_id}}/approve")
async def approve_it(visit: Approving, order_id: uuid.UUID) -> Response:
    """Have somebody else's proposal sent; the form says how many lines were looked at."""
    lines = visit.form.line("lines", 9)
    async with visit.acting() as session:
        seen = int(lines) if lines.isdecimal() else -1
        made = await approve.approve(session, visit.service, await _caps(session), order_id, seen)
    visit.note("orders.done.braked" if made.state == OrderState.PROPOSED else "orders.done.approved", lines=0)
    return visit.go(f"{ROOM}/{order_id}")


@router.post(f"{ROOM}/{{order_id}}/reject")
async def reject(visit: Approving, order_id: uuid.UUID) -> Response:
    """Reject a proposal, or stop what was approved and has not left."""
    async with visit.acting() as session:
        await approve.reject(session, order_id, visit.form.line("why"))
    visit.note("orders.done.rejected")
    return visit.go(f"{ROOM}/{order_id}")


async def _caps(session: AsyncSession) -> Caps:
    policy = await store.in_force(session)
    if policy is None:
        raise ConflictError("No policy is in force: nothing can be ordered. Have one approved first.")
    return brake.caps_of(policy)


async def _codes(session: AsyncSession, lines: Sequence[OrderLine]) -> dict[uuid.UUID, str]:
    wanted = [each.case_id for each in lines if each.case_id is not None]
    rows = await session.execute(sa.select(Case.id, Case.code).where(Case.id.in_(wanted)))
    return {case_id: codes.shown(code) for case_id, code in rows}


def _word(visit: Visit) -> Callable[[str, str], str]:
    language = visit.words.language
    return lambda group, key: words.say(group, key, language)


def _day(visit: Visit) -> Callable[[str | None], str]:
    """A moment of the evidence, as people read it."""
    return lambda text: visit.words.moment(datetime.fromisoformat(text)) if text else "–"
