"""Signing where the chain stands, and reading all of it to see whether it still holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.audit.chain import START, canonical, hash_of
from simcheck.audit.models import Checkpoint, Entry, Head
from simcheck.privacy import Keyring

# One checkpoint at a time.
ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtext('simcheck audit checkpoint'))")
# Where each stream stood at the checkpoints so far: the newest mention of it.
SIGNED_SO_FAR = sa.text("""
SELECT DISTINCT ON (stream) stream, (place ->> 0)::bigint AS seq
FROM audit_checkpoint, jsonb_each(heads) AS head (stream, place)
ORDER BY stream, audit_checkpoint.seq DESC
""")


@dataclass(frozen=True)
class Fault:
    """The first row that is wrong: `stream` and `seq` name it, `cause` says how."""

    stream: str
    seq: int
    cause: str

    def __str__(self) -> str:
        return f"{self.stream} row {self.seq}: {self.cause}"


async def checkpoint(session: AsyncSession, keyring: Keyring) -> Checkpoint | None:
    """Sign the last row of every stream that grew since the last time; None when none did."""
    await session.execute(ONE_AT_A_TIME)
    signed = {row.stream: row.seq for row in await session.execute(SIGNED_SO_FAR)}
    heads = {
        head.stream: [head.seq, head.hash.hex()]
        for head in await session.scalars(sa.select(Head))
        if head.seq != signed.get(head.stream)
    }
    if not heads:
        return None
    last = await session.scalar(sa.select(Checkpoint).order_by(Checkpoint.seq.desc()).limit(1))
    seq, previous = (last.seq + 1, last.hash) if last else (1, START)
    made = Checkpoint(seq=seq, at=clock.now(), heads=heads, previous=previous)
    made.hash = _hash_of(made)
    made.signature = keyring.sign(made.hash)
    session.add(made)
    return made


def _hash_of(each: Checkpoint) -> bytes:
    at = each.at.astimezone(UTC).isoformat(timespec="microseconds")
    return sha256(each.previous + canonical({"seq": each.seq, "at": at, "heads": each.heads})).digest()


async def verify(
    session: AsyncSession, keyring: Keyring, kept: tuple[int, bytes] | None = None
) -> tuple[int, Fault | None]:
    """Read the whole chain: (rows that are right, the first fault or None).

    The session must see one snapshot (`transaction(snapshot=True)`), or rows that are being written look
    wrong. Checked are every row's hash and place, that each stream ends where its head says, that every
    row that a checkpoint signed is there unchanged, and the checkpoints themselves. Whoever owns the
    database could cut rows and checkpoints off together: `kept`, the number and hash of a checkpoint that
    was kept elsewhere, must still be among them. Memory does not grow with the chain's length.
    """
    rows = 0
    heads = {head.stream: head for head in await session.scalars(sa.select(Head))}
    stream, seq, previous = "", 0, START
    async for entry in _entries(session):
        if entry.stream != stream:
            fault = _end_fault(stream, seq, previous, heads)
            if fault:
                return rows, fault
            stream, seq, previous = entry.stream, 0, START
        fault = _row_fault(entry, seq + 1, previous)
        if fault:
            return rows, fault
        rows, seq, previous = rows + 1, entry.seq, entry.hash
    fault = _end_fault(stream, seq, previous, heads)
    for emptied in sorted(heads):
        fault = fault or _end_fault(emptied, 0, START, heads)
    return rows, fault or await _checkpoint_fault(session, keyring, kept)


async def _entries(session: AsyncSession) -> AsyncIterator[Entry]:
    ordered = sa.select(Entry).order_by(Entry.stream, Entry.seq)
    async for entry in await session.stream_scalars(ordered.execution_options(yield_per=1000)):
        session.expunge(entry)
        yield entry


def _row_fault(entry: Entry, seq: int, previous: bytes) -> Fault | None:
    if entry.seq != seq:
        return Fault(entry.stream, seq, "the row is missing")
    if entry.previous != previous:
        return Fault(entry.stream, seq, "the row before it is not the one that it was written after")
    if entry.hash != hash_of(entry, seq, previous):
        return Fault(entry.stream, seq, "the row was changed")
    return None


def _end_fault(stream: str, seq: int, last: bytes, heads: dict[str, Head]) -> Fault | None:
    """Whether the stream ends where its head says. Takes it off the heads that are still to be looked at."""
    head = heads.pop(stream, None)
    if not stream:
        return None
    if head is None:
        return Fault(stream, seq, "the stream's head is missing")
    if head.seq > seq:
        return Fault(stream, seq + 1, "cut off: the stream's head names a later row")
    if (head.seq, head.hash) != (seq, last):
        return Fault(stream, seq, "the stream's head names another row")
    return None


async def _checkpoint_fault(
    session: AsyncSession, keyring: Keyring, kept: tuple[int, bytes] | None
) -> Fault | None:
    """The first checkpoint that is wrong, or the first row that one signed and that is not there."""
    seq, previous = 0, START
    ordered = sa.select(Checkpoint).order_by(Checkpoint.seq).execution_options(yield_per=100)
    async for each in await session.stream_scalars(ordered):
        seq += 1
        if each.seq != seq or each.previous != previous:
            return Fault("checkpoints", seq, "a checkpoint is missing")
        if each.hash != _hash_of(each) or not keyring.verify(each.signature, each.hash):
            return Fault("checkpoints", seq, "the checkpoint was changed, or signed with other keys")
        if kept and kept[0] == seq and kept[1] != each.hash:
            return Fault("checkpoints", seq, "the checkpoint is not the one that was kept")
        fault = await _signed_fault(session, each)
        if fault:
            return fault
        previous = each.hash
    if kept and kept[0] > seq:
        return Fault("checkpoints", seq + 1, f"cut off: checkpoint {kept[0]} was kept")
    return None


async def _signed_fault(session: AsyncSession, signed: Checkpoint) -> Fault | None:
    for stream, (seq, digest) in sorted(signed.heads.items()):
        found = await session.scalar(sa.select(Entry.hash).where(Entry.stream == stream, Entry.seq == seq))
        if found is None:
            last = await session.scalar(sa.select(sa.func.max(Entry.seq)).where(Entry.stream == stream))
            return Fault(stream, (last or 0) + 1, f"cut off: checkpoint {signed.seq} signed row {seq}")
        if found.hex() != digest:
            return Fault(stream, seq, f"not the row that checkpoint {signed.seq} signed")
    return None
