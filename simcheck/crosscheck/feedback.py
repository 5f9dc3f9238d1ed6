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

from simcheck.crosscheck.findings import U64
from simcheck.matching.rules import VERDICTS, Rules
from simcheck.normalise.kernels import Bytes
from simcheck.reasons import Reason

COLUMNS = ("file", "row", "row_ref", "msisdn", "verdict", "reasons", "what_to_do_vi", "what_to_do_en")
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
        distinct, which = np.unique(told, return_inverse=True)
        tails = pa.array([self._tail(int(each)) for each in distinct]).take(pa.array(which))
        chosen = pa.array(at)
        reference = pa.scalar("") if row_ref is None else _guarded(row_ref.take(chosen))
        head = _csv_line(file, "").rstrip("\n")
        row = pa.array(rows[at]).cast(pa.string())
        comma, number = pa.scalar(","), msisdn.take(chosen).fill_null("")
        return pc.binary_join_element_wise(
            pa.scalar(head), row, comma, reference, comma, number, comma, tails, ""
        )

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


def _csv_line(*cells: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _guarded(references: pa.StringArray) -> pa.StringArray:
    """A carrier's references as CSV cells; one that a workbook would run as a formula is made text."""
    references = references.fill_null("")
    formula = pc.match_substring_regex(references, r"^[=+@\t\r]|^-.*[^0-9.]")
    safe = pc.if_else(formula, pc.binary_join_element_wise("'", references, ""), references)
    special = pc.match_substring_regex(safe, '[",\r\n]')
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(safe, '"', '""'), '"', "")
    return pc.if_else(special, quoted, safe)
