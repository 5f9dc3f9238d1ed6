"""SIMs and handsets that were changed, told by carriers: the OTP question knows of them the same second."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.errors import InvalidError
from simcheck.gate.models import SimEvent, SimEventKind
from simcheck.normalise import phones
from simcheck.privacy import Keyring

AHEAD = timedelta(minutes=5)  # that a carrier's clock may be before ours


class Told(NamedTuple):
    """A change as it is told: the number as it was written, what was changed, when."""

    msisdn: str
    kind: SimEventKind
    at: datetime


async def tell(
    session: AsyncSession, keyring: Keyring, carrier: str, client: str, events: Sequence[Told]
) -> None:
    """Keep these events of a carrier's own numbers. A number that it does not serve gains nothing by it.

    Raises `InvalidError`, and keeps none, where one has no mobile number or lies in the future.
    """
    now = clock.now()
    national = phones.normalise(pa.array([each.msisdn for each in events], pa.string())).national.tolist()
    for place, (each, number) in enumerate(zip(events, national, strict=True)):
        if not number:
            raise InvalidError(f"events.{place}.msisdn is no Vietnamese mobile number. Nothing was kept.")
        if each.at > now + AHEAD:
            raise InvalidError(f"events.{place}.at lies in the future. Nothing was kept.")
    rows = [
        {
            "carrier": carrier, "client": client, "msisdn_token": keyring.token("msisdn", number),
            "kind": each.kind.value, "at": each.at, "received_at": now,
        }
        for each, number in zip(events, national, strict=True)
    ]  # fmt: skip
    await session.execute(sa.insert(SimEvent.__table__), rows)  # type: ignore[arg-type]
    audit.record(session, "sim_event.told", "sim_event", {"events": len(rows)})
