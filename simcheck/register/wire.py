"""What travels between the service and an online register: JSON, columns rather than rows.

    POST /v1/answers   {"numbers": ["001090000001", "012345678"]}
    200                {"id_number": [...], "full_name": [...], "date_of_birth": [...], "status": [...],
                        "old_id_number": [...], "previous_id_number": [...]}

Only ID numbers are sent, never a name or a phone number. The reply tells who bears one of them or bore one
before, in the words of the public contract (section 1); a number that stands nowhere in it is nobody's.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from simcheck.normalise import dates
from simcheck.normalise.citizen_ids import CMND_BASE, CMND_DIGITS, PERSONAL_DIGITS
from simcheck.normalise.names import U64
from simcheck.register.protocol import Answer, citizens_of
from simcheck.register.snapshot import I64, STATUSES, Former

PATH = "/v1/answers"
MOST_NUMBERS = 1000  # of one question

_Personal = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
_Old = Annotated[str, StringConstraints(pattern=r"^[0-9]{9}$")]
_STRICT = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Question(BaseModel):
    """ID numbers of 12 digits, old ones of 9."""

    model_config = _STRICT
    numbers: Annotated[list[_Personal | _Old], Field(max_length=MOST_NUMBERS)]


class Reply(BaseModel):
    """Citizens as columns of one length."""

    model_config = _STRICT
    id_number: list[_Personal]
    full_name: list[Annotated[str, StringConstraints(min_length=1, max_length=500)]]
    date_of_birth: list[Annotated[str, StringConstraints(max_length=10)] | None]
    status: list[Annotated[str, StringConstraints(pattern=f"^({'|'.join(STATUSES)})$")]]
    old_id_number: list[_Old | None]
    previous_id_number: list[_Personal | None]

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if len({len(column) for column in self.__dict__.values()}) > 1:
            raise ValueError("the columns differ in length")
        return self


def question_of(numbers: I64) -> Question:
    """The question for numbers (keys of `citizen_ids`)."""
    return Question(numbers=[_text(number) for number in numbers.tolist()])


def numbers_of(question: Question) -> I64:
    """The keys of a question's numbers."""
    return np.array(
        [int(text) + CMND_BASE * (len(text) == CMND_DIGITS) for text in question.numbers], np.int64
    )


def reply_of(answer: Answer) -> Reply:
    """An answer as it is sent."""
    citizens, former = answer.citizens, answer.former
    return Reply(
        id_number=[_text(number) for number in citizens.id_number.tolist()],
        full_name=citizens.full_name.to_pylist(),
        date_of_birth=[_day(born) for born in citizens.born.tolist()],
        status=[STATUSES[status] for status in citizens.status.tolist()],
        old_id_number=[_text(number + CMND_BASE) if number else None for number in former.old_id.tolist()],
        previous_id_number=[_text(number) if number else None for number in former.previous_id.tolist()],
    )


def answer_of(reply: Reply, asked: I64, keys: U64, as_of: date) -> Answer:
    """A reply as columns of numbers.

    Raises ValueError where it tells of somebody who was not asked for, of somebody twice, or an impossible
    date: what cannot be right is no answer.
    """
    id_number = _numbers(reply.id_number)
    former = Former(_numbers(reply.old_id_number), _numbers(reply.previous_id_number))
    old = np.where(former.old_id > 0, former.old_id + CMND_BASE, 0)
    was_asked = np.isin(id_number, asked) | np.isin(old, asked) | np.isin(former.previous_id, asked)
    if not was_asked.all() or len(np.unique(id_number)) < len(id_number):
        raise ValueError("the reply tells of somebody who was not asked for, or twice of one")
    born = dates.normalise(pa.array(reply.date_of_birth, pa.string()), as_of).ymd
    if ((born == 0) & np.array([bool(text) for text in reply.date_of_birth], np.bool_)).any():
        raise ValueError("the reply has an impossible date")
    status = np.array([STATUSES.index(status) for status in reply.status], np.uint8)
    name = pa.array(reply.full_name, pa.string())
    return Answer(citizens_of(id_number, born, status, name, keys), former, np.zeros(0, np.int64))


def _text(number: int) -> str:
    if number >= CMND_BASE:
        return f"{number - CMND_BASE:0{CMND_DIGITS}d}"
    return f"{number:0{PERSONAL_DIGITS}d}"


def _numbers(column: list[str] | list[str | None]) -> npt.NDArray[np.int64]:
    return np.array([int(text or 0) for text in column], np.int64)


def _day(born: int) -> str | None:
    if not born:
        return None
    year, month, day = born // 10_000, born // 100 % 100, born % 100
    return f"{year:04}-{month:02}-{day:02}" if day else f"{year:04}-{month:02}" if month else f"{year:04}"
