"""Word to the number of a SIM that stands in another handset. There is no case: the number itself is told.

What is said under which key is the caller's to know; a key ends with the moment since which a face check
answers it (seconds since 1970) and the step that its number had come to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.gate.models import SimEventKind
from simcheck.messages.words import Kind
from simcheck.notices import schedule
from simcheck.notices.addresses import Place, Reach
from simcheck.notices.letters import Result, tell
from simcheck.notices.policy import Policy
from simcheck.notices.recipients import Route, Told
from simcheck.sending.intents import Status
from simcheck.sending.models import State
from simcheck.service import Service

NOT_HEARD = {State.FAILED, State.EXPIRED, State.UNKNOWN}
_KEY = re.compile(r"(handset/([^/]+)\.([0-9a-f]+)/(\d+)/\d)/(own|contact|email)")
# Numbers whose holders have not had their face checked since, with where their records lie.
STANDING = sa.text(f"""
SELECT given.key, subscription.carrier, subscription.msisdn_token, status, batch_id, bucket, row
FROM unnest(:keys, :carriers, :tokens, :since) AS given (key, carrier, msisdn_token, since)
JOIN subscription USING (carrier, msisdn_token)
WHERE NOT EXISTS (
    SELECT FROM sim_event AS face WHERE face.msisdn_token = given.msisdn_token
      AND face.carrier = given.carrier AND face.kind = '{SimEventKind.FACE_VERIFIED}' AND face.at >= since
)
""").bindparams(  # noqa: S608  (no input of anybody)
    sa.bindparam("keys", type_=pg.ARRAY(sa.Text())),
    sa.bindparam("carriers", type_=pg.ARRAY(sa.Text())),
    sa.bindparam("tokens", type_=pg.ARRAY(pg.BYTEA())),
    sa.bindparam("since", type_=pg.ARRAY(sa.TIMESTAMP(timezone=True))),
)


def key_sql(since: str, step: str) -> str:
    """The expression that makes the key of what is told about a row of `clock`, without a way."""
    who = "clock.carrier || '.' || encode(clock.msisdn_token, 'hex')"
    return f"'handset/' || {who} || '/' || floor(extract(epoch FROM {since}))::bigint || '/' || {step}"


def ways_sql(key: str) -> str:
    """The expression that makes of a key those of all messages under it."""
    return f"ARRAY[{', '.join(f'''{key} || '/{route}' ''' for route in Route)}]"


def notice(key: str, place: Place, status: str | None) -> Told:
    """What is told under a key."""
    return Told(
        key=key, case_id=None, code="", kind=Kind.HANDSET, group=None, deadline=None, place=place,
        status=status,
    )  # fmt: skip


async def say(
    session: AsyncSession, service: Service, policy: Policy, told: Sequence[Told],
    after: Mapping[str, Route] | None = None, found: Sequence[Reach] | None = None,
) -> int:  # fmt: skip
    """Tell these numbers, each key once; in quiet hours it is due after them. How many are told. `after` and
    `found` as `letters.tell` takes them.
    """
    at = schedule.opens(policy, clock.now())
    results = await tell(session, service, policy, told, at=at, after=after, unlimited=True, found=found)
    return results.count(Result.TOLD)


@dataclass(frozen=True)
class Missed:
    """A message that did not reach anybody, as its key names it."""

    key: str
    carrier: str
    msisdn_token: bytes
    since: datetime
    route: Route


def missed(status: Status) -> Missed | None:
    """What a settled message means; None where it arrived, or is about no handset."""
    found = _KEY.fullmatch(status.key)
    if found is None or status.state not in NOT_HEARD:
        return None
    key, carrier, token, since, route = found.groups()
    at = datetime.fromtimestamp(int(since), UTC)
    return Missed(key, carrier, bytes.fromhex(token), at, Route(route))


async def again(session: AsyncSession, service: Service, policy: Policy, found: Sequence[Missed]) -> int:
    """Say what did not arrive another way, where it still stands; how many."""
    if not found:
        return 0
    of = {each.key: each for each in found}
    rows = await session.execute(
        STANDING,
        {"keys": list(of), "carriers": [each.carrier for each in of.values()],
         "since": [each.since for each in of.values()],
         "tokens": [each.msisdn_token for each in of.values()]},
    )  # fmt: skip
    told = [
        notice(key, Place(carrier, bytes(token), *place), status)
        for key, carrier, token, status, *place in rows
    ]
    return await say(session, service, policy, told, {each.key: each.route for each in found})
