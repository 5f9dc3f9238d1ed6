"""A citizen register that is asked over HTTP (`register.wire`): in batches, by mutual TLS, with patience.

What it does not answer is unverifiable, never a mismatch: a fault of the line is no fault of a person. A
failed question is asked again after a pause that grows and is drawn by lot; a register that fails on and on
is left alone for a while (`register.breaker`).
"""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import httpx
import numpy as np
import pyarrow as pa
from pydantic import ValidationError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from simcheck.errors import UsageError
from simcheck.normalise.names import U64
from simcheck.parallel import ordered
from simcheck.register.breaker import Breaker
from simcheck.register.protocol import NONE, Answer, Fault, citizens_of
from simcheck.register.snapshot import I64, Citizens, Former
from simcheck.register.wire import MOST_NUMBERS, PATH, Reply, answer_of, question_of

_PASSING = {Fault.SLOW, Fault.CUT_OFF, Fault.SERVER_ERROR}  # what may be better in a moment
_MOST_BYTES = 8 << 20  # of one reply


class Patience(NamedTuple):
    """How long to wait for one batch: `seconds` for a reply to come whole, tries, and the longest first and
    any pause between them."""

    seconds: float = 5.0
    tries: int = 3
    first_pause: float = 0.2
    longest_pause: float = 5.0


class _NoAnswerError(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.value)


def tls(authority: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """Mutual TLS: only a register that `authority` vouches for is spoken to, and it learns who asks.

    Raises UsageError where a file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=str(authority))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        cause = error.strerror or error.__class__.__name__
        raise UsageError(
            f"the online register's certificates cannot be used ({cause}): "
            f"{authority}, {certificate}, {key}. "
            "Give three PEM files: its authority, our certificate, our key."
        ) from None
    return context


class OnlineRegister:
    """A register behind `url`. `as_of` is the day by which its dates are judged. A context; share it."""

    def __init__(
        self, url: str, context: ssl.SSLContext | None, as_of: date, *, batch: int = 500,
        patience: Patience | None = None, breaker: Breaker | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        """Raises UsageError for a `url` that is not https; http is for this machine alone."""
        if not 1 <= batch <= MOST_NUMBERS:
            raise ValueError(f"1 to {MOST_NUMBERS} numbers a question, not {batch}")
        place = httpx.URL(url)
        if place.scheme != "https" and not (place.scheme == "http" and _is_this_machine(place.host)):
            raise UsageError(f"the online register must be asked by https, not {place.scheme or url}")
        self.breaker = breaker or Breaker()
        self._as_of, self._batch, self._sleep = as_of, batch, sleep
        self._patience = patience or Patience()
        self._client = httpx.Client(
            base_url=place,
            verify=context if context is not None else True,
            timeout=self._patience.seconds,
            trust_env=False,  # no proxy of the environment sees whom we ask for
            headers={"user-agent": "simcheck"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def ask(self, numbers: I64, keys: U64, threads: int = 1, near: I64 = NONE) -> Answer:
        """See `protocol.Register`; `threads` batches at once. Raises nothing: the answer tells a fault."""
        wanted = np.unique(np.concatenate([numbers[numbers > 0], near]))
        batches = [wanted[start : start + self._batch] for start in range(0, len(wanted), self._batch)]
        return _together(list(ordered(lambda batch: self._answer(batch, keys), batches, threads)))

    def _answer(self, numbers: I64, keys: U64) -> Answer:
        try:
            for attempt in Retrying(
                stop=stop_after_attempt(self._patience.tries),
                wait=wait_random_exponential(self._patience.first_pause, self._patience.longest_pause),
                retry=retry_if_exception(
                    lambda error: isinstance(error, _NoAnswerError) and error.fault in _PASSING
                ),
                sleep=self._sleep,
                reraise=True,
            ):
                with attempt:
                    answer = self._try(numbers, keys)
        except _NoAnswerError as error:
            return _nobody()._replace(unanswered=numbers, fault=error.fault)
        return answer

    def _try(self, numbers: I64, keys: U64) -> Answer:
        if not self.breaker.allows():
            raise _NoAnswerError(Fault.BREAKER_OPEN)
        try:
            answer = answer_of(self._reply(numbers), numbers, keys, self._as_of)
        except (_NoAnswerError, httpx.HTTPError, ValueError) as error:
            self.breaker.failed()
            raise _NoAnswerError(_fault(error)) from None
        self.breaker.succeeded()
        return answer

    def _reply(self, numbers: I64) -> Reply:
        """One question and its reply; whoever sends it drop by drop is cut off in time all the same."""
        late = time.monotonic() + self._patience.seconds
        content = bytearray()
        body = question_of(numbers).model_dump_json()
        headers = {"content-type": "application/json"}
        with self._client.stream("POST", PATH, content=body, headers=headers) as response:
            if response.status_code >= 500 or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                raise _NoAnswerError(Fault.SERVER_ERROR)
            if response.status_code != httpx.codes.OK:
                raise _NoAnswerError(Fault.REFUSED)
            for piece in response.iter_bytes():
                content += piece
                if time.monotonic() > late:
                    raise _NoAnswerError(Fault.SLOW)
                if len(content) > _MOST_BYTES:
                    raise _NoAnswerError(Fault.NONSENSE)
        return Reply.model_validate_json(bytes(content))


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _fault(error: Exception) -> Fault:
    if isinstance(error, _NoAnswerError):
        return error.fault
    if isinstance(error, httpx.TimeoutException):
        return Fault.SLOW
    if isinstance(error, ValidationError | ValueError | httpx.DecodingError):
        return Fault.NONSENSE
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
            return Fault.UNTRUSTED
        cause = cause.__cause__ or cause.__context__
    return Fault.CUT_OFF


def _nobody() -> Answer:
    none = np.zeros(0, np.int64)
    citizens = citizens_of(
        none, none.astype(np.int32), none.astype(np.uint8), pa.array([], pa.string()), None
    )
    return Answer(citizens, Former(none, none), none)


def _together(answers: list[Answer]) -> Answer:
    """The answers to several questions as one; who answers to two of them stands there once."""
    answers = [_nobody(), *answers]
    citizens = [answer.citizens for answer in answers]
    _, first = np.unique(np.concatenate([each.id_number for each in citizens]), return_index=True)

    def joined(columns: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(columns)[first]

    return Answer(
        Citizens(
            joined([each.id_number for each in citizens]),
            joined([each.name_code for each in citizens]),
            joined([each.born for each in citizens]),
            joined([each.status for each in citizens]),
            pa.concat_arrays([each.full_name for each in citizens]).take(pa.array(first)),
        ),
        Former(
            joined([answer.former.old_id for answer in answers]),
            joined([answer.former.previous_id for answer in answers]),
        ),
        np.concatenate([answer.unanswered for answer in answers]),
        next((answer.fault for answer in answers if answer.fault), None),
    )
