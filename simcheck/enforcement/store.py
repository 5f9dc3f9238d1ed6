"""Versions of the policy: drafted, signed off by a second person, in force from a day on, never edited."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.db.engine import actor_of
from simcheck.enforcement import reading
from simcheck.enforcement.calendar import Calendar
from simcheck.enforcement.models import PolicyState, PolicyVersion
from simcheck.enforcement.policy import Policy, shipped
from simcheck.errors import ConflictError, NotFoundError, SamePersonError


async def add(session: AsyncSession, text: str) -> PolicyVersion:
    """Keep a document as a draft; the same text again is the same draft.

    Raises `PolicyRefusedError` where it cannot be kept to, `ConflictError` where its version is there with
    another text.
    """
    text = clean(text)
    policy = reading.read(text)
    known = await session.get(PolicyVersion, policy.version)
    if known is not None:
        if known.text != text:
            raise ConflictError(
                f"The version {policy.version} is there, with another text. A change is a new version."
            )
        return known
    made = PolicyVersion(
        version=policy.version, text=text, digest=sha256(text.encode()).digest(),
        valid_from=policy.valid_from, state=PolicyState.DRAFT.value, made_by=actor_of(session),
        made_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    await session.flush()
    _audit(session, "added", made)
    return made


async def approve(session: AsyncSession, version: str) -> PolicyVersion:
    """Sign another's draft off: it is in force from its day on, or from now where that is past.

    Raises `NotFoundError`, `SamePersonError` for one's own draft, `ConflictError` for what is no draft.
    """
    found = await one(session, version, lock=True)
    if found.state != PolicyState.DRAFT:
        raise ConflictError(f"The policy {version} is {found.state}.")
    if found.made_by == actor_of(session):
        raise SamePersonError("Somebody else has to approve this policy.")
    reading.read(found.text)
    found.state = PolicyState.APPROVED.value
    found.approved_by, found.approved_at = actor_of(session), clock.now()
    await session.flush()
    _audit(session, "approved", found)
    return found


async def withdraw(session: AsyncSession, version: str) -> PolicyVersion:
    """Take back a draft, or what is approved and not in force yet. Raises `NotFoundError`, and
    `ConflictError` for what is or was in force: a newer version takes its place, nothing else does.
    """
    found = await one(session, version, lock=True)
    begun = found.state == PolicyState.APPROVED and found.valid_from <= today()
    if found.state == PolicyState.WITHDRAWN or begun:
        raise ConflictError(f"The policy {version} is {'in force' if begun else 'withdrawn'}.")
    found.state = PolicyState.WITHDRAWN.value
    found.withdrawn_by, found.withdrawn_at = actor_of(session), clock.now()
    await session.flush()
    _audit(session, "withdrawn", found)
    return found


async def one(session: AsyncSession, version: str, *, lock: bool = False) -> PolicyVersion:
    """A version. Raises `NotFoundError`."""
    query = sa.select(PolicyVersion).where(PolicyVersion.version == version)
    found: PolicyVersion | None = await session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFoundError(f"There is no policy {version}.")
    return found


async def versions(session: AsyncSession) -> list[PolicyVersion]:
    """All of them, the newest day first."""
    query = sa.select(PolicyVersion).order_by(PolicyVersion.valid_from.desc(), PolicyVersion.made_at.desc())
    return list(await session.scalars(query))


async def in_force(session: AsyncSession, at: datetime | None = None) -> Policy | None:
    """The policy in force at a moment (else now): of those approved by then, the one of the latest day."""
    moment = at or clock.now()
    query = (
        sa.select(PolicyVersion)
        .where(
            PolicyVersion.state == PolicyState.APPROVED,
            PolicyVersion.valid_from <= moment.astimezone(clock.LOCAL).date(),
            PolicyVersion.approved_at <= moment,
        )
        .order_by(PolicyVersion.valid_from.desc(), PolicyVersion.approved_at.desc())
        .limit(1)
    )
    found: PolicyVersion | None = await session.scalar(query)
    return None if found is None else policy_of(found)


async def calendar(session: AsyncSession) -> Calendar:
    """Which days are worked: the calendar of the policy in force, else of the one that is shipped."""
    found = await in_force(session)
    return (found or _read(shipped())).calendar


async def policies(session: AsyncSession) -> dict[str, Policy]:
    """Every version that was ever approved, by name."""
    query = sa.select(PolicyVersion).where(PolicyVersion.approved_at.is_not(None))
    return {each.version: policy_of(each) for each in await session.scalars(query)}


def policy_of(version: PolicyVersion) -> Policy:
    """What a version says."""
    return _read(version.text)


def clean(text: str) -> str:
    """The text in one spelling (NFC, no spaces at ends of lines): what a form sends is what a file holds."""
    lines = (line.rstrip() for line in unicodedata.normalize("NFC", text).splitlines())
    return "\n".join(lines).rstrip("\n") + "\n"


def today() -> date:
    """The day that it is in Viet Nam."""
    return clock.now().astimezone(clock.LOCAL).date()


@lru_cache(maxsize=64)
def _read(text: str) -> Policy:
    return reading.read(text)


def _audit(session: AsyncSession, verb: str, version: PolicyVersion) -> None:
    detail = {"valid_from": version.valid_from.isoformat(), "sha256": version.digest.hex()}
    audit.record(session, f"policy.{verb}", f"policy/{version.version}", detail, stream="policy")
