"""What tests of the desk stand on: many cases at once, as runs and people would have left them."""

from __future__ import annotations

import uuid
from typing import Any

from simcheck.reasons import Reason

# Most cases are the carriers' and the holders'; staff have one in sixteen, of one verdict: what is
# unverifiable. Everything else is spread by numbers that look drawn by lot, and are the same each time.
MANY = """
INSERT INTO "case" (id, code, carrier, msisdn_token, id_token, state, acts, verdict, reasons, opened_at,
                    changed_at, severity, target_at, clock_left, answer, assignee, escalated, snoozed_until,
                    contradicted, province)
SELECT gen_random_uuid(), 'T' || n, (ARRAY['viettel', 'vinaphone', 'mobifone', 'itel'])[1 + a %% 7 %% 4],
       int8send(n), int8send(n / 3), state, acts, CASE acts WHEN 'staff' THEN 3 ELSE 1 + b %% 2 END,
       (1::bigint << (25 + c %% 8)::integer) | ((a %% 3) << 18),
       at - n * interval '3 seconds', at - (n * 7919 %% %(rows)s) * interval '1 second', b %% 3,
       CASE acts WHEN 'staff' THEN at + (n * 104729 %% 500 - 100) * interval '1 hour' END,
       CASE WHEN acts <> 'staff' THEN interval '72 hours' END,
       CASE WHEN b %% 50 = 0 THEN (ARRAY['confirmed', 'differs', 'disowned', 'asked'])[1 + c %% 4] END,
       CASE WHEN n %% 80 = 0 THEN (ARRAY['lan', 'binh', 'chi'])[1 + a %% 3] END,
       n %% 1000 = 0, CASE WHEN n %% 160 = 0 THEN at + interval '1 day' END, c %% 200 = 0,
       (ARRAY['001', '048', '079', NULL])[1 + c %% 4]
FROM (
    SELECT n, a, b, c, timestamptz '2026-11-27 05:00Z' AS at,
           (ARRAY['with_staff', 'with_carrier', 'with_holder', 'disowned'])[turn] AS state,
           (ARRAY['staff', 'carrier', 'holder', 'carrier'])[turn] AS acts
    FROM (
        SELECT n, abs(hashint8extended(n, 1) %% 100000) AS a, abs(hashint8extended(n, 2) %% 100000) AS b,
               abs(hashint8extended(n, 3) %% 100000) AS c,
               CASE WHEN n %% 16 = 0 THEN 1 WHEN n %% 100 = 1 THEN 4 WHEN n %% 3 = 0 THEN 3 ELSE 2 END AS turn
        FROM generate_series(1, %(rows)s::bigint) AS n
    ) AS turns
) AS made
"""


async def acting(service: Any, who: str, work: Any) -> Any:
    """`await work(session)` in one transaction of a person of the ministry."""
    async with service.database.transaction(f"person:{who}", ministry=True) as session:
        return await work(session)


# Indexes that are no constraint's. Built in the end, they take a tenth of the time that growing them does.
INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = '"case"'::regclass
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""
_MANY = 100_000


def many_cases(owner: Any, rows: int) -> None:
    """So many open cases of four carriers, measured as PostgreSQL's own upkeep would have."""
    for carrier in ("viettel", "vinaphone", "mobifone", "itel"):
        owner.execute("INSERT INTO carrier VALUES (%s, now()) ON CONFLICT DO NOTHING", [carrier])
    indexes = owner.execute(INDEXES).fetchall() if rows >= _MANY else []
    for name, _ in indexes:
        owner.execute(f"DROP INDEX {name}")
    owner.execute(MANY, {"rows": rows})
    owner.execute("SET maintenance_work_mem = '256MB'")
    for _, made in indexes:
        owner.execute(made)
    owner.execute('VACUUM ANALYZE "case"')


def one_case(owner: Any, **columns: Any) -> uuid.UUID:
    """An open case of the staff's; `columns` say what is different in it."""
    made = uuid.uuid4()
    values = {
        "id": made, "code": made.hex[:10].upper(), "carrier": "viettel", "msisdn_token": made.bytes,
        "state": "with_staff", "acts": "staff", "verdict": 2, "reasons": Reason.NAME_DIFFERENT.mask,
        "severity": 1,
    } | columns  # fmt: skip
    clock = {"clock_left": "3 days"} if values["acts"] != "staff" else {"target_at": "2026-12-01T00:00Z"}
    values = {"opened_at": "2026-11-01T00:00Z", "changed_at": "2026-11-01T00:00Z"} | clock | values
    owner.execute("INSERT INTO carrier VALUES (%s, now()) ON CONFLICT DO NOTHING", [values["carrier"]])
    names, places = ", ".join(values), ", ".join(["%s"] * len(values))
    owner.execute(f'INSERT INTO "case" ({names}) VALUES ({places})', list(values.values()))
    return made
