"""What a run knows of its rows, batch by batch: columns of numbers, in the order of the files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


@dataclass
class Source:
    """One file of the run: who sent it, and what reading it told."""

    carrier: str
    path: Path
    rows: int = 0
    marked_names: int = 0  # names with a character beyond ASCII
    tells_faces: bool = False  # whether the file has the column `face_verified_at`
    unknown_columns: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass
class Findings:
    """A batch of `n` rows of one source.

    `national` the 9-digit mobile number (0: none), `key` the ID number as declared (`citizen_ids`: 12
    digits, or CMND_BASE + 9 digits; 0: none), `reasons` a mask, `score` the name score (NaN: no name was
    compared), `over` the places of subscriptions that are out of service, `row_ref` the carrier's own
    references (None: the file has none). Where an older number led to its bearer, `bearer_at` is the
    place and `bearer` the valid number. `repeats` are the places of rows whose number another row of the
    same carrier has already.
    """

    source: int
    first_row: int
    national: I64
    key: I64
    reasons: U64
    score: npt.NDArray[np.float32]
    over: I64
    row_ref: pa.StringArray | None
    bearer_at: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    repeats: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    bearer: I64 = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.national)

    @property
    def person(self) -> I64:
        """Whom each row names: the number declared, or the valid one in its place; 0: nobody. Not to be
        changed: it may be `key` itself."""
        if not len(self.bearer_at):
            return self.key
        person = self.key.copy()
        person[self.bearer_at] = self.bearer
        return person

    @property
    def counted(self) -> I64:
        """`national` of rows that claim a number: those in service. Not to be changed either."""
        if not len(self.over):
            return self.national
        national = self.national.copy()
        national[self.over] = 0
        return national


class Pending(NamedTuple):
    """Rows whose ID number the register's index does not know: what a second look needs of them.

    `batch` and `at` say where a row belongs; `born`, `other_born`, `born_flags` as `normalise.dates` reads
    them.
    """

    batch: npt.NDArray[np.int32]
    at: npt.NDArray[np.int32]
    key: I64
    name: pa.StringArray
    born: npt.NDArray[np.int32]
    other_born: npt.NDArray[np.int32]
    born_flags: U64
