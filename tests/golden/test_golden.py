"""The cross-check of the golden set: no false accept, few false alarms, the right reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest

from simcheck.crosscheck import run
from simcheck.matching import rules
from simcheck.reasons import Reason, Verdict
from tests.golden import rows as golden
from tests.golden.rows import ACCEPTED, Case

MOST_FALSE_ALARMS = 0.005
LEAST_RIGHT_REASONS = 0.99


class Answer(NamedTuple):
    """What a case got."""

    case: Case
    verdict: str
    reasons: frozenset[str]

    def __str__(self) -> str:
        case = self.case
        wanted, got = (" ".join(sorted(each)) or "-" for each in (case.reasons, self.reasons))
        return (
            f"case {case.number} {case.kind} ({case.note})\n    {case.line}\n"
            f"    expected {case.verdict}: {wanted}\n    got      {self.verdict}: {got}"
        )


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[Answer]:
    folder = tmp_path_factory.mktemp("golden")
    cases = golden.cases()
    run.check(golden.request(cases, folder))
    table = pq.read_table(folder / "out" / "verdicts.parquet", columns=["verdict", "reasons"])
    ordered = [case for carrier in golden.carriers(cases) for case in cases if case.carrier == carrier]
    got = zip(table["verdict"].to_pylist(), table["reasons"].to_pylist(), strict=True)
    return [
        Answer(case, verdict, frozenset(codes)) for case, (verdict, codes) in zip(ordered, got, strict=True)
    ]


def _judged(answers: list[Answer], which: Callable[[Case], bool]) -> list[Answer]:
    found = [answer for answer in answers if answer.case.strict != "no" and which(answer.case)]
    assert found
    return found


def _shown(wrong: list[Answer]) -> str:
    return "\n" + "\n".join(map(str, wrong))


def test_no_false_accept(answers: list[Answer]) -> None:
    refused = _judged(answers, lambda case: case.verdict not in ACCEPTED)
    wrong = [answer for answer in refused if answer.verdict in ACCEPTED]
    assert not wrong, _shown(wrong)


def test_few_false_alarms(answers: list[Answer]) -> None:
    good = _judged(answers, lambda case: case.verdict in ACCEPTED)
    wrong = [answer for answer in good if answer.verdict not in ACCEPTED]
    assert len(wrong) <= MOST_FALSE_ALARMS * len(good), _shown(wrong)


def test_spelling_without_information_is_verified(answers: list[Answer]) -> None:
    same = _judged(answers, lambda case: case.verdict == "verified" and not case.reasons)
    wrong = [answer for answer in same if answer.verdict != "verified" or answer.reasons]
    assert not wrong, _shown(wrong)


def test_reasons_are_right(answers: list[Answer]) -> None:
    strict = _judged(answers, lambda case: case.strict == "yes")
    wrong = [
        each for each in strict if (each.verdict, each.reasons) != (each.case.verdict, each.case.reasons)
    ]
    assert len(wrong) <= (1 - LEAST_RIGHT_REASONS) * len(strict), _shown(wrong)


def test_the_set_itself() -> None:
    """Every code and verdict is asked for, and no expected verdict contradicts its reasons."""
    cases, people = golden.cases(), golden.citizens()
    strict = [case for case in cases if case.strict == "yes"]
    assert len(strict) >= 1000
    assert {case.strict for case in cases} == {"yes", "verdict", "no"}
    assert [case.number for case in cases] == list(range(1, len(cases) + 1))
    numbers = Counter(person["id_number"] for person in people)
    assert max(numbers.values()) == 1
    assert all(len(number) == 12 and number.isdecimal() for number in numbers)
    counted = Counter(code for case in strict for code in case.reasons)
    assert set(counted) == {reason.name for reason in Reason} - {
        "REGISTER_UNANSWERED"
    }  # a file always answers
    assert min(counted.values()) >= 3
    assert {case.verdict for case in strict} == set(Verdict)
    effects = {reason.name: rule.effect for reason, rule in rules.load().of.items()}
    for case in strict:
        told = max(
            (effects[code] for code in case.reasons if effects[code] != "flag"),
            key=_gravity,
            default="verified",
        )
        # these codes may weigh more than they do alone: a number of two people, a small child
        graver = case.reasons & {"MSISDN_DUPLICATE_IN_CARRIER", "HOLDER_UNDERAGE"}
        assert case.verdict == told or (graver and case.verdict == "mismatch"), case


def _gravity(verdict: str) -> int:
    return rules.VERDICTS.index(Verdict(verdict))
