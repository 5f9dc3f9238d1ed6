"""A last message where a case is closed: only to those who had been told."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.cases.states import Closed
from simcheck.messages.words import Kind
from simcheck.notices import schedule, tracks
from simcheck.notices.addresses import Place
from simcheck.notices.letters import Result, tell
from simcheck.notices.policy import Policy
from simcheck.notices.recipients import Told
from simcheck.notices.tracks import Ended
from simcheck.service import Service

# By the reason why the case was closed. Of a number that is gone, nobody hears.
KINDS = {
    Closed.CORRECTED: Kind.THANKS,
    Closed.AGREES: Kind.CORRECTED,
    Closed.SAME_PERSON: Kind.CORRECTED,
    Closed.NO_ACTION: Kind.CORRECTED,
}


def last(ended: Ended) -> Told | None:
    """The last message of a case; None where there is none."""
    kind = KINDS.get(Closed(ended.close_reason))
    if kind is None or not ended.sent or ended.batch_id is None or ended.bucket is None or ended.row is None:
        return None
    return Told(
        key=f"closed/{ended.case_id}/{ended.round}", case_id=ended.case_id, code=ended.code, kind=kind,
        group=None, deadline=None, status=ended.status,
        place=Place(ended.carrier, ended.msisdn_token, ended.batch_id, ended.bucket, ended.row),
    )  # fmt: skip


async def finish(
    session: AsyncSession, service: Service, policy: Policy, only: list[uuid.UUID] | None = None
) -> tuple[int, int]:
    """End the notices of closed cases, of those or of all: (how many ended, how many hear of it).

    Whoever closes a case calls it in the same transaction, so that the holder hears at once; the sweep finds
    the others. A case ends once.
    """
    ended = await tracks.end(session, only)
    return len(ended), await say(session, service, policy, ended)


async def say(session: AsyncSession, service: Service, policy: Policy, ended: Sequence[Ended]) -> int:
    """Tell those who had been told that it is over; how many. In quiet hours, it is due after them."""
    told = [each for each in map(last, ended) if each is not None]
    at = schedule.opens(policy, clock.now())
    results = await tell(session, service, policy, told, at=at, unlimited=True)
    return results.count(Result.TOLD)
