"""Which of a file's columns is which of ours."""

from __future__ import annotations

from carriers.base import Reading
from carriers.profile import header_key


def match(reading: Reading, names: list[str]) -> tuple[dict[str, int], list[str]]:
    """For each canonical column the file has, its index in `names`; and the other names that are not empty.

    Headers are compared trimmed, in NFC and without case. Raises FileRefusedError, naming the column,
    when a required one is missing or one of ours stands there twice.
    """
    claims = {header_key(name): column for column, names in reading.profile.headers.items() for name in names}
    found: dict[str, int] = {}
    unknown: list[str] = []
    for index, name in enumerate(names):
        column = claims.get(header_key(name))
        if column is None:
            unknown += [name.strip()] if name.strip() else []
        elif column in found:
            raise reading.refuse(
                f"has the column {_named(reading, column)} twice", "Leave one and send it again"
            )
        else:
            found[column] = index
    missing = [column for column in reading.profile.required if column not in found]
    if missing:
        raise refuse_missing(reading, missing)
    return found, unknown


def refuse_missing(reading: Reading, missing: list[str]) -> Exception:
    """The error that refuses a file without these canonical columns."""
    listed = ", ".join(_named(reading, column) for column in missing)
    word = "column" if len(missing) == 1 else "columns"
    return reading.refuse(
        f"has no {word} {listed}, which the carrier {reading.profile.code} must give",
        "Add it and send it again",
    )


def _named(reading: Reading, column: str) -> str:
    header = reading.profile.headers[column][0]
    return column if header == column else f"{column} ({header})"
