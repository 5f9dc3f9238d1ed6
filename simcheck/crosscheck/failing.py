"""Steps of a run that fail: tried again after growing pauses, and given up when they failed too often.

The rules stand here, and nowhere else. A failure that passes by itself (a full disk, a database or register
that does not answer) is not counted: such a step is tried again as often as it takes. Any other counts, and
so does a worker that was killed at it; after `MOST_ATTEMPTS` the run is `failed`. A batch's own run takes the
batch with it, which is then refused, so that the carrier knows and its next file may go on.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock, log
from simcheck.crosscheck.models import Run, RunKind, RunState
from simcheck.errors import ConflictError, NotFoundError, SimcheckError
from simcheck.matching import rules as rule_file
from simcheck.queue import enqueue
from simcheck.register.models import RegisterSnapshot
from simcheck.uploads.models import Batch, BatchState
from simcheck.uploads.receive import wake

MOST_ATTEMPTS = 8  # with pauses of a minute that double: two hours
LONGEST_PAUSE = timedelta(hours=1)
# After a run against the register was given up, the carrier is checked again by itself so much later.
REST = timedelta(days=1)

SUPERSEDED, GIVEN_UP, TRIED_AGAIN = "superseded", "given_up", "tried_again"  # why a run failed
NOT_CHECKED = "not_checked"
_WORDS = {
    SUPERSEDED: "A newer file of this carrier was taken in the meantime. Nothing is to be done.",
    NOT_CHECKED: "The file could not be checked, by a fault of ours that we know of. Send it again.",
}

# Runs that were given up, and that nothing has made up for since.
OPEN = """
SELECT run.* FROM run WHERE run.state = 'failed' AND run.failure = 'given_up' AND NOT EXISTS (
    SELECT FROM run AS later WHERE later.carrier = run.carrier AND later.state = 'published'
    AND later.published_at > run.changed_at
)
"""
LISTED = sa.select(Run).from_statement(sa.text(f"{OPEN} ORDER BY run.changed_at"))
BY_CARRIER = sa.text(
    """
SELECT carrier.code, count(run.id) AS runs
FROM carrier LEFT JOIN ({OPEN}) AS run ON run.carrier = carrier.code
GROUP BY carrier.code
""".replace("{OPEN}", OPEN)
)
# A bucket waits, in nobody's hands. An attempt that failed by something that passes is not counted.
WAIT = sa.text("""
UPDATE run_bucket SET worker = NULL, lease_until = :due, attempts = attempts - :uncounted
WHERE run_id = :run AND bucket = :bucket AND state = 'due' AND worker = :worker
RETURNING attempts
""").bindparams(sa.bindparam("due", type_=sa.TIMESTAMP(timezone=True)))


@dataclass(frozen=True)
class Failure:
    """A step that failed: which, by what, and the first pause (of the settings)."""

    step: str
    error: BaseException
    first_pause: timedelta
    bucket: int | None = None

    @property
    def passes(self) -> bool:
        """Whether it is likely to pass by itself, so that it is no reason to give up."""
        return isinstance(self.error, SimcheckError) and self.error.retry

    @property
    def code(self) -> str:
        """The error's code, or the kind of one that nobody expected."""
        return self.error.code if isinstance(self.error, SimcheckError) else type(self.error).__name__

    @property
    def words(self) -> str:
        """What an operator is told. Our own errors carry no personal data; of others the place is told."""
        return str(self.error) if isinstance(self.error, SimcheckError) else log.place_of(self.error)

    def pause(self, attempts: int) -> timedelta:
        """How long to wait after so many attempts."""
        doubled: timedelta = self.first_pause * 2.0 ** min(max(attempts - 1, 0), 20)
        return min(doubled, LONGEST_PAUSE)


class KilledError(SimcheckError):
    """Every worker that took up the step went away without a word."""

    code = "killed"


def killed() -> KilledError:
    """What stands as the reason for a step that no worker survived."""
    return KilledError("every worker that took it up was killed. See whether it needs more memory.")


async def bucket(session: AsyncSession, run: Run, worker: str, attempts: int, failure: Failure) -> None:
    """A bucket failed at its so-manieth attempt: it waits, or the run is given up."""
    uncounted = int(failure.passes)
    values = {"due": clock.now() + failure.pause(attempts), "uncounted": uncounted, "run": run.id,
              "bucket": failure.bucket, "worker": worker}  # fmt: skip
    counted = await session.scalar(WAIT, values)
    if counted is not None and counted >= MOST_ATTEMPTS:
        await give_up(session, run, counted, failure)


async def publishing(session: AsyncSession, run: Run, failure: Failure) -> None:
    """Publishing a run failed (`attempts` were counted when it began): it waits, or is given up."""
    run.due_at = clock.now() + failure.pause(run.attempts)
    run.attempts -= int(failure.passes)
    if run.attempts >= MOST_ATTEMPTS:
        await give_up(session, run, run.attempts, failure)


async def making(
    session: AsyncSession, batch: Batch, kind: RunKind, register: RegisterSnapshot, failure: Failure
) -> None:
    """No run could be made of a batch: it waits, or a run is noted as given up."""
    batch.check_attempts += int(not failure.passes)
    batch.check_due_at = clock.now() + failure.pause(batch.check_attempts)
    if batch.check_attempts < MOST_ATTEMPTS:
        return
    now, attempts = clock.now(), batch.check_attempts
    batch.check_attempts, batch.check_due_at = 0, None
    assert register.buckets is not None
    run = Run(
        id=uuid.uuid4(), kind=kind, carrier=batch.carrier, batch_id=batch.id, register_id=register.id,
        state=RunState.DUE, buckets=register.buckets, rules=rule_file.load().version, counts={}, made_at=now,
        changed_at=now,
    )  # fmt: skip
    session.add(run)
    await session.flush()
    await give_up(session, run, attempts, failure)


async def give_up(session: AsyncSession, run: Run, attempts: int, failure: Failure) -> None:
    """The run is failed for good; what it held up goes on."""
    told = {"step": failure.step, "code": failure.code, "attempts": attempts}
    if failure.bucket is not None:
        told["bucket"] = failure.bucket
    run.counts = run.counts | {"failed": told | {"words": failure.words}}
    await _end(session, run, GIVEN_UP, NOT_CHECKED)
    audit.record(session, "run.given_up", f"run/{run.id}", told | {"batch": str(run.batch_id)})
    await enqueue(session, "runs.publish", lock="runs.publish", queueing_lock="runs.publish")
    log.logger().error("run given up", run=run.id, carrier=run.carrier, code=failure.code, attempt=attempts,
                       bucket=failure.bucket)  # fmt: skip


async def supersede(session: AsyncSession, run: Run) -> None:
    """End a run whose batch came before one that counts already: it would bring back what was."""
    await _end(session, run, SUPERSEDED, SUPERSEDED)
    audit.record(session, "run.superseded", f"run/{run.id}", {"batch": str(run.batch_id)})


async def _end(session: AsyncSession, run: Run, why: str, refusal: str) -> None:
    now = clock.now()
    run.state, run.failure, run.changed_at, run.due_at = RunState.FAILED, why, now, None
    refused = (
        sa.update(Batch)
        .where(Batch.id == run.batch_id, Batch.state == BatchState.CHECKING)
        .values(state=BatchState.REFUSED, refusal_code=refusal, refusal=_WORDS[refusal], changed_at=now,
                done_at=now)
        .returning(Batch.id)
    )  # fmt: skip
    if await session.scalar(refused) is not None:
        subject = str(run.batch_id)
        await enqueue(
            session, "webhooks.fan_out", carrier=run.carrier, event="batch.refused", subject=subject
        )
        await wake(session, run.carrier)


async def listed(session: AsyncSession) -> list[Run]:
    """The runs that were given up and not made up for since, the oldest first."""
    return list(await session.scalars(LISTED))


async def by_carrier(session: AsyncSession) -> dict[str, int]:
    """How many runs of each carrier are `listed`. Needs the ministry's scope."""
    rows = await session.execute(BY_CARRIER)
    return {row.code: row.runs for row in rows.all()}


async def try_again(session: AsyncSession, run_id: uuid.UUID) -> None:
    """Have the work of a run that was given up done again, by a new run. Needs the ministry's scope.

    Raises NotFoundError, and ConflictError where the carrier has sent the file again meanwhile.
    """
    run = await session.get(Run, run_id, with_for_update=True)
    if run is None or (run.state, run.failure) != (RunState.FAILED, GIVEN_UP):
        raise NotFoundError("There is no such run that was given up. `simcheck runs failed` lists them.")
    batch = await session.get_one(Batch, run.batch_id, with_for_update=True)
    batch.check_attempts, batch.check_due_at = 0, None
    if batch.state == BatchState.REFUSED:
        await _require_only_one(session, batch)
        batch.state, batch.changed_at = BatchState.CHECKING, clock.now()
        batch.refusal_code = batch.refusal = batch.done_at = None
    run.failure = TRIED_AGAIN
    await session.flush()
    audit.record(session, "run.tried_again", f"run/{run.id}", {"batch": str(batch.id)})
    if batch.state == BatchState.CHECKING:
        subject = str(batch.id)
        await enqueue(session, "runs.start", queueing_lock=f"runs.start/{subject}", batch_id=subject)
    else:
        await enqueue(session, "runs.renew", queueing_lock="runs.renew")


async def _require_only_one(session: AsyncSession, batch: Batch) -> None:
    same = sa.select(Batch.id).where(
        Batch.carrier == batch.carrier, Batch.digest == batch.digest, Batch.state != BatchState.REFUSED
    )
    found = await session.scalar(same)
    if found is not None:
        raise ConflictError(f"The carrier has sent the file again: batch {found}. Nothing is to be done.")
