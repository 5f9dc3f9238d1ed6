from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simcheck.normalise.citizen_ids import CMND_BASE
from simcheck.normalise.names import new_keys
from simcheck.register.wire import Question, Reply, answer_of, numbers_of, question_of, reply_of
from tests.building import AS_OF

KEYS = new_keys()
ONE = {
    "id_number": ["001090000001"], "full_name": ["Trần An"], "date_of_birth": ["1990-05-25"],
    "status": ["active"], "old_id_number": ["012345678"], "previous_id_number": [None],
}  # fmt: skip
ASKED = np.array([1_090_000_001])


@given(st.lists(st.one_of(st.integers(1, 10**12 - 1), st.integers(CMND_BASE + 1, CMND_BASE + 10**9 - 1))))
def test_numbers_travel_as_they_are_written(numbers):
    question = question_of(np.array(numbers, np.int64))
    assert numbers_of(Question.model_validate_json(question.model_dump_json())).tolist() == numbers


@pytest.mark.parametrize("born", ["1990-05-25", "1990-05", "1990", None])
@pytest.mark.parametrize("status", ["active", "deceased", "revoked"])
def test_an_answer_travels_whole(born, status):
    reply = Reply(**ONE | {"date_of_birth": [born], "status": [status]})
    answer = answer_of(reply, ASKED, KEYS, AS_OF)
    assert reply_of(answer) == reply
    assert answer.citizens.born.tolist() == [int((born or "").replace("-", "").ljust(8, "0"))]


@pytest.mark.parametrize(
    "asked", [[1_090_000_001], [CMND_BASE + 12_345_678, 7], [1_090_000_001, CMND_BASE + 12_345_678]]
)
def test_who_was_asked_for_by_any_number(asked):
    assert len(answer_of(Reply(**ONE), np.array(asked), KEYS, AS_OF).citizens.id_number) == 1


@pytest.mark.parametrize(
    ("changed", "asked"),
    [
        ({}, [5]),
        ({"date_of_birth": ["1990-13-01"]}, ASKED),
        ({"date_of_birth": ["yesterday"]}, ASKED),
        ({name: column * 2 for name, column in ONE.items()}, ASKED),
    ],
)
def test_what_cannot_be_right_is_no_answer(changed, asked):
    with pytest.raises(ValueError, match="reply") as caught:
        answer_of(Reply(**ONE | changed), np.array(asked), KEYS, AS_OF)
    assert "1090000001" not in str(caught.value)


@pytest.mark.parametrize(
    "changed",
    [
        {"id_number": ["1"]},
        {"id_number": [1_090_000_001]},
        {"id_number": ["٠٠١٠٩٠٠٠٠٠٠١"]},
        {"full_name": [""]},
        {"full_name": ["x" * 501]},
        {"status": ["alive"]},
        {"status": []},
        {"old_id_number": ["1"]},
        {"phone": ["0912345678"]},
    ],
)
def test_a_reply_of_another_shape(changed):
    with pytest.raises(ValidationError) as caught:
        Reply(**ONE | changed)
    assert "001090000001" not in str(caught.value)
    assert "0912345678" not in str(caught.value)


@pytest.mark.parametrize("numbers", [["1"], [1], ["001090000001"] * 1001, "001090000001", None])
def test_a_question_of_another_shape(numbers):
    with pytest.raises(ValidationError):
        Question(numbers=numbers)
