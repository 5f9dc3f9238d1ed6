"""A carrier's words for ours ("Nam" for "M"), whole columns at a time."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc


class Vocabulary:
    """One column's words. A word that is not in it passes as written."""

    def __init__(self, words: Mapping[str, str]) -> None:
        spellings = {
            unicodedata.normalize(form, theirs.strip().lower()): ours
            for theirs, ours in words.items()
            for form in ("NFC", "NFD")
        }
        self._theirs = pa.array(list(spellings), pa.string())
        self._ours = pa.array(list(spellings.values()), pa.string())
        written: dict[str, str] = {}
        for theirs, ours in words.items():
            written.setdefault(ours, theirs)
        self._canonical = pa.array(list(written), pa.string())
        self._written = pa.array(list(written.values()), pa.string())

    def to_ours(self, column: pa.Array) -> pa.Array:
        """Their words as ours, compared trimmed and without case."""
        if isinstance(column, pa.DictionaryArray):
            return pa.DictionaryArray.from_arrays(column.indices, self.to_ours(column.dictionary))
        words = pc.utf8_lower(pc.utf8_trim_whitespace(column))
        found = pc.index_in(words, value_set=self._theirs)
        return pc.coalesce(self._ours.take(found), column)

    def to_theirs(self, column: pa.Array) -> pa.Array:
        """Our words as they write them; of several, the first."""
        found = pc.index_in(column, value_set=self._canonical)
        return pc.coalesce(self._written.take(found), column)
