"""Clocks of the table as columns, and what was reckoned back into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.enforcement import clocks
from simcheck.enforcement.clocks import NEVER, Columns
from simcheck.enforcement.policy import Policy

MOST = 50_000  # clocks of a transaction


def microseconds(moment: str) -> str:
    """The expression that makes the number of a moment (`calendar.moment_of`)."""
    return f"(extract(epoch FROM {moment}) * 1000000)::bigint"


# The columns of `Columns` but the track, which a policy has to place.
NUMBERS = ", ".join(
    [
        "step",
        *(microseconds(each) for each in ("started_at", "step_at", "shift")),
        "notice_days",
        *(microseconds(each) for each in ("told_at", "warned_at", "event_at")),
    ]
)
STALE = sa.text(f"""
SELECT carrier, msisdn_token, policy_version, track, {NUMBERS}
FROM clock WHERE NOT reckoned AND ended_at IS NULL
LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
""")  # noqa: S608  (no input of anybody)
WRITE = sa.text("""
UPDATE clock SET reckoned = true, proven = made.proven, next_step = nullif(made.step, 0),
    next_at = CASE WHEN made.step > 0 THEN timestamptz 'epoch' + made.at * interval '1 microsecond' END
FROM unnest(:carriers, :tokens, :steps, :ats, :proofs) AS made (carrier, msisdn_token, step, at, proven)
WHERE clock.carrier = made.carrier AND clock.msisdn_token = made.msisdn_token
""").bindparams(
    sa.bindparam("carriers", type_=pg.ARRAY(sa.Text())), sa.bindparam("tokens", type_=pg.ARRAY(pg.BYTEA())),
    sa.bindparam("steps", type_=pg.ARRAY(sa.SmallInteger())),
    sa.bindparam("ats", type_=pg.ARRAY(sa.BigInteger())),
    sa.bindparam("proofs", type_=pg.ARRAY(sa.Boolean())),
)  # fmt: skip


async def reckon(session: AsyncSession, policies: Mapping[str, Policy], most: int = MOST) -> int:
    """Reckon clocks to which something has happened, at most so many; how many there were."""
    rows = (await session.execute(STALE, {"most": most})).all()
    by_version: dict[str, list[Sequence[Any]]] = {}
    for row in rows:
        by_version.setdefault(row[2], []).append(row)
    for version, its in by_version.items():
        found = clocks.reckon(columns_of(its, policies[version], 3), policies[version])
        words = {
            "carriers": [row[0] for row in its], "tokens": [row[1] for row in its],
            "steps": found.step.tolist(), "ats": found.at.tolist(), "proofs": found.proven.tolist(),
        }  # fmt: skip
        await session.execute(WRITE, words)
    return len(rows)


def columns_of(rows: Sequence[Sequence[Any]], policy: Policy, at: int) -> Columns:
    """Rows of which, from the place `at` on, come the track's name and `NUMBERS`."""
    places = {track.id: place for place, track in enumerate(policy.tracks)}
    track = clocks.ints(places.get(row[at], -1) for row in rows)
    rest = [
        clocks.ints(NEVER if row[at + 1 + place] is None else row[at + 1 + place] for row in rows)
        for place in range(8)
    ]
    return Columns(track, *rest)
