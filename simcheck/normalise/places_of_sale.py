"""A carrier's word for the place where a SIM was sold, as text that can be counted and listed."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

MOST_CHARACTERS = 64
# A database holds no NUL, and nobody reads a control character.
_CONTROL = r"[\x00-\x1f\x7f]+"


def normalise(column: pa.StringArray) -> pa.StringArray:
    """Each cell trimmed, in NFC, on one line, at most `MOST_CHARACTERS`; null where nothing stands."""
    coded = column.dictionary_encode()
    words = pc.utf8_normalize(coded.dictionary, form="NFC")
    words = pc.replace_substring_regex(words, _CONTROL, " ")
    words = pc.utf8_trim_whitespace(
        pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(words), 0, MOST_CHARACTERS)
    )
    words = pc.if_else(pc.equal(words, ""), pa.scalar(None, pa.string()), words)
    return words.take(coded.indices)
