"""What holders said of their records, beside the rows of a feedback file: the columns after the rows' own.

They are put in while a file is sent, by the number's token: what a holder said yesterday stands in a file
that was made last week.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simcheck.crosscheck.feedback import guarded
from simcheck.lake.tokens import tokens_of_numbers
from simcheck.privacy import TOKEN_BYTES, Keyring

COLUMNS = ("corrected_id_number", "corrected_full_name", "corrected_date_of_birth")


class Said(NamedTuple):
    """The cells as the holder wants them, which the register confirmed."""

    id_number: str
    full_name: str
    date_of_birth: str


class Corrections:
    """What holders of a carrier's numbers said, by the numbers' tokens; nothing at first."""

    def __init__(self, keyring: Keyring | None = None, said: Mapping[bytes, Said] | None = None) -> None:
        """`keyring` is that of the tokens; without it nobody has said anything."""
        known = dict(said or {}) if keyring else {}
        self._keyring = keyring if known else None
        self._tokens = pa.array(list(known), pa.binary(TOKEN_BYTES))
        # One more, the last: of those who said nothing.
        rows = [*known.values(), Said("", "", "")]
        self._columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        cells = [guarded(column) for column in self._columns]
        self._tails = pc.binary_join_element_wise("", *cells, ",").cast(pa.string())

    def columns(self, national: npt.NDArray[np.int64]) -> list[pa.StringArray]:
        """The three cells of each row, empty where its holder said nothing."""
        return [column.take(self._of(national)) for column in self._columns]

    def added(self, lines: pa.StringArray, national: npt.NDArray[np.int64]) -> pa.StringArray:
        """CSV lines with the three cells at their ends."""
        tails = self._tails.take(self._of(national))
        return pc.binary_join_element_wise(pc.utf8_rtrim(lines, "\n"), tails, "\n", "")

    def _of(self, national: npt.NDArray[np.int64]) -> pa.Int32Array:
        nobody = len(self._tokens)
        if self._keyring is None:
            return pa.array(np.full(len(national), nobody, np.int32))
        tokens = tokens_of_numbers(self._keyring, "msisdn", national)
        return pc.index_in(tokens, self._tokens).fill_null(nobody)


NOTHING = Corrections()
