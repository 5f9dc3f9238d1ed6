"""What goes back to a carrier: every row that is not verified, why, and what to do about it.

It repeats the carrier's own words and ours; nothing that the register holds ever stands in it.
"""

from __future__ import annotations

import csv
import io

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simcheck.crosscheck.findings import I64, U64
from simcheck.matching.rules import VERDICTS, Rules
from simcheck.normalise.cells import COMMA, ZERO
from simcheck.normalise.kernels import Bytes, Offsets, Text, column, kernel, text
from simcheck.reasons import Reason
from simcheck.register.index import mix

COLUMNS = ("file", "row", "row_ref", "msisdn", "verdict", "reasons", "what_to_do_vi", "what_to_do_en")
_ROOM = 20 + 3  # for a row's number and the commas
_NO_REFERENCE = pa.array([], pa.string())
_VERDICT_SHIFT = np.uint64(48)  # above all reason codes: a verdict and its reasons as one number


class Feedback:
    """Lines of a feedback file (CSV, UTF-8, header row). Reasons are separated by `;`."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._tails: dict[int, str] = {}

    @property
    def header(self) -> bytes:
        """The header line."""
        return _csv_line(*COLUMNS).encode()

    def lines(
        self, file: str, rows: npt.NDArray[np.int64], row_ref: pa.StringArray | None, msisdn: pa.StringArray,
        verdicts: Bytes, reasons: U64,
    ) -> pa.StringArray:  # fmt: skip
        """One line for each row that is not verified."""
        at = np.flatnonzero(verdicts)
        if not len(at):
            return pa.array([], pa.string())
        told = reasons[at] | verdicts[at].astype(np.uint64) << _VERDICT_SHIFT
        distinct, which = _distinct(told)
        tails = text(pa.array([self._tail(int(each)) for each in distinct]))
        reference = text(_NO_REFERENCE if row_ref is None else guarded(row_ref.take(pa.array(at))))
        number = text(msisdn)
        head = np.frombuffer(_csv_line(file, "").rstrip("\n").encode(), np.uint8)
        room = int(np.diff(tails.offsets)[which].sum()) + len(at) * (len(head) + _ROOM)
        room += sum(int(each.offsets[-1] - each.offsets[0]) for each in (reference, number))
        ends, out = np.zeros(len(at) + 1, np.int32), np.empty(room, np.uint8)
        used = _write_lines(head, rows, at, reference, number, tails, which, ends, out)
        return column(Text(ends, out[:used]))

    def _tail(self, told: int) -> str:
        known = self._tails.get(told)
        if known is None:
            reasons = [reason for reason in Reason if told >> reason.value & 1]
            rules = [self._rules.of[reason] for reason in reasons]
            known = self._tails[told] = _csv_line(
                VERDICTS[told >> int(_VERDICT_SHIFT)].value,
                ";".join(reason.name for reason in reasons),
                " ".join(rule.vi for rule in rules),
                " ".join(rule.en for rule in rules),
            )
        return known


def _distinct(told: U64) -> tuple[U64, npt.NDArray[np.int64]]:
    """The distinct values, in the order in which they come, and each row's place among them."""
    slots = np.full(1 << int(2 * len(told)).bit_length(), -1, np.int64)
    met, which = np.empty(len(told), np.uint64), np.empty(len(told), np.int64)
    return met[: _meet(told, slots, met, which)], which


@kernel
def _meet(told: U64, slots: I64, met: U64, which: I64) -> int:
    found = 0
    for row in range(len(told)):
        slot = np.int64(mix(np.int64(told[row]))) & (len(slots) - 1)
        while slots[slot] >= 0 and met[slots[slot]] != told[row]:
            slot = (slot + 1) & (len(slots) - 1)
        if slots[slot] < 0:
            met[found] = told[row]
            slots[slot] = found
            found += 1
        which[row] = slots[slot]
    return found


@kernel
def _write_lines(
    head: Bytes, rows: I64, at: I64, reference: Text, number: Text, tails: Text, which: I64, ends: Offsets,
    out: Bytes,
) -> int:  # fmt: skip
    """The lines of the rows `at`, one after another; how many bytes they are. `reference` has one cell a line
    (or none at all), `number` one a row, `tails` one for each value of `which`."""
    (ref_at, ref), (number_at, digits), (tail_at, tail) = reference, number, tails
    used = 0
    for line in range(len(at)):
        used = _put(head, 0, len(head), out, used)
        used = _put_number(rows[at[line]], out, used)
        out[used] = COMMA
        used += 1
        if len(ref_at) > 1:
            used = _put(ref, ref_at[line], ref_at[line + 1], out, used)
        out[used] = COMMA
        used = _put(digits, number_at[at[line]], number_at[at[line] + 1], out, used + 1)
        out[used] = COMMA
        used = _put(tail, tail_at[which[line]], tail_at[which[line] + 1], out, used + 1)
        ends[line + 1] = used
    return used


@kernel
def _put(data: Bytes, start: int, end: int, out: Bytes, used: int) -> int:
    """Copy bytes to the end of what is used, and say where that is now."""
    cell, room = data[start:end], out[used : used + end - start]
    for place in range(len(room)):
        room[place] = cell[place]
    return used + len(room)


@kernel
def _put_number(number: int, out: Bytes, used: int) -> int:
    left = np.uint64(number)
    end = used + 1
    while left >= np.uint64(10):
        left //= np.uint64(10)
        end += 1
    left = np.uint64(number)
    for place in range(end - 1, used - 1, -1):
        out[place] = np.uint64(ZERO) + left % np.uint64(10)
        left //= np.uint64(10)
    return end


def _csv_line(*cells: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def guarded(references: pa.StringArray) -> pa.StringArray:
    """What others wrote (a carrier's references) as CSV cells; one that a workbook would run as a formula is
    made text."""
    references = references.fill_null("")
    formula = pc.match_substring_regex(references, r"^[=+@\t\r]|^-.*[^0-9.]")
    safe = pc.if_else(formula, pc.binary_join_element_wise("'", references, ""), references)
    special = pc.match_substring_regex(safe, '[",\r\n]')
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(safe, '"', '""'), '"', "")
    return pc.if_else(special, quoted, safe)
