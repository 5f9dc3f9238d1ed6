"""What tests of notices stand on: declared records in a real lake, subscriptions, cases that a run opens."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from simcheck import clock
from simcheck.cases.after_run import after_run
from simcheck.reasons import Reason, Verdict
from tests import subscribed
from tests.publishing import CHANGED
from tests.running import NOON

DAY = timedelta(days=1)
MORNING = NOON - timedelta(hours=12)  # midnight in Viet Nam
PUBLISH = """
INSERT INTO changed_subscription
SELECT carrier, msisdn_token, id_token, contract_token, verdict, reasons, facts, province, true, false
FROM subscription
"""
MESSAGES = """
SELECT key, kind, channel, state, language, template, parts, due_at, expires_at, carrier, id, address, text,
       subject
FROM message ORDER BY key
"""


def row(number: int, **cells: str) -> dict[str, str]:
    """A declared record of a number (national)."""
    return {"msisdn": f"0{number}", "id_type": "cccd", **cells}


def records(
    service: Any, owner: Any, rows: Sequence[dict[str, str]], *, carrier: str = "viettel",
    reasons: Sequence[Reason] = (Reason.NAME_DIFFERENT,), contract: str | None = None,
    verified: Sequence[int] = (), statuses: dict[int, str] | None = None,
) -> None:  # fmt: skip
    """A published run over these records; all are mismatches but those (by place) that are `verified`."""
    run = subscribed.published(owner, carrier)
    subscribed.declared(service, run, list(rows))
    for place, each in enumerate(rows):
        good = place in verified
        subscribed.subscribed(
            owner, service, run, number=int(each["msisdn"]), key=10**9 + place, row=place + 1,
            verdict=Verdict.VERIFIED if good else Verdict.MISMATCH,
            reasons=0 if good else sum(reason.mask for reason in reasons),
            contract_token=service.keyring.token("contract", contract) if contract else None,
            status=(statuses or {}).get(place, "active"), facts=uuid.uuid4().bytes * 2,
        )  # fmt: skip


async def follow_run(service: Any) -> None:
    """Let cases follow what the subscriptions say now, as the end of a run does."""
    async with service.database.transaction("job:runs.publish", ministry=True) as session:
        await session.execute(sa.text(CHANGED))
        await session.execute(sa.text(PUBLISH))
        await after_run(session, uuid.uuid4(), referral=timedelta(days=7))


async def sweep(service: Any, at: datetime.datetime | None = None) -> None:
    """All sweeps of notices once, at a moment (else noon)."""
    from jobs import notices

    with clock.fixed(at or NOON):
        await notices.find_other_ways(service)
        await notices.follow(service)
        await notices.make_due(service)


def messages(owner: Any, service: Any) -> list[dict[str, Any]]:
    """Every message, with address and text opened."""
    from simcheck.sending.intents import place

    cursor = owner.execute(MESSAGES)
    names = [column.name for column in cursor.description]
    found = [dict(zip(names, each, strict=True)) for each in cursor.fetchall()]
    for each in found:
        for name in ("address", "text", "subject"):
            if each[name] is not None:
                each[name] = service.keyring.open(each[name], place(name, each["id"])).decode()
    return found


def settle(owner: Any, state: str, key: str = "%") -> None:
    """Let messages come to their end, as senders do."""
    owner.execute("UPDATE message SET state = %s, settled_at = now() WHERE key LIKE %s", [state, key])


def tracks(owner: Any) -> list[tuple[Any, ...]]:
    """State, round and count of every track, by number."""
    return owner.execute(
        "SELECT state, round, count FROM notice_track ORDER BY carrier, msisdn_token"
    ).fetchall()


async def close(service: Any, owner: Any, move: str, who: Any) -> uuid.UUID:
    """Somebody makes a move in the oldest open case."""
    from simcheck.cases.decide import Wanted, decide

    [case_id] = owner.execute(
        'SELECT id FROM "case" WHERE closed_at IS NULL ORDER BY opened_at LIMIT 1'
    ).fetchone()
    async with service.database.transaction("test", ministry=True) as session:
        await decide(session, service.keyring, case_id, Wanted(move, who, "test_reason"), referral=DAY)
    return case_id
