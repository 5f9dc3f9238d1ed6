"""What does the register say of these ID numbers? One question, whoever keeps the register.

Numbers are keys as `normalise.citizen_ids` reads them: 12 digits, or `CMND_BASE` + 9 digits. An answer holds
whoever bears one of them; of a number that nobody bears now, whoever bore it before (no number is given to a
second person); nobody else.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.normalise.citizen_ids import CMND_BASE, PERSONAL_DIGITS
from simcheck.normalise.names import U64, fingerprint
from simcheck.register.index import Index
from simcheck.register.snapshot import I64, Citizens, Former


class Fault(StrEnum):
    """Why a register did not answer; safe to log and to count."""

    SLOW = "slow"
    CUT_OFF = "cut off"
    UNTRUSTED = "untrusted certificate"
    SERVER_ERROR = "server error"
    REFUSED = "refused"
    NONSENSE = "nonsense"
    BREAKER_OPEN = "breaker open"


class Answer(NamedTuple):
    """Who was found, each once, with the numbers they bore before in the same rows.

    `unanswered` are the numbers of which nothing is known, because of `fault`: they are unverifiable. A
    number that is neither there nor among `citizens` and `former` is nobody's.
    """

    citizens: Citizens
    former: Former
    unanswered: I64
    fault: Fault | None = None


NONE: I64 = np.zeros(0, np.int64)


class Register(Protocol):
    """A citizen register that answers for ID numbers. `keys` are the run's fingerprint keys. Of the numbers
    `near`, those who bear them now are wanted, not those who bore them before.
    """

    def ask(self, numbers: I64, keys: U64, threads: int = 1, near: I64 = NONE) -> Answer: ...


def index_of(answer: Answer) -> Index:
    """The answer's citizens as the index that `crosscheck.compare` takes."""
    index = Index(len(answer.citizens.id_number) + 1)
    index.add(answer.citizens)
    return index


def citizens_of(
    id_number: I64, born: npt.NDArray[np.int32], status: npt.NDArray[np.uint8], name: pa.StringArray,
    keys: U64 | None,
) -> Citizens:  # fmt: skip
    """Citizens from stored columns; without `keys` without name codes, which `look_again` needs not."""
    code = np.zeros(0, np.uint64) if keys is None else fingerprint(name, keys).code
    return Citizens(id_number, code, born, status, name)


def slips(numbers: I64) -> I64:
    """Every personal number one slip away from one of `numbers`: a digit changed, or two neighbours swapped.

    Asked of the register together with `numbers`, they let a second look at few rows do without reading all
    of it (`matching.birth_dates.one_digit_slip` says the same of a pair). About 120 for each number.
    """
    personal = numbers[(numbers > 0) & (numbers < CMND_BASE)]
    powers = 10 ** np.arange(PERSONAL_DIGITS, dtype=np.int64)
    digits = personal[:, None] // powers % 10
    changed = [personal[:, None] + (value - digits) * powers for value in range(10)]
    swapped = personal[:, None] + (digits[:, 1:] - digits[:, :-1]) * (powers[:-1] - powers[1:])
    near = [each[(each != personal[:, None]) & (each > 0)] for each in (*changed, swapped)]
    return np.unique(np.concatenate(near))
