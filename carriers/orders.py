"""Orders to a carrier in its own format, and the same file as the carrier sends it back.

A line has its order, its number, the subscription, what is to be done, why, by which law and until when;
the carrier fills in what became of it. Format, encoding and dates are those of its subscriber files; columns
and words stand in the table `[orders]` of its `carrier.toml`. A carrier without one gets the common format:
CSV with our names.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from carriers import writing
from carriers.adapter import read_as
from carriers.base import File, Reading
from carriers.profile import Profile
from simcheck.records import ORDER_COLUMNS, ORDER_REQUIRED

MOST_ROWS = 1_000_000  # of one order
_MEDIA_TYPES = {
    "workbook": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
    "fixed": "text/plain",
}


def profile_of(profile: Profile) -> Profile:
    """What is known of the carrier's order files."""
    ours = replace(profile, required=ORDER_REQUIRED, rows=(1, MOST_ROWS), max_empty={})
    theirs = profile.orders
    if theirs is None:
        return replace(
            ours, format="csv", also=(), extensions=(".csv",), compression="none", encodings=("utf-8",),
            delimiter=",", quote='"', date_format="%Y-%m-%d", numbers=(),
            headers={name: (name,) for name in ORDER_COLUMNS}, positions={}, values={},
        )  # fmt: skip
    numbers = tuple(name for name in profile.numbers if name in ORDER_COLUMNS)
    return replace(
        ours, headers=theirs.headers, positions=theirs.positions, values=theirs.values, numbers=numbers
    )


def write(profile: Profile, lines: pa.RecordBatch) -> bytes:
    """The file of an order's lines (those of ORDER_COLUMNS that there are, as text).

    Raises UsageError where the carrier's format is one in which no order can be written.
    """
    return writing.in_memory(profile_of(profile), lines)


def extension(profile: Profile) -> str:
    """How such a file's name ends."""
    return profile_of(profile).extensions[0]


def media_type(profile: Profile) -> str:
    """What such a file is sent as."""
    known = profile_of(profile)
    packed = {"gzip": "application/gzip", "zstd": "application/zstd"}.get(known.compression)
    return packed or _MEDIA_TYPES[known.format]


def read(profile: Profile, file: File) -> Reading:
    """A reading of a file that a carrier sent back, with the columns of ORDER_COLUMNS.

    Iterating raises FileRefusedError where it cannot be used as a whole.
    """
    return read_as(profile_of(profile), file, ORDER_COLUMNS)
