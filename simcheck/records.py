"""The shapes that travel between the steps, as Arrow schemas.

A **declared row** is one subscription as its carrier wrote it: every cell is text, untouched, so
that the original is never lost and every repair can be named. Adapters make these; nothing after
them knows which carrier's format a row came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import pyarrow as pa

ROW = "row"
PROBLEM = "problem"
# A column of deltas: what became of the row's subscription, one of CHANGES.
CHANGE = "change"
CHANGES = ("added", "changed", "removed")

REQUIRED = ("msisdn", "id_number", "full_name", "date_of_birth")
OPTIONAL = (
    "gender", "id_type", "activated_on", "email",
    "row_ref", "face_verified_at", "contact_msisdn", "province", "contract_id", "point_of_sale", "status",
)  # fmt: skip
DECLARED_COLUMNS = (*REQUIRED, *OPTIONAL)
# Columns that the cross-check itself looks at; a reader asked for these alone may skip the rest.
CHECKED_COLUMNS = (*REQUIRED, "gender", "id_type", "row_ref", "face_verified_at", "status")
# Columns of few values, which the cross-check also takes as codes (`Reading.coded`).
CODED_COLUMNS = ("date_of_birth", "gender", "id_type", "status")

# A line of an order, and what the carrier writes beside it when it sends the file back: one of OUTCOMES, and
# when it was done.
ORDERED_COLUMNS = ("order_id", "line", "msisdn", "act", "reason", "basis", "due_on")
ANSWERED_COLUMNS = ("outcome", "done_at")
ORDER_COLUMNS = (*ORDERED_COLUMNS, *ANSWERED_COLUMNS)
# What a file that comes back must have.
ORDER_REQUIRED = ("order_id", "line", "msisdn", "outcome")
# What a carrier is told to do with a subscription, and what it can answer: done, it was so already, it went
# wrong and may be tried again, the number is no (longer) one of its own, it has ended, or it does not know.
ACTS = ("one_way", "two_way", "terminate", "restore")
OUTCOMES = ("done", "already", "failed", "not_ours", "ended", "unknown")


def declared_schema(columns: tuple[str, ...] = DECLARED_COLUMNS) -> pa.Schema:
    """The schema of a batch of declared rows.

    `row` is the row's number in its file, 1 for the first data row, without gaps. `problem` is null,
    or says (in one English sentence without any cell's content) why no subscription could be read
    from the row; the cells of such a row are null. A cell the file does not have is null.
    """
    return pa.schema(
        [pa.field(ROW, pa.int64(), nullable=False), pa.field(PROBLEM, pa.string())]
        + [pa.field(name, pa.string()) for name in columns]
    )


class Reading(Protocol):
    """A carrier's file being read: batches of declared rows, and afterwards what reading told. It may be read
    again from the start."""

    coded: tuple[str, ...]
    """Columns that whoever iterates also takes as dictionary arrays (of int32 and string)."""

    def __iter__(self) -> Iterator[pa.RecordBatch]: ...

    @property
    def present(self) -> frozenset[str]: ...
    @property
    def unknown_columns(self) -> list[str]: ...
    @property
    def warnings(self) -> list[str]: ...
    @property
    def bytes_read(self) -> int: ...
