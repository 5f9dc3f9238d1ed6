"""What the publishing of a run leaves behind: subscriptions as they are now, and what changed in them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from simcheck.matching.rules import VERDICTS
from simcheck.reasons import Reason, Verdict

BATCH = uuid.UUID(int=1)
CHANGED = """
CREATE TEMPORARY TABLE changed_subscription (
    carrier text, msisdn_token bytea, id_token bytea, contract_token bytea, new_verdict smallint,
    new_reasons bigint, facts bytea, province text, told boolean, moved boolean
) ON COMMIT DROP
"""
KEEP = """
INSERT INTO subscription (msisdn_token, carrier, id_token, contract_token, verdict, reasons, claimants,
                          cells, bucket, facts, row, batch_id, run_id, changed_at)
VALUES (:msisdn_token, :carrier, :id_token, :contract_token, :verdict, :reasons, :claimants,
        0, :bucket, :facts, :row, :batch_id, :run_id, now())
ON CONFLICT (msisdn_token, carrier) DO UPDATE SET
    id_token = excluded.id_token, contract_token = excluded.contract_token, verdict = excluded.verdict,
    reasons = excluded.reasons, claimants = excluded.claimants, facts = excluded.facts,
    row = excluded.row, batch_id = excluded.batch_id, run_id = excluded.run_id
"""
TELL = """
INSERT INTO changed_subscription VALUES (
    :carrier, :msisdn_token, :id_token, :contract_token, :verdict, :reasons, :facts, NULL, true, false)
"""


def token(what: object) -> bytes:
    return hashlib.sha256(str(what).encode()).digest()


@dataclass(frozen=True)
class Sim:
    """A subscription as a run found it. Words stand for tokens; `verdict` None: it is gone."""

    number: str
    verdict: Verdict | None = Verdict.MISMATCH
    reasons: tuple[Reason, ...] = (Reason.NAME_DIFFERENT,)
    person: str = "An"
    contract: str | None = None
    claimants: int = 1
    carrier: str = "viettel"
    row: int = 1

    @property
    def values(self) -> dict[str, Any]:
        mask = sum(reason.mask for reason in self.reasons) if self.verdict is not Verdict.VERIFIED else 0
        verdict = None if self.verdict is None else VERDICTS.index(self.verdict)
        contract = token(self.contract) if self.contract else None
        facts = token((self.person, verdict, mask, self.contract, self.claimants))
        return {
            "carrier": self.carrier, "msisdn_token": token(self.number), "id_token": token(self.person),
            "contract_token": contract, "verdict": verdict, "reasons": mask, "claimants": self.claimants,
            "facts": facts, "batch_id": BATCH, "bucket": 0, "row": self.row,
        }  # fmt: skip


async def publish(session: Any, sims: Iterable[Sim], run_id: uuid.UUID) -> None:
    """Leave subscriptions and `changed_subscription` as the publishing job does."""
    await session.execute(sa.text(CHANGED))
    for sim in sims:
        values = {**sim.values, "run_id": run_id}
        if sim.verdict is None:
            await session.execute(
                sa.text("DELETE FROM subscription WHERE msisdn_token = :msisdn_token AND carrier = :carrier"),
                values,
            )
        else:
            await session.execute(sa.text(KEEP), values)
        await session.execute(sa.text(TELL), values)


async def run(service: Any, *sims: Sim) -> dict[str, dict[str, int]]:
    """Publish a run that found these, and let cases follow it."""
    from datetime import timedelta

    from simcheck.cases.after_run import after_run

    run_id = uuid.uuid4()
    async with service.database.transaction("job:runs.publish", ministry=True) as session:
        await publish(session, sims, run_id)
        return await after_run(session, run_id, referral=timedelta(days=7))
