"""A holder says what the record should be, and it is checked at once, by the same code as a run's.

Kept in one transaction (`keep`), checked with none open (`check`), settled in another (`finish`): a register
that answers slowly holds no connection, and what is kept is checked again by a sweep whatever happens.

The answer is only that it agrees or that it does not: which cell is wrong would tell what the register holds.
What agrees closes the case, and the carrier is given it to mend its record; what does not goes to staff.
"""

from __future__ import annotations

import asyncio
import json
import unicodedata
import uuid
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.access import limits
from simcheck.access.limits import Limit
from simcheck.cases.decide import Wanted, decide
from simcheck.cases.models import Answer, Case
from simcheck.cases.states import State, Who, allowed
from simcheck.crosscheck import recheck
from simcheck.crosscheck.finish import day_of, measure_of
from simcheck.crosscheck.models import Subscription
from simcheck.crosscheck.places import Lake
from simcheck.crosscheck.recheck import OfFile, Rechecked
from simcheck.errors import ConflictError, InvalidError, TooManyError
from simcheck.gate.declared import declared_record
from simcheck.holders import records, registered
from simcheck.holders.models import Correction, Outcome
from simcheck.holders.sessions import Holder
from simcheck.matching.rules import GRAVER, VERDICTS
from simcheck.messages.alphabets import clean
from simcheck.normalise import citizen_ids, dates
from simcheck.normalise.citizen_ids import CMND_BASE, CMND_DIGITS, PERSONAL_DIGITS
from simcheck.notices import closing, policy
from simcheck.privacy import Keyring
from simcheck.reasons import Reason, Verdict
from simcheck.register import keeping
from simcheck.register.protocol import Register
from simcheck.service import Service

MOST_NAME, MOST_CELL = 100, 200  # characters
FIELDS = ("id_number", "full_name", "date_of_birth")
# Tries about one person's ID number, whoever makes them.
PERSON = Limit("corrections-person", 20 / 86_400, 20)
PATIENCE = timedelta(days=3)  # that a correction waits for the register, before staff look at it
# Those who correct one case wait for one another.
ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('correction', :number))")
_DUPLICATE, _CLAIMED = Reason.MSISDN_DUPLICATE_IN_CARRIER, Reason.MSISDN_CLAIMED_BY_OTHER_CARRIER
_IN_NAMES = " '-.’"
_GOOD = {Verdict.VERIFIED, Verdict.VARIANT}


@dataclass(frozen=True)
class Given:
    """The three cells, as somebody typed them or (from a preview) as they were read."""

    id_number: str = field(repr=False)
    full_name: str = field(repr=False)
    date_of_birth: str = field(repr=False)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a field: `field` one of `FIELDS`, `code` one of missing, malformed, impossible,
    long; and conflict, which does not stop anybody: the number names another year of birth or another place
    than any.
    """

    field: str
    code: str


@dataclass(frozen=True)
class Preview:
    """The cells as they were read (digits of the number; the name in NFC, single spaces; the date as
    yyyy-mm-dd, yyyy-mm or yyyy), what stops them, and what is only strange.
    """

    read: Given
    faults: tuple[Fault, ...]
    strange: tuple[Fault, ...]


@dataclass(frozen=True)
class Submitted:
    """What came of a correction, and where the case is now. `again`: this form had been sent before."""

    outcome: Outcome
    state: State
    again: bool = False


@dataclass(frozen=True)
class Check:
    """A correction that is kept, and what it takes to check it."""

    correction_id: uuid.UUID
    subscription: Subscription
    read: Given = field(repr=False)
    register: Register


def preview(given: Given, today: date) -> Preview:
    """How the cells are read. Pure: the register is not asked, and nothing is told that the holder did not
    say.

    Separators are left out; nothing is repaired: a holder can type the number once more.
    """
    raw = Given(*(_typed(each) for each in (given.id_number, given.full_name, given.date_of_birth)))
    born = dates.normalise(pa.array([raw.date_of_birth]), today)
    ids = citizen_ids.normalise(pa.array([raw.id_number]), None, born, None, today)
    key, flags, ymd = int(ids.key[0]), int(ids.flags[0]), int(born.ymd[0])
    name = " ".join(raw.full_name.split())
    faults: list[Fault] = []
    if not raw.id_number or not key or flags & Reason.ID_FORMAT_REPAIRED.mask:
        faults.append(Fault("id_number", "malformed" if raw.id_number else "missing"))
    if fault := _fault_of_name(name):
        faults.append(Fault("full_name", fault))
    impossible = int(born.flags[0]) & Reason.DOB_IMPOSSIBLE.mask
    if not ymd or impossible:
        code = "missing" if not raw.date_of_birth else "impossible" if impossible else "malformed"
        faults.append(Fault("date_of_birth", code))
    strange = flags & Reason.ID_STRUCTURE_CONFLICT.mask and not faults
    read = Given(
        id_text(key) if key else raw.id_number, name, date_text(ymd) if ymd else raw.date_of_birth
    )  # fmt: skip
    return Preview(read, tuple(faults), (Fault("id_number", "conflict"),) if strange else ())


async def keep(
    session: AsyncSession, service: Service, holder: Holder, given: Given, form: uuid.UUID
) -> Check | Submitted:
    """Keep what the record of the number should be that the holder has in hand; `form` is drawn once with
    each form. `Submitted`: it had been sent before.

    Raises `InvalidError` for cells with faults, `TooManyError` above the tries of a day, `ConflictError`
    where there is nothing (more) to correct or the form was another case's, `NotFoundError` where the carrier
    declares the number no more, `UnavailableError` before the first register.
    """
    shown = preview(given, day_of(clock.now()))
    if shown.faults:
        raise InvalidError(f"{shown.faults[0].field}: {shown.faults[0].code}. Correct it.")
    if holder.carrier is None or holder.msisdn_token is None:
        raise InvalidError("This session is of a person. Prove that you hold the number.")
    number = int.from_bytes(holder.msisdn_token[:8], "big", signed=True)
    await session.execute(ONE_AT_A_TIME, {"number": number})
    case = await registered.newest_case(session, holder.carrier, holder.msisdn_token)
    known = await session.scalar(sa.select(Correction).where(Correction.form == form))
    if known is not None and case is not None:
        if known.msisdn_token != holder.msisdn_token or known.carrier != holder.carrier:
            raise ConflictError("This form was sent already. Open the page again.")
        return Submitted(Outcome(known.outcome), State(case.state), again=True)
    if case is None or allowed("corrected", Who.HOLDER, State(case.state)) is None:
        raise ConflictError("There is nothing to correct now. Open the page again to see why.")
    subscription = await records.find(session, holder.carrier, holder.msisdn_token)
    await _take_a_try(session, service, holder.msisdn_token, shown.read)
    register = await keeping.counting(session, service)
    correction = Correction(
        id=uuid.uuid4(), carrier=case.carrier, case_id=case.id, msisdn_token=case.msisdn_token, form=form,
        batch_id=subscription.batch_id, row=subscription.row, outcome=Outcome.WAITING,
        made_by=holder.actor, made_at=clock.now(),
    )  # fmt: skip
    correction.cells = service.keyring.seal(json.dumps(asdict(shown.read)).encode(), bound_to(correction.id))
    session.add(correction)
    await session.flush()
    return Check(correction.id, subscription, shown.read, register)


async def check(service: Service, wanted: Check) -> Rechecked:
    """The declared record with these cells in place of its own. Called with no transaction open. Raises
    `SealError`.
    """
    today, whole = day_of(clock.now()), of_whole(wanted.subscription)
    place = _place(wanted.subscription)

    def one() -> Rechecked:
        cells = {**declared_record(service, *place), **asdict(wanted.read)}
        present = Lake(service.store, service.keyring).declared(*place[:2]).manifest["present"]
        # What a holder types is Unicode, whatever the carrier's file is written in.
        file = OfFile("face_verified_at" in present, frozenset())
        return recheck.one(cells, wanted.register, measure_of(today), whole, file)

    return await asyncio.to_thread(one)


async def finish(
    session: AsyncSession, service: Service, wanted: Check, found: Rechecked
) -> Submitted:  # fmt: skip
    """Let what the check found have its effect. Where the carrier declared another record meanwhile, the
    correction waits to be checked again.
    """
    correction = await session.get_one(
        Correction, wanted.correction_id, with_for_update=True, populate_existing=True
    )
    case = await session.get_one(Case, correction.case_id)
    now = await session.get(
        Subscription, (correction.msisdn_token, correction.carrier), populate_existing=True
    )
    stands = now is not None and _place(now) == _place(wanted.subscription)
    if correction.outcome == Outcome.WAITING and stands:
        await settle(session, service, correction, case, found)
    return Submitted(Outcome(correction.outcome), State(case.state))


async def settle(
    session: AsyncSession, service: Service, correction: Correction, case: Case, found: Rechecked | None
) -> None:
    """Let a correction have its effect: on the case, and for the carrier. `found` None: the register stayed
    silent for too long, and staff look.

    Where the register did not answer, the correction waits. Where the case meanwhile allows no such move,
    what the holder said becomes evidence in it, if it is open.
    """
    if found is not None and found.reasons & Reason.REGISTER_UNANSWERED.mask:
        _record(session, correction)
        return
    agrees = found is not None and found.verdict in _GOOD
    correction.outcome = Outcome.AGREES if agrees else Outcome.DIFFERS
    correction.settled_at = clock.now()
    if found is not None:
        correction.verdict, correction.reasons = VERDICTS.index(found.verdict), found.reasons
    wished = "corrected" if agrees else "answered"
    move = wished if allowed(wished, Who.HOLDER, State(case.state)) else "evidence"
    if case.closed_at is None:
        note = None
        if move != "corrected" and correction.cells is not None:
            note = service.keyring.open(correction.cells, bound_to(correction.id))
        reason = "holder_corrects" if agrees else "does_not_agree"
        wanted = Wanted(move, Who.HOLDER, reason, note=note, answer=None if agrees else Answer.DIFFERS)
        referral = timedelta(days=service.settings.referral_days)
        await decide(session, service.keyring, case.id, wanted, referral=referral)
        if move == "corrected":  # whoever was told that it is wrong is thanked at once
            await closing.finish(session, service, policy.of(service.settings), [case.id])
    _record(session, correction)


def bound_to(correction_id: uuid.UUID) -> str:
    """What a correction's cells are bound to."""
    return f"correction/cells/{correction_id}"


def cells_of(keyring: Keyring, correction: Correction) -> Given | None:
    """What the holder said; None where it is kept no more. Raises `SealError`."""
    if correction.cells is None:
        return None
    return Given(**json.loads(keyring.open(correction.cells, bound_to(correction.id))))


def of_whole(subscription: Subscription) -> int:
    """Of the run's words those that stay true of the number whoever holds it.

    The ledger does not tell the graver form of a number on two rows of the carrier: while the record is a
    mismatch it is taken for it, so that staff look at both rows.
    """
    whole = subscription.reasons & (_DUPLICATE.mask | _CLAIMED.mask)
    if whole & _DUPLICATE.mask and subscription.verdict == VERDICTS.index(Verdict.MISMATCH):
        whole |= 1 << GRAVER[_DUPLICATE]
    return whole


def _place(of: Subscription) -> tuple[str, uuid.UUID, int, int]:
    """Where the declared record lies."""
    return of.carrier, of.batch_id, of.bucket, of.row


async def _take_a_try(session: AsyncSession, service: Service, msisdn_token: bytes, read: Given) -> None:
    """One of the number's tries, and one of the person's whose ID number is typed."""
    a_day = service.settings.correction_tries
    person = service.keyring.token("asked_id", read.id_number).hex()
    own = Limit("corrections-number", a_day / 86_400, a_day)
    for limit, subject in ((own, msisdn_token.hex()), (PERSON, person)):
        [grant] = await limits.take(session, limit, [subject])
        if not grant.granted:
            raise TooManyError(
                "No more corrections can be tried now. Wait, or ask the help desk.", grant.wait
            )


def _record(session: AsyncSession, correction: Correction) -> None:
    detail = {"case": str(correction.case_id), "outcome": correction.outcome}
    audit.record(
        session, "correction.checked", f"correction/{correction.id}", detail,
        stream=f"correction/{correction.carrier}",
    )  # fmt: skip


def _typed(cell: str) -> str:
    """Typed text without what is not to be seen in it; full-width digits as digits."""
    return clean(unicodedata.normalize("NFKC", cell[:MOST_CELL]))


def _fault_of_name(name: str) -> str | None:
    if not name:
        return "missing"
    if len(name) > MOST_NAME:
        return "long"
    letters = all(unicodedata.category(each)[0] in "LM" or each in _IN_NAMES for each in name)
    return None if letters and any(each.isalpha() for each in name) else "malformed"


def id_text(key: int) -> str:
    """An ID number's key (`normalise.citizen_ids`) as its digits."""
    return f"{key:0{PERSONAL_DIGITS}}" if key < CMND_BASE else f"{key - CMND_BASE:0{CMND_DIGITS}}"


def date_text(ymd: int) -> str:
    """A date (`normalise.dates`) as yyyy-mm-dd, yyyy-mm or yyyy."""
    year, month, day = ymd // 10_000, ymd // 100 % 100, ymd % 100
    return "-".join(f"{part:02}" for part in (year, month, day) if part)
