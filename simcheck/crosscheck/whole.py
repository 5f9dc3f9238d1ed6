"""What only the whole run can tell: numbers declared twice, people with many SIMs, dead encodings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from simcheck.crosscheck.findings import I64, U64, Findings, Source
from simcheck.crosscheck.members import Members, Tally
from simcheck.matching.names import DOUBT, DOUBT_SHIFT, READ_SHIFT
from simcheck.matching.rules import GRAVER, Rules
from simcheck.normalise.words import KEYBOARDS_FROM
from simcheck.parallel import ordered
from simcheck.reasons import Reason

_DUPLICATE = np.uint64(Reason.MSISDN_DUPLICATE_IN_CARRIER.mask)
_DUPLICATE_GRAVER = np.uint64(1 << GRAVER[Reason.MSISDN_DUPLICATE_IN_CARRIER])
_FACE, _DIFFERENT = np.uint64(Reason.FACE_NOT_VERIFIED.mask), np.uint64(Reason.NAME_DIFFERENT.mask)
_ENCODING = np.uint64(Reason.NAME_ENCODING.mask)
_CLAIMED = np.uint64(Reason.MSISDN_CLAIMED_BY_OTHER_CARRIER.mask)


@dataclass(frozen=True)
class _Holding:
    """Batches over which a holder's numbers are counted, and what too many of them mean."""

    batches: list[Findings]
    limits: list[tuple[int, Reason]]
    tally: Tally

    @classmethod
    def over(cls, batches: list[Findings], limits: list[tuple[int, Reason]]) -> _Holding:
        """A holding of which nothing is counted yet."""
        return cls(batches, limits, Tally(_rows(batches), min(least for least, _ in limits)))


def look_at_whole(findings: list[Findings], sources: list[Source], rules: Rules, threads: int) -> None:
    """Add the reasons that need all rows of all files."""
    _settle(findings, sources, rules)
    of_carrier: dict[str, list[Findings]] = {}
    for batch in findings:
        of_carrier.setdefault(sources[batch.source].carrier, []).append(batch)
    per_carrier, total = limits(rules)
    if len(of_carrier) == 1:
        holdings = [_Holding.over(findings, [per_carrier, total])]
    else:
        holdings = [_Holding.over(batches, [per_carrier]) for batches in of_carrier.values()]
        holdings.append(_Holding.over(findings, [total]))
    numbers = Tally(_rows(findings), 2)
    jobs = [(numbers, findings, _number), *((each.tally, each.batches, _holder) for each in holdings)]
    for _ in ordered(lambda job: _count(*job), jobs, threads):
        pass
    _claims(of_carrier, numbers, threads)
    for holding in holdings:
        _limits(holding, threads)


def limits(rules: Rules) -> tuple[tuple[int, Reason], tuple[int, Reason]]:
    """From how many numbers on a person has too many: at one carrier, and at all."""
    return (
        (rules.sims_per_carrier + 1, Reason.SIM_LIMIT_PER_CARRIER),
        (rules.sims_total, Reason.SIM_LIMIT_TOTAL),
    )


class Over:
    """People with many numbers, and from how many on that is a reason."""

    def __init__(self, people: I64, numbers: I64, limits: Iterable[tuple[int, Reason]]) -> None:
        """`people` ascending, and how many numbers each has."""
        self._people, self._numbers, self._limits = Members(people), numbers, list(limits)

    def mark(self, holder: I64, reasons: U64) -> None:
        """Add the reasons to the rows of these people; `holder` is each row's, 0 where it has none."""
        rows = self._people.rows(holder)
        numbers = self._numbers[self._people.places(holder[rows])]
        for least, reason in self._limits:
            reasons[rows[numbers >= least]] |= np.uint64(reason.mask)


def over_limits(tally: Tally, holders: Iterable[I64], own: Findings, rules: Rules) -> Over:
    """Who has too many numbers at a carrier.

    `holders` are the candidates of all the carrier's rows, each as often as it stands there; `own` those rows
    that repeat a number, looked at already: a row that repeats one for the same person is no further SIM.
    """
    people, numbers = tally.frequent(holders)
    again, times = np.unique(_holder(own)[own.repeats], return_counts=True)
    known = np.isin(again, people, assume_unique=True)
    numbers[np.searchsorted(people, again[known])] -= times[known]
    return Over(people, numbers, limits(rules))


def evidence(reasons: U64) -> I64:
    """How many names read as words of a language through each dead encoding (int64[KEYBOARDS_FROM])."""
    read = reasons >> np.uint64(READ_SHIFT)
    if not read.any():
        return np.zeros(KEYBOARDS_FROM, np.int64)
    return np.array(
        [np.count_nonzero(read >> np.uint64(each) & np.uint64(1)) for each in range(KEYBOARDS_FROM)], np.int64
    )


def dead_encodings(read: I64, marked: int, rules: Rules) -> list[int]:
    """The dead encodings in which a file is written throughout: by its `evidence`, and by how many of its
    names have marks."""
    return [int(each) for each in np.flatnonzero(read / max(marked, 1) >= rules.file_encoding_minimum_share)]


def settled(reasons: U64, tells_faces: bool, encodings: Iterable[int]) -> U64:
    """Rows by what their file tells: one that does not tell of face checks has not missed any, and a name
    that reads as it stands and also through a dead encoding of the file is written in that."""
    if not tells_faces:
        reasons = reasons & ~_FACE
    in_file = np.uint64(sum(1 << (DOUBT_SHIFT + each) for each in encodings))
    doubted = (reasons & DOUBT & in_file) != 0
    return np.where(doubted, reasons & ~_DIFFERENT | _ENCODING, reasons) if doubted.any() else reasons


def _settle(findings: list[Findings], sources: list[Source], rules: Rules) -> None:
    read = np.zeros((len(sources), KEYBOARDS_FROM), np.int64)
    for batch in findings:
        read[batch.source] += evidence(batch.reasons)
    dead = [
        dead_encodings(each, source.marked_names, rules) for each, source in zip(read, sources, strict=True)
    ]
    for batch in findings:
        batch.reasons = settled(batch.reasons, sources[batch.source].tells_faces, dead[batch.source])


def _number(batch: Findings) -> I64:
    return batch.counted


def _holder(batch: Findings) -> I64:
    """Who holds each number that is in service; 0: nobody is named."""
    return np.where(batch.counted > 0, batch.person, 0)


def _holder_once(batch: Findings) -> I64:
    """The same, each of a holder's numbers once: a row that repeats one is no further SIM."""
    holder = _holder(batch)
    holder[batch.repeats] = 0
    return holder


def _rows(batches: list[Findings]) -> int:
    return sum(map(len, batches))


def _count(tally: Tally, batches: list[Findings], column: Callable[[Findings], I64]) -> None:
    for batch in batches:
        tally.count(column(batch))


def _frequent(
    tally: Tally, batches: list[Findings], column: Callable[[Findings], I64], threads: int
) -> tuple[I64, I64]:
    return tally.frequent(ordered(lambda batch: tally.candidates(column(batch)), batches, threads))


def _mark(
    batches: list[Findings], numbers: I64, column: Callable[[Findings], I64], reason: np.uint64, threads: int
) -> None:
    if not len(numbers):
        return
    members = Members(numbers)

    def mark(batch: Findings) -> None:
        batch.reasons[members.rows(column(batch))] |= reason

    for _ in ordered(mark, batches, threads):
        pass


def _claims(of_carrier: dict[str, list[Findings]], tally: Tally, threads: int) -> None:
    """Numbers on several rows: of one carrier, or of several."""
    every = [batch for batches in of_carrier.values() for batch in batches]
    repeated = Members(_frequent(tally, every, _number, threads)[0])
    if not len(repeated.values):
        return
    declared = []
    for batches in of_carrier.values():
        rows = list(ordered(lambda batch: repeated.rows(batch.counted), batches, threads))
        number = np.concatenate([batch.national[at] for batch, at in zip(batches, rows, strict=True)])
        _mark_duplicates(batches, rows, number)
        declared.append(np.unique(number))
    number, carriers = np.unique(np.concatenate(declared), return_counts=True)
    _mark(every, number[carriers > 1], _number, _CLAIMED, threads)


def _mark_duplicates(batches: list[Findings], rows: list[I64], number: I64) -> None:
    """Numbers on several rows of one carrier: harmless when all name the same person, and one SIM then.

    `rows[i]` are the places in `batches[i]` of numbers that come more than once in the run, `number` these
    numbers in the same order.
    """
    person = np.concatenate([batch.person[at] for batch, at in zip(batches, rows, strict=True)])
    values, group, count = np.unique(number, return_inverse=True, return_counts=True)
    least = np.full(len(values), np.iinfo(np.int64).max)
    most = np.zeros(len(values), np.int64)
    np.minimum.at(least, group, person)
    np.maximum.at(most, group, person)
    twice = count > 1
    first = np.zeros(len(number), np.bool_)
    order = np.lexsort((person, number))
    first[order] = np.append(True, (np.diff(number[order]) != 0) | (np.diff(person[order]) != 0))[
        : len(order)
    ]
    disputed = twice & ((least != most) | (most == 0))
    start = 0
    for batch, at in zip(batches, rows, strict=True):
        groups = group[start : start + len(at)]
        batch.reasons[at[twice[groups]]] |= _DUPLICATE
        batch.reasons[at[disputed[groups]]] |= _DUPLICATE_GRAVER
        batch.repeats = at[~first[start : start + len(at)]]
        start += len(at)


def _limits(holding: _Holding, threads: int) -> None:
    """Mark the rows of people with more subscriptions than the limits."""
    over = Over(*_frequent(holding.tally, holding.batches, _holder_once, threads), holding.limits)
    for _ in ordered(lambda batch: over.mark(_holder(batch), batch.reasons), holding.batches, threads):
        pass
