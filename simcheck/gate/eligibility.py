"""Is this SIM really this person's, now? The rule of the OTP question: facts in, answer out, no I/O.

Every doubt is a no. What is told of a subscription beyond that is told only of the person's own: whoever asks
with a wrong ID number learns nothing of the subscription behind the number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from simcheck.gate.reasons import Reason
from simcheck.matching.rules import VERDICTS
from simcheck.normalise.statuses import Status, status_of
from simcheck.reasons import Verdict

_VERIFIED, _VARIANT = VERDICTS.index(Verdict.VERIFIED), VERDICTS.index(Verdict.VARIANT)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Policy:
    """What is asked of a subscription. `register` is the greatest age of the register that it was checked
    against, `recheck` how long after a new one a carrier may still stand on the one before, `carrier` the
    greatest age of the carrier's file, `sim` and `device` how long ago a SIM or a handset must have been
    changed; with `variants`, a badly written record of the same person is enough.
    """

    register: timedelta
    recheck: timedelta
    carrier: timedelta
    sim: timedelta
    device: timedelta
    variants: bool


def is_active(status: str | None) -> bool:
    """Whether a carrier's word for a subscription's state says that it is in use."""
    return status_of(status or "") is Status.ACTIVE


class Subscription(NamedTuple):
    """What the ledger holds of a number at one carrier, in the order of `questions.FIND`."""

    msisdn_token: bytes
    carrier: str
    id_token: bytes | None
    verdict: int
    status: str | None
    under_order: bool
    claimants: int
    contested: bool
    activated_on: date | None
    sim_changed_at: datetime | None
    device_changed_at: datetime | None

    @property
    def active(self) -> bool:
        """Whether the carrier says that it is in use."""
        return is_active(self.status)


class Standing(NamedTuple):
    """What a carrier's rows rest on: the register's moment, whether it is the current one, the file's day."""

    as_of: datetime
    current: bool
    received_at: datetime


@dataclass(frozen=True)
class Sources:
    """The current register's moment and when it came (None: there is none); each carrier's standing."""

    as_of: datetime | None
    imported_at: datetime | None
    carriers: Mapping[str, Standing]


class Answer(NamedTuple):
    """`reasons` is a mask, 0 exactly when eligible; `as_of` is the moment of the register that it rests on.
    The rest is in whole days, None where it is not known or not to be told.
    """

    eligible: bool
    reasons: int
    as_of: datetime | None
    sim_days: int | None = None
    device_days: int | None = None
    tenure_days: int | None = None


def refusal(reason: Reason, sources: Sources) -> Answer:
    """A no that needs no look at any subscription."""
    return Answer(False, reason.mask, sources.as_of)


def judge(
    rows: Sequence[Subscription],
    id_token: bytes,
    sources: Sources,
    policy: Policy,
    now: datetime,
    max_age: timedelta | None = None,
) -> Answer:
    """The answer for the holder of `id_token`. `rows` are all carriers' rows of the number.

    `max_age` is what the asker allows for the register's age; it can only tighten the policy.
    """
    if sources.as_of is None:
        return refusal(Reason.NO_REGISTER, sources)
    own = [row for row in rows if row.id_token == id_token]
    if not own:
        return refusal(Reason.NOT_THIS_PERSON, sources)
    row = max(own, key=lambda each: each.active)
    standing = sources.carriers.get(row.carrier)
    reasons = _of_row(row, policy, now)
    if row.claimants > 1 or sum(each.active for each in rows) > 1:
        reasons |= Reason.CLAIMED_TWICE.mask
    reasons |= _of_sources(standing, sources, policy, now, max_age)
    return Answer(
        not reasons,
        reasons,
        standing.as_of if standing else sources.as_of,
        _days(row.sim_changed_at, now),
        _days(row.device_changed_at, now),
        max(0, (now.date() - row.activated_on).days) if row.activated_on else None,
    )


def _of_row(row: Subscription, policy: Policy, now: datetime) -> int:
    good = row.verdict == _VERIFIED or (policy.variants and row.verdict == _VARIANT)
    reasons = 0 if good else Reason.NOT_VERIFIED.mask
    if not row.active:
        reasons |= Reason.NOT_ACTIVE.mask
    if row.under_order:
        reasons |= Reason.UNDER_ORDER.mask
    if row.contested:
        reasons |= Reason.CONTESTED.mask
    if row.sim_changed_at and now - row.sim_changed_at < policy.sim:
        reasons |= Reason.SIM_CHANGED.mask
    if row.device_changed_at and now - row.device_changed_at < policy.device:
        reasons |= Reason.DEVICE_CHANGED.mask
    return reasons


def _of_sources(
    standing: Standing | None, sources: Sources, policy: Policy, now: datetime, max_age: timedelta | None
) -> int:
    if standing is None:  # no published run stands behind the row
        return Reason.RECHECK_OVERDUE.mask
    oldest = policy.register if max_age is None else min(policy.register, max_age)
    reasons = 0
    if now - standing.as_of > oldest:
        reasons |= Reason.REGISTER_TOO_OLD.mask
    if not standing.current and (sources.imported_at is None or now - sources.imported_at > policy.recheck):
        reasons |= Reason.RECHECK_OVERDUE.mask
    if now - standing.received_at > policy.carrier:
        reasons |= Reason.CARRIER_DATA_TOO_OLD.mask
    return reasons


def _days(at: datetime | None, now: datetime) -> int | None:
    return max(0, (now - at) // _DAY) if at else None
