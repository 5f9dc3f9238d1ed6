"""Limits as token buckets in PostgreSQL, so that they hold over all processes and machines together.

    [grant] = await limits.take(session, Limit("otp-number", rate=5 / 3600, burst=5), [number_token.hex()])

Take in a transaction of its own, before the work: what was taken stays taken when the work fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.access.models import RateBucket

# For every key: refill its bucket for the time since, then take the cost if there is as much. In the order
# of the keys, so that two who take from the same buckets wait for one another in one order.
TAKE = sa.text("""
INSERT INTO rate_bucket AS bucket (key, level, granted, at)
SELECT key, CAST(:burst AS float8) - :cost, true, :now FROM unnest(:keys) AS key ORDER BY key
ON CONFLICT (key) DO UPDATE SET (level, granted, at) = (
    SELECT CASE WHEN refilled >= :cost THEN refilled - :cost ELSE refilled END, refilled >= :cost, :now
    FROM (SELECT least(
        CAST(:burst AS float8),
        bucket.level + CAST(:rate AS float8) * greatest(0, extract(epoch FROM :now - bucket.at)::float8)
    ) AS refilled) AS at_this_moment
)
RETURNING key, granted, level
""").bindparams(
    sa.bindparam("keys", type_=pg.ARRAY(pg.BYTEA())),
    sa.bindparam("now", type_=sa.TIMESTAMP(timezone=True)),
    *(sa.bindparam(name, type_=sa.Double()) for name in ("burst", "cost", "rate")),
)


@dataclass(frozen=True)
class Limit:
    """At most `burst` at once, and `rate` a second in the long run."""

    name: str
    rate: float
    burst: float


@dataclass(frozen=True)
class Grant:
    """Whether it was granted; if not, the seconds after which it would be."""

    granted: bool
    wait: float


def key_of(limit: Limit, subject: str) -> bytes:
    """The key of a subject's bucket: see `take` for what subjects are."""
    return sha256(f"{limit.name}\0{subject}".encode()).digest()


async def take(session: AsyncSession, limit: Limit, subjects: Sequence[str], cost: float = 1) -> list[Grant]:
    """Take `cost` from the bucket of each subject, in one statement. A refused one takes nothing.

    `subjects` name whose buckets they are: client ids, or look-up tokens of numbers in hexadecimal, never
    the numbers. Raises `ValueError` for a cost that the bucket can never hold.
    """
    if cost > limit.burst:
        raise ValueError(f"{limit.name}: a bucket of {limit.burst} never holds {cost}")
    keys = [key_of(limit, subject) for subject in subjects]
    taken = await session.execute(
        TAKE,
        {
            "keys": sorted(set(keys)),
            "burst": limit.burst,
            "rate": limit.rate,
            "cost": cost,
            "now": clock.now(),
        },
    )
    grants = {
        bytes(key): Grant(granted, 0 if granted else (cost - level) / limit.rate)
        for key, granted, level in taken
    }
    return [grants[key] for key in keys]


async def forget_idle(session: AsyncSession, after: timedelta = timedelta(days=2)) -> None:
    """Drop buckets that nobody took from for so long that they are full."""
    await session.execute(sa.delete(RateBucket).where(RateBucket.at < clock.now() - after))
