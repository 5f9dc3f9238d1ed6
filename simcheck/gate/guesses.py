"""Limits on guessing: how many wrong answers one may get about a number, and as a client, on every route.

Only what was wrong costs, so nobody is kept out by being asked about rightly; but while a bucket is empty
nothing is answered, right or wrong. Read what is left before answering, and spend before the answer is told.
Processes that answer at the very same moment can each let one guess more through, and owe it then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from simcheck.access.limits import Limit, key_of
from simcheck.config import Settings
from simcheck.db.direct import Statements

# What is in these buckets.
LEFT = "SELECT key, level, at FROM rate_bucket WHERE key = ANY(%b)"
# Refill each bucket for the time since, then take its cost: to below nothing where others were faster.
SPEND = """
INSERT INTO rate_bucket AS bucket (key, level, granted, at)
SELECT key, %(burst)s - cost, true, %(now)s
FROM unnest(%(keys)b::bytea[], %(costs)b::float8[]) AS spent (key, cost)
ORDER BY key
ON CONFLICT (key) DO UPDATE SET
    level = least(%(burst)s, bucket.level + %(rate)s * greatest(
        0, extract(epoch FROM excluded.at - bucket.at)::float8)) - (%(burst)s - excluded.level),
    granted = true, at = greatest(bucket.at, excluded.at)
"""


@dataclass(frozen=True)
class Bucket:
    """One limit's bucket of one number or client."""

    limit: Limit
    key: bytes


class Buckets:
    """Which buckets a question is held against."""

    def __init__(self, settings: Settings) -> None:
        a_day, an_hour = settings.number_guesses, settings.client_guesses
        self._number = Limit("guesses-number", a_day / 86_400, a_day)
        self._client = Limit("guesses-client", an_hour / 3_600, an_hour)
        self._clients: dict[str, Bucket] = {}

    def of(self, client: str, msisdn_token: bytes) -> tuple[Bucket, Bucket]:
        """Those of a client's question about a number."""
        known = self._clients.get(client)
        if known is None:
            known = self._clients[client] = Bucket(self._client, key_of(self._client, client))
        return Bucket(self._number, key_of(self._number, msisdn_token.hex())), known


class Purse:
    """What was left in some buckets, and what has been spent of it since."""

    def __init__(self, left: dict[bytes, tuple[float, datetime]]) -> None:
        self._left = left
        self._spent: dict[Bucket, int] = {}

    @classmethod
    async def read(cls, connection: Statements, buckets: Iterable[Bucket]) -> Purse:
        """What is left in these buckets."""
        keys = list({bucket.key for bucket in buckets})
        found = await connection.fetch(LEFT, [keys])
        return cls({bytes(key): (level, at) for key, level, at in found})

    def wait(self, buckets: Iterable[Bucket], now: datetime) -> float:
        """The seconds until each of these buckets holds a guess; 0 when they do."""
        return max(0.0, *((1 - self._level(each, now)) / each.limit.rate for each in buckets))

    def spend(self, buckets: Iterable[Bucket]) -> None:
        """A wrong guess: it costs one of each."""
        for each in buckets:
            self._spent[each] = self._spent.get(each, 0) + 1

    async def write(self, connection: Statements, now: datetime) -> None:
        """Take what was spent out of the buckets."""
        by_limit: dict[Limit, dict[bytes, float]] = {}
        for bucket, cost in self._spent.items():
            by_limit.setdefault(bucket.limit, {})[bucket.key] = float(cost)
        for limit, costs in by_limit.items():
            spent = {"keys": list(costs), "costs": list(costs.values()), "now": now}
            await connection.fetch(SPEND, {**spent, "burst": float(limit.burst), "rate": float(limit.rate)})

    def _level(self, bucket: Bucket, now: datetime) -> float:
        level, at = self._left.get(bucket.key, (bucket.limit.burst, now))
        refilled = min(bucket.limit.burst, level + bucket.limit.rate * max(0, (now - at).total_seconds()))
        return refilled - self._spent.get(bucket, 0)
