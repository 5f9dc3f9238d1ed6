"""SIMs and handsets that were changed, told by carriers: the OTP question knows of them the same second, the
clocks of the device track with their next sweep.

Each event has an id of its carrier's. The same one again changes nothing, in whatever order events arrive.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.errors import ConflictError, InvalidError
from simcheck.gate.models import SimEvent, SimEventKind
from simcheck.normalise import phones
from simcheck.privacy import Keyring

AHEAD = timedelta(minutes=5)  # that a carrier's clock may be before ours


class Told(NamedTuple):
    """A change as it is told: the carrier's id of it, the number as it was written, what and when."""

    id: str
    msisdn: str
    kind: SimEventKind
    at: datetime


class Kept(NamedTuple):
    """How many events are new, and how many were told before."""

    kept: int
    known: int


class _Said(NamedTuple):
    """What an event says, as it is kept."""

    msisdn_token: bytes
    kind: str
    at: datetime


async def tell(
    session: AsyncSession, keyring: Keyring, carrier: str, client: str, events: Sequence[Told]
) -> Kept:
    """Keep these events of a carrier's own numbers. A number that it does not serve gains nothing by it.

    Raises `InvalidError`, and keeps none, where one has no mobile number or lies in the future;
    `ConflictError` where an id was told before, of another change.
    """
    said = _read(keyring, events, clock.now())
    tokens = [keyring.token("sim_event", each.id) for each in events]
    new: dict[bytes, _Said] = {}
    for place, (token, each) in enumerate(zip(tokens, said, strict=True)):
        if new.setdefault(token, each) != each:
            raise _told_otherwise(place)
    now = clock.now()
    rows = [
        {
            "carrier": carrier, "client": client, "msisdn_token": each.msisdn_token, "kind": each.kind,
            "at": each.at, "received_at": now, "event_token": token,
        }
        for token, each in sorted(new.items())
    ]  # fmt: skip
    made = pg.insert(SimEvent).values(rows).on_conflict_do_nothing().returning(SimEvent.event_token)
    kept = {token for token in await session.scalars(made) if token is not None}
    await _require_same(session, carrier, tokens, said, kept)
    if kept:
        audit.record(session, "sim_event.told", "sim_event", {"events": len(kept)})
    return Kept(len(kept), len(events) - len(kept))


def _read(keyring: Keyring, events: Sequence[Told], now: datetime) -> list[_Said]:
    national = phones.normalise(pa.array([each.msisdn for each in events], pa.string())).national.tolist()
    for place, (each, number) in enumerate(zip(events, national, strict=True)):
        if not number:
            raise InvalidError(f"events.{place}.msisdn is no Vietnamese mobile number. Nothing was kept.")
        if each.at > now + AHEAD:
            raise InvalidError(f"events.{place}.at lies in the future. Nothing was kept.")
    return [
        _Said(keyring.token("msisdn", number), each.kind.value, each.at)
        for each, number in zip(events, national, strict=True)
    ]


async def _require_same(
    session: AsyncSession, carrier: str, tokens: Sequence[bytes], said: Sequence[_Said], kept: set[bytes]
) -> None:
    """What was told before said the same."""
    before = [token for token in tokens if token not in kept]
    if not before:
        return
    query = sa.select(SimEvent.event_token, SimEvent.msisdn_token, SimEvent.kind, SimEvent.at).where(
        SimEvent.carrier == carrier, SimEvent.event_token.in_(before)
    )
    known = {row.event_token: _Said(*row[1:]) for row in await session.execute(query)}
    for place, (token, each) in enumerate(zip(tokens, said, strict=True)):
        if token not in kept and known.get(token) != each:
            raise _told_otherwise(place)


def _told_otherwise(place: int) -> ConflictError:
    return ConflictError(
        f"events.{place}.id was told before, of another change. Give each event an id of its own. "
        "Nothing was kept."
    )
