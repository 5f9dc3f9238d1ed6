"""The adapter that a profile alone describes: the file's content, not its name, picks the reader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from carriers.base import CHUNK_BYTES, File, Reader, Reading
from carriers.profile import Profile
from carriers.readers import delimited, fixed_width, json_lines, parquet, workbook
from carriers.readers.content import Content, content_of
from simcheck.records import CHANGE, DECLARED_COLUMNS

TEXT_READERS: dict[str, Reader] = {
    "csv": delimited.read,
    "jsonl": json_lines.read,
    "fixed": fixed_width.read,
}
DESCRIPTION = {
    "csv": "delimited text", "jsonl": "JSON lines", "fixed": "fixed-width text",
    "workbook": "an Excel workbook (.xlsx)", "parquet": "Parquet",
}  # fmt: skip


@dataclass(frozen=True)
class ProfileAdapter:
    """Reads a carrier's files as its profile says, in chunks of `chunk_bytes`."""

    profile: Profile
    chunk_bytes: int = CHUNK_BYTES

    def read(self, file: File | Path, columns: tuple[str, ...] = DECLARED_COLUMNS) -> Reading:
        """See `Adapter.read`."""
        profile = self.profile.of_deltas() if CHANGE in columns else self.profile
        return read_as(profile, file, columns, self.chunk_bytes)


def read_as(
    profile: Profile, file: File | Path, columns: tuple[str, ...], chunk_bytes: int = CHUNK_BYTES
) -> Reading:
    """A reading of `file` as a profile says, whatever the columns mean."""
    return Reading(file, profile, columns, _read, chunk_bytes)


def _read(reading: Reading) -> Iterator[pa.RecordBatch]:
    content = content_of(reading.file)
    formats = reading.profile.formats
    if content is Content.PARQUET and "parquet" in formats:
        return parquet.read(reading)
    if content is Content.ZIP and "workbook" in formats:
        return workbook.read(reading)
    if content is Content.OLE2 and "workbook" in formats:
        raise workbook.refuse_ole2(reading)
    texts = [name for name in formats if name in TEXT_READERS]
    if content.may_be_text and texts:
        return TEXT_READERS[texts[0]](reading)
    expected = " or ".join(DESCRIPTION[name] for name in formats)
    raise reading.refuse(
        f"is {content.value}, where the carrier {reading.profile.code} sends {expected}",
        "Send the file in that format, or name the carrier it belongs to",
    )
