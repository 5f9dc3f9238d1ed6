"""Asking and answering: the questions of one moment together, so that thousands a second can be answered.

While a batch is at the database, the questions that come in wait for the next. A batch is two round trips:
what is known of all its numbers, then all its rows of the question log (and the guesses that were wrong). No
answer leaves before its row is committed, so none is lost, whenever the process is killed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from psycopg.types.numeric import Int8

from simcheck import clock, log
from simcheck.config import Settings
from simcheck.db.direct import Direct
from simcheck.errors import SimcheckError, TooManyError, UnavailableError
from simcheck.gate.eligibility import Answer, Policy, Sources, Standing, Subscription, judge, refusal
from simcheck.gate.guesses import Bucket, Buckets, Purse
from simcheck.gate.reasons import Reason
from simcheck.normalise import citizen_ids, dates, phones
from simcheck.reasons import Reason as Finding
from simcheck.service import Service

MOST = 256  # questions of a batch
FEW, GATHER = 4, 0.004  # after a batch of more than a few, others are gathered for so many seconds
FRESH = 1.0  # seconds that what is known of the register and the carriers may be old
# The current register, and for each carrier the register and the file behind what is published of it.
SOURCES = """
SELECT NULL, coalesce(as_of, imported_at), true, imported_at FROM register_snapshot WHERE state = 'current'
UNION ALL
SELECT carrier.code, coalesce(register.as_of, register.imported_at), register.state = 'current',
       batch.received_at
FROM carrier
CROSS JOIN LATERAL (
    SELECT register_id, batch_id FROM run WHERE run.carrier = carrier.code AND state = 'published'
    ORDER BY published_at DESC LIMIT 1
) AS run
JOIN register_snapshot AS register ON register.id = run.register_id
JOIN batch ON batch.id = run.batch_id
"""
# All that is known of these numbers: what the carriers' files say, and what they told since; and what is left
# in these buckets of guesses, in rows that have a level. One round trip: each costs as much as ten questions.
# Parameters are sent in binary (%b): as text every element of an array is searched for what must be quoted.
FIND = """
SELECT msisdn_token, subscription.carrier, id_token, verdict, status, under_order, claimants, contested,
       activated_on,
       greatest(sim_changed_at, told.sim), greatest(device_changed_at, told.device), NULL, NULL
FROM subscription
LEFT JOIN LATERAL (
    SELECT max(at) FILTER (WHERE kind = 'sim_changed') AS sim,
           max(at) FILTER (WHERE kind = 'device_changed') AS device
    FROM sim_event
    WHERE sim_event.msisdn_token = subscription.msisdn_token AND sim_event.carrier = subscription.carrier
) AS told ON true
WHERE msisdn_token = ANY(%b)
UNION ALL
SELECT key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, level, at
FROM rate_bucket WHERE key = ANY(%b)
"""
# The log of a batch.
RECORD = """
INSERT INTO otp_question (at, client, msisdn_token, id_token, eligible, reasons)
SELECT * FROM unnest(%b::timestamptz[], %b::text[], %b::bytea[], %b::bytea[], %b::boolean[], %b::bigint[])
"""
# What a badly typed number could mean is for the one who typed it to say.
_GUESSED = np.uint64(Finding.ID_FORMAT_REPAIRED.mask) | citizen_ids.UNPROVEN


@dataclass
class _Question:
    client: str
    msisdn: str
    id_number: str
    max_age: timedelta | None
    at: datetime
    told: asyncio.Future[Answer]
    msisdn_token: bytes | None = None
    id_token: bytes | None = None
    buckets: tuple[Bucket, ...] = ()
    answer: Answer | None = None
    wait: float = 0


@dataclass
class Desk:
    """Where a process asks. `close` when it ends."""

    service: Service
    _waiting: list[_Question] = field(default_factory=list)
    _serving: asyncio.Task[None] | None = None
    _sources: Sources = field(default_factory=lambda: Sources(None, None, {}))
    _read_at: float = -FRESH

    def __post_init__(self) -> None:
        settings = self.service.settings
        self._policy, self._buckets = policy_of(settings), Buckets(settings)
        self._direct = Direct(self.service.database.url, "gate")
        _look_up(self.service, [_question("", "0", "0")])  # so that nobody has to wait for kernels to load

    async def ask(self, client: str, msisdn: str, id_number: str, max_age: timedelta | None = None) -> Answer:
        """Is this number's SIM this person's, now? `msisdn` and `id_number` as they were typed.

        Raises `TooManyError` when too many guesses were wrong, `UnavailableError` when the database does not
        answer or there is no register: then nothing is known, and nobody may be let in.
        """
        question = _question(client, msisdn, id_number, max_age)
        self._waiting.append(question)
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())
        return await question.told

    @property
    def as_of(self) -> datetime | None:
        """The moment of the register that was current when it was last looked."""
        return self._sources.as_of

    async def close(self) -> None:
        """Answer who still waits, and leave the database."""
        while self._serving is not None:
            await self._serving
        await self._direct.close()

    async def _serve(self) -> None:
        busy = False
        try:
            while self._waiting:
                if busy:
                    await asyncio.sleep(GATHER)
                batch = self._next()
                busy = len(batch) > FEW
                try:
                    await self._answer(batch)
                except Exception as error:
                    _fail(batch, error)
        finally:
            self._serving = None

    def _next(self) -> list[_Question]:
        """A batch: at most one question about a number, or many guesses at once would be held against the
        same level. The others wait for the next batch.
        """
        batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        _look_up(self.service, [each for each in batch if each.msisdn_token is None])
        first: dict[bytes, _Question] = {}
        now: list[_Question] = []
        later: list[_Question] = []
        for each in batch:
            alone = each.msisdn_token is None or first.setdefault(each.msisdn_token, each) is each
            (now if alone else later).append(each)
        self._waiting[:0] = later
        return now

    async def _answer(self, batch: list[_Question]) -> None:
        asked = [each for each in batch if each.msisdn_token and each.id_token]
        for each in asked:
            assert each.msisdn_token
            each.buckets = self._buckets.of(each.client, each.msisdn_token)
        if time.monotonic() - self._read_at >= FRESH:
            self._sources = await self._read_sources()
        numbers = [each.msisdn_token for each in asked]
        keys = list({bucket.key for each in asked for bucket in each.buckets})
        rows: dict[bytes, list[Subscription]] = {}
        left = {}
        for *found, level, since in await self._direct.fetch(FIND, [numbers, keys]):
            if level is None:
                rows.setdefault(found[0], []).append(Subscription._make(found))
            else:
                left[found[0]] = level, since
        purse = Purse(left)
        for each in batch:
            each.answer = self._judged(each, rows, purse)
        await purse.write(self._direct, max(each.at for each in batch))
        await self._direct.fetch(RECORD, _columns(batch))
        for each in batch:
            _tell(each)

    def _judged(self, asked: _Question, rows: dict[bytes, list[Subscription]], purse: Purse) -> Answer:
        if asked.msisdn_token is None:
            return refusal(Reason.MSISDN_INVALID, self._sources)
        if asked.id_token is None:
            return refusal(Reason.ID_INVALID, self._sources)
        asked.wait = purse.wait(asked.buckets, asked.at)
        if asked.wait:
            return refusal(Reason.TOO_MANY_GUESSES, self._sources)
        known = rows.get(asked.msisdn_token, ())
        answer = judge(known, asked.id_token, self._sources, self._policy, asked.at, asked.max_age)
        if answer.reasons & Reason.NOT_THIS_PERSON.mask:
            purse.spend(asked.buckets)
        return answer

    async def _read_sources(self) -> Sources:
        began = time.monotonic()
        as_of = imported_at = None
        carriers = {}
        for carrier, moment, current, since in await self._direct.fetch(SOURCES, []):
            if carrier is None:
                as_of, imported_at = moment, since
            else:
                carriers[carrier] = Standing(moment, current, since)
        self._read_at = began
        return Sources(as_of, imported_at, carriers)


def _question(client: str, msisdn: str, id_number: str, max_age: timedelta | None = None) -> _Question:
    told: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    return _Question(client, msisdn, id_number, max_age, clock.now(), told)


def policy_of(settings: Settings) -> Policy:
    """The policy that the settings make."""
    return Policy(
        register=timedelta(hours=settings.otp_register_hours),
        recheck=timedelta(hours=settings.otp_recheck_hours),
        carrier=timedelta(days=settings.otp_carrier_days),
        sim=timedelta(days=settings.otp_sim_days),
        device=timedelta(days=settings.otp_device_days),
        variants=settings.otp_variants,
    )


def _look_up(service: Service, batch: Sequence[_Question]) -> None:
    """Read the numbers as they were typed, and give them their tokens; none where there is no such number."""
    if not batch:
        return
    token = service.keyring.token
    national = phones.normalise(pa.array([each.msisdn for each in batch], pa.string())).national.tolist()
    nothing = pa.nulls(len(batch), pa.string())
    born = dates.normalise(nothing, clock.now().date())
    ids = citizen_ids.normalise(pa.array([each.id_number for each in batch], pa.string()), None, born, None)
    good = ((ids.key > 0) & (ids.flags & _GUESSED == 0)).tolist()
    for each, number, key, sure in zip(batch, national, ids.key.tolist(), good, strict=True):
        each.msisdn_token = token("msisdn", number) if number else None
        each.id_token = token("id", key) if sure else None


def _columns(batch: Sequence[_Question]) -> list[list[object]]:
    answers = [each.answer for each in batch if each.answer]
    return [
        [each.at for each in batch],
        [each.client for each in batch],
        [each.msisdn_token or b"" for each in batch],
        [each.id_token or b"" for each in batch],
        [answer.eligible for answer in answers],
        [Int8(answer.reasons) for answer in answers],
    ]


def _tell(asked: _Question) -> None:
    answer = asked.answer
    if asked.told.done() or answer is None:  # done: whoever asked is gone
        return
    if asked.wait:
        said = "Too many wrong questions about this number, or of this client. Wait."
        asked.told.set_exception(TooManyError(said, asked.wait))
    elif answer.as_of is None:
        asked.told.set_exception(UnavailableError("there is no citizen register yet. Try again later."))
    else:
        asked.told.set_result(answer)


def _fail(batch: Sequence[_Question], error: Exception) -> None:
    if not isinstance(error, SimcheckError):
        log.logger().error("defect", exc_info=error)
        error = UnavailableError("the question could not be answered. Try again.")
    for each in batch:
        if not each.told.done():
            each.told.set_exception(error)
