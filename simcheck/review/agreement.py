"""How well two reviewers agree: the share of equal judgements, and Cohen's kappa, by whatever divides them.

Kappa takes off what agreement chance alone would bring, given how often each side chooses each decision:

    kappa = (observed - expected) / (1 - expected)

J. Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological Measurement 20(1),
1960, pp. 37-46. Where both sides always choose one and the same decision, chance explains everything and
kappa is not defined.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.clock import LOCAL
from simcheck.reasons import Reason
from simcheck.review.models import DoubleReview

Pairs = Mapping[tuple[str, str], int]  # how often the first judgement was this and the second that


class By(StrEnum):
    """What figures are divided by: who decided first, what they decided, a reason of the case, the month."""

    REVIEWER = "reviewer"
    DECISION = "decision"
    REASON = "reason"
    MONTH = "month"


@dataclass(frozen=True)
class Agreement:
    """Of `judged` cases, both judgements were equal in `agreed`. `raw` is their share, `kappa` as above; None
    where it is not defined. `value` names the group; empty for the whole.
    """

    value: str
    judged: int
    agreed: int
    kappa: float | None

    @property
    def raw(self) -> float | None:
        """The share of equal judgements."""
        return self.agreed / self.judged if self.judged else None


def kappa(pairs: Pairs) -> float | None:
    """Cohen's kappa of a table of pairs; None where it is not defined (nothing judged, or one choice)."""
    total = sum(pairs.values())
    if not total:
        return None
    first: Counter[str] = Counter()
    second: Counter[str] = Counter()
    for (one, other), count in pairs.items():
        first[one] += count
        second[other] += count
    chance = sum(first[each] * second[each] for each in first)  # of total squared
    if chance == total * total:
        return None
    agreed = sum(count for (one, other), count in pairs.items() if one == other)
    return (agreed * total - chance) / (total * total - chance)


def of(value: str, pairs: Pairs) -> Agreement:
    """The figures of a group."""
    agreed = sum(count for (one, other), count in pairs.items() if one == other)
    return Agreement(value, sum(pairs.values()), agreed, kappa(pairs))


def one_against_rest(decision: str, pairs: Pairs) -> Pairs:
    """The same judgements, told apart only by whether they are this decision; those where neither side chose
    it count as equal.
    """
    found: Counter[tuple[str, str]] = Counter()
    for (one, other), count in pairs.items():
        found[decision if one == decision else "", decision if other == decision else ""] += count
    return found


async def figures(session: AsyncSession, by: By) -> tuple[Agreement, Sequence[Agreement]]:
    """Everything that was judged twice as a whole, and divided, the largest group first (months: the newest).

    By decision, a group has the cases where one side or the other chose it, and kappa is of that decision
    against all others. By reason, a case counts under each of its own.
    """
    month = sa.func.to_char(sa.func.timezone(LOCAL.utcoffset(None), DoubleReview.first_at), "YYYY-MM")
    columns: dict[By, sa.ColumnElement[Any]] = {By.REVIEWER: sa.type_coerce(DoubleReview.first_by, sa.Text()),
        By.REASON: sa.type_coerce(DoubleReview.reasons, sa.BigInteger()), By.MONTH: month,
               By.DECISION: sa.literal("")}  # fmt: skip
    key = columns[by].label("key")
    pair = (DoubleReview.first_decision, DoubleReview.second_decision)
    query = sa.select(key, *pair, sa.func.count()).where(DoubleReview.second_by.is_not(None))
    whole: Counter[tuple[str, str]] = Counter()
    groups: dict[str, Counter[tuple[str, str]]] = {}
    for value, first, second, count in await session.execute(query.group_by(key, *pair)):
        whole[first, second] += count
        for name in _names(by, value):
            groups.setdefault(name, Counter())[first, second] += count
    if by is By.DECISION:
        found = [_of_decision(each, whole) for each in {each for pair in whole for each in pair}]
    else:
        found = [of(name, pairs) for name, pairs in groups.items()]
    found.sort(key=lambda each: each.value, reverse=by is By.MONTH)
    if by is not By.MONTH:
        found.sort(key=lambda each: -each.judged)
    return of("", whole), found


def _names(by: By, value: str | int) -> list[str]:
    if isinstance(value, int):
        return [reason.name for reason in Reason if value & reason.mask]
    return [value.removeprefix("person:")] if by is not By.DECISION else []


def _of_decision(decision: str, whole: Pairs) -> Agreement:
    chosen = {pair: count for pair, count in whole.items() if decision in pair}
    return Agreement(
        decision, sum(chosen.values()), whole.get((decision, decision), 0),
        kappa(one_against_rest(decision, whole)),
    )  # fmt: skip
