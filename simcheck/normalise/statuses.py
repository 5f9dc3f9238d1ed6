"""A carrier's word for the state of a subscription: in use, over, or neither of which we are sure.

The two lists are asked by two who must not err in the same direction. A row makes no claim on its number only
where its word says that it is over; a one-time code may be sent only where it says that it is in use.
"""

from __future__ import annotations

import unicodedata
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck.normalise.kernels import distinct

_OVER = frozenset((
    "terminated", "cancelled", "canceled", "closed", "inactive", "recalled", "deactivated", "removed",
    "đã hủy", "hủy", "huỷ", "đã huỷ", "chấm dứt", "thanh lý", "đã thanh lý", "thu hồi", "đã thu hồi",
))  # fmt: skip
_ACTIVE = frozenset((
    "", "active", "activated", "in use", "1", "a", "hoạt động", "đang hoạt động", "đã kích hoạt",
    "đang sử dụng", "hai chiều", "2 chiều",
))  # fmt: skip


class Status(IntEnum):
    """What a word says. A carrier that says nothing sends subscriptions in use only."""

    ACTIVE = 0
    LIMITED = 1  # any other word: locked one way, suspended, or one that we have not met
    OVER = 2


def status_of(word: str) -> Status:
    """What one word says."""
    plain = unicodedata.normalize("NFC", word).strip().lower()
    return Status.ACTIVE if plain in _ACTIVE else Status.OVER if plain in _OVER else Status.LIMITED


def statuses(column: pa.StringArray) -> npt.NDArray[np.uint8]:
    """The `Status` of each row."""
    words, rows = distinct(column)
    codes = np.array([status_of(word or "") for word in words.to_pylist()], np.uint8)
    return codes[rows] if len(codes) else np.zeros(len(rows), np.uint8)
