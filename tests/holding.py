"""What tests of holders stand on: a register and a carrier's checked file, and what was sent to whom."""

from __future__ import annotations

import dataclasses
import datetime
import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from jobs.app import TASKS  # with every task registered
from simcheck.holders import codes, correct, possession
from simcheck.holders.correct import Given, Submitted
from simcheck.holders.sessions import Holder, Started
from simcheck.sending.intents import place
from tests.building import Citizen, citizen, row
from tests.running import a_file, a_register, work

AN, BINH, CHI, DUNG = (
    citizen(1, "Trần Văn An", "1990-05-25"),
    citizen(2, "Lê Thị Bình", "1988-02-03", "F"),
    citizen(3, "Đặng Ngọc Chi", "1975-11-30", "F"),
    citizen(4, "Hoàng Đình Dũng", "2001-07-07"),
)
PEOPLE = (AN, BINH, CHI, DUNG)
CLIENT = "c" * 64


class Sent(NamedTuple):
    """A message as its receiver reads it."""

    kind: str
    channel: str
    address: str
    text: str
    key: str


def national(number: int) -> int:
    """The national significant number of `building.row(number, ...)`."""
    return 900_000_000 + number


async def a_country(
    service: Any, folder: Path, rows: Sequence[dict[str, str | None]], people: Sequence[Citizen] = PEOPLE,
    carrier: str = "viettel",
) -> None:  # fmt: skip
    """A register, and a carrier's file that was checked against it, at the moment `running.NOON`."""
    await a_register(service, folder, people)
    await a_file(service, carrier, rows)
    await checked(service)


async def checked(service: Any) -> None:
    """Do the jobs that are due. Notices are each test's own to make: what a run wakes does nothing."""
    follow = TASKS["notices.follow"]
    TASKS["notices.follow"] = dataclasses.replace(follow, work=_nothing)
    try:
        await work(service)
    finally:
        TASKS["notices.follow"] = follow


async def put_right(
    service: Any, holder: Holder, given: Given, form: uuid.UUID | None = None
) -> Submitted:  # fmt: skip
    """A correction as the page makes it."""
    async with holder.transaction(service) as session:
        kept = await correct.keep(session, service, holder, given, form or uuid.uuid4())
    if isinstance(kept, Submitted):
        return kept
    found = await correct.check(service, kept)
    async with holder.transaction(service) as session:
        return await correct.finish(session, service, kept, found)


async def _nothing(service: Any) -> None:
    """In place of a job."""


def wrong_name(number: int = 1, holder: Citizen = BINH, **changed: str | None) -> dict[str, str | None]:
    """A row whose name is somebody else's."""
    return row(number, holder, full_name="Nguyễn Hữu Sai", **changed)


def case_of(owner: Any, keyring: Any, number: int) -> tuple[uuid.UUID, str]:
    """The id and the code of a number's newest case."""
    found = owner.execute(
        'SELECT id, code FROM "case" WHERE msisdn_token = %s ORDER BY opened_at DESC LIMIT 1',
        [keyring.token("msisdn", national(number))],
    ).fetchone()
    assert found is not None
    return found


def state_of(owner: Any, case_id: uuid.UUID) -> tuple[str, str | None, str | None]:
    """Where a case is, why it is closed, and what was decided."""
    return owner.execute(
        'SELECT state, close_reason, decision FROM "case" WHERE id = %s', [case_id]
    ).fetchone()


def sent(owner: Any, keyring: Any) -> list[Sent]:
    """Everything that is to be sent, in the order in which it was stored."""
    rows = owner.execute("SELECT id, kind, channel, address, text, key FROM message ORDER BY made_at, key")
    return [
        Sent(
            kind, channel, keyring.open(address, place("address", each)).decode(),
            keyring.open(text, place("text", each)).decode(), key,
        )
        for each, kind, channel, address, text, key in rows
    ]  # fmt: skip


def digits_in(text: str) -> str:
    """The one-time code that stands in a message."""
    return re.findall(r"\b\d{6}\b", text)[0]


async def asked(service: Any, code: str, number: int, client: str = CLIENT) -> uuid.UUID:
    """Ask for a one-time code, and let the job do its work."""
    async with service.database.transaction("public", ministry=True) as session:
        challenge = await possession.ask(session, service, code, f"0{national(number)}", client)
    async with service.database.transaction("job:holders.send_code", ministry=True) as session:
        await codes.send(session, service, challenge.id)
    return challenge.id


async def proved(service: Any, owner: Any, number: int) -> Started:
    """Prove to hold a number that has a case."""
    _, code = case_of(owner, service.keyring, number)
    challenge = await asked(service, code, number)
    [digits] = [
        digits_in(each.text) for each in sent(owner, service.keyring) if each.key == f"code/{challenge}"
    ]
    async with service.database.transaction("public", ministry=True) as session:
        proof = await possession.prove(session, service, challenge, digits)
    assert proof.started is not None
    return proof.started


async def held(service: Any, owner: Any, number: int) -> Holder:
    """The holder of a number that has a case."""
    return (await proved(service, owner, number)).holder


def acts(owner: Any) -> list[str]:
    """What the audit chain says was done, in order."""
    return [act for (act,) in owner.execute("SELECT act FROM audit ORDER BY at, stream, seq")]


async def all_of(service: Any, entity: Any) -> list[Any]:
    """Every row of a table."""
    async with service.database.transaction("test", ministry=True) as session:
        return list(await session.scalars(sa.select(entity)))


HOUR = datetime.timedelta(hours=1)
