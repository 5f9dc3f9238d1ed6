"""What is registered for a number, as its holder may see it: masked, with what is wrong and until when.

Masked also for whoever proved to hold the number: a SIM in hand does not make its finder the person whom the
record names. Nothing that the register holds is ever shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.cases import codes
from simcheck.cases.models import Case
from simcheck.cases.states import Closed, State, Who, allowed
from simcheck.crosscheck.models import Subscription
from simcheck.errors import InvalidError
from simcheck.holders import records
from simcheck.holders.sessions import Holder
from simcheck.matching.rules import VERDICTS
from simcheck.messages.alphabets import clean
from simcheck.messages.words import Group
from simcheck.normalise import dates, phones
from simcheck.notices import policy, schedule
from simcheck.notices.models import NoticeTrack
from simcheck.privacy import mask_id, mask_msisdn, mask_name
from simcheck.reasons import Verdict
from simcheck.service import Service

_CONFIRMED = {VERDICTS.index(Verdict.VERIFIED), VERDICTS.index(Verdict.VARIANT)}


@dataclass(frozen=True)
class OpenCase:
    """The case of the record: what its holder is told of it. `deadline` is of the notices (None: none went
    out).
    """

    code: str
    state: State
    closed: Closed | None
    deadline: date | None


@dataclass(frozen=True)
class Registered:
    """A record, masked. Texts are empty where the carrier declared nothing readable.

    `number` with its last three digits, `name` as initials, `id_number` with its last three digits, `born`
    the year. `agrees`: the register confirms it (verified or variant). `reasons` is the mask that says what
    is wrong (`messages.words.groups_of` puts it into words); 0 where nothing is. `can_correct` and
    `can_disown`: what the state of the case allows now.
    """

    carrier: str
    number: str
    name: str
    id_number: str
    born: str
    agrees: bool
    reasons: int
    case: OpenCase | None
    can_correct: bool
    can_disown: bool


async def show(session: AsyncSession, service: Service, holder: Holder) -> Registered:
    """The record of the number that the holder has in hand. The look is audited.

    Raises `NotFoundError` where the carrier declares the number no more, `SealError` where the lake lacks the
    record, `InvalidError` for a session of an identity, which has no one number.
    """
    if holder.carrier is None or holder.msisdn_token is None:
        raise InvalidError("This session is of a person. Choose one of the numbers.")
    found = await records.find(session, holder.carrier, holder.msisdn_token)
    return await of(session, service, found)


async def of(session: AsyncSession, service: Service, subscription: Subscription) -> Registered:
    """The record of a subscription. Raises `SealError`."""
    cells = await records.declared(service, subscription)
    case = await newest_case(session, subscription.carrier, subscription.msisdn_token)
    audit.record(
        session, "record.shown", f"msisdn/{subscription.msisdn_token.hex()}",
        {"case": str(case.id) if case else None}, stream=f"record/{subscription.carrier}",
    )  # fmt: skip
    state = State(case.state) if case and case.closed_at is None else None
    agrees = subscription.verdict in _CONFIRMED
    return Registered(
        subscription.carrier, _number(cells.get("msisdn")), mask_name(clean(cells.get("full_name") or "")),
        mask_id("".join(each for each in clean(cells.get("id_number") or "") if each.isalnum())),
        _year(cells.get("date_of_birth")), agrees, subscription.reasons, await _told(session, service, case),
        state is not None and allowed("corrected", Who.HOLDER, state) is not None,
        allowed("disowned", Who.HOLDER, state) is not None,
    )  # fmt: skip


async def newest_case(session: AsyncSession, carrier: str, msisdn_token: bytes) -> Case | None:
    """The number's open case at the carrier, else the one that was closed last."""
    mine = sa.select(Case).where(Case.carrier == carrier, Case.msisdn_token == msisdn_token)
    query = mine.order_by(Case.closed_at.is_(None).desc(), Case.closed_at.desc()).limit(1)
    found: Case | None = await session.scalar(query)
    return found


async def _told(session: AsyncSession, service: Service, case: Case | None) -> OpenCase | None:
    if case is None:
        return None
    track = await session.get(NoticeTrack, case.id)
    deadline = None
    if track is not None and track.first_at is not None and case.closed_at is None:
        rules = policy.of(service.settings)
        deadline = schedule.deadline(rules, rules.ladder(Group(track.reason_group)), track.first_at)
    closed = Closed(case.close_reason) if case.close_reason else None
    return OpenCase(codes.shown(case.code), State(case.state), closed, deadline)


def _number(cell: str | None) -> str:
    national = phones.normalise(pa.array([cell], pa.string())).national
    if not national[0]:
        return ""
    return mask_msisdn(str(phones.e164(np.array(national))[0].as_py()))


def _year(cell: str | None) -> str:
    born = int(dates.normalise(pa.array([cell], pa.string()), clock.now().date()).ymd[0])
    return f"{born // 10_000}" if born else ""
