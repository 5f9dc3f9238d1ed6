"""What is known of a carrier's files: `carrier.toml`, read and validated.

No carrier publishes its format. Every profile therefore says in `assumption` what it rests on, and
states what to expect of a file (rows, required columns, empty cells), so that a half-empty or
misdirected file is noticed. The keys are described one by one in docs/adapters.md.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from simcheck.errors import UsageError
from simcheck.records import (
    ACTS,
    CHANGE,
    DECLARED_COLUMNS,
    ORDER_COLUMNS,
    ORDER_REQUIRED,
    OUTCOMES,
    REQUIRED,
)

FILE_NAME = "carrier.toml"
FORMATS = ("csv", "workbook", "jsonl", "fixed", "parquet")
ENCODINGS = ("utf-8", "utf-16", "tcvn3", "viscii", "cp1258", "cp1252")
COMPRESSIONS = ("none", "gzip", "zstd")
SHEET_ROWS = (
    1_048_575  # a worksheet holds 1,048,576 rows (ECMA-376 Part 1, 18.3.1.73), one of them the header
)
DATE_PARTS = re.compile(r"%(.?)")

TOP_KEYS = {"code", "name", "assumption", "file", "columns", "values", "expect", "orders"}
FILE_KEYS = {
    "format", "also", "extensions", "compression", "encodings", "delimiter", "quote",
    "date_format", "numbers", "sheet_rows",
}  # fmt: skip
EXPECT_KEYS = {"rows", "required", "max_empty"}
ORDER_KEYS = {"assumption", "columns", "values"}
ORDER_WORDS = {"act": ACTS, "outcome": OUTCOMES}


@dataclass(frozen=True)
class Orders:
    """How the carrier's orders are written, where they differ from its files: columns and words, as `Profile`
    has them.
    """

    assumption: str
    headers: Mapping[str, tuple[str, ...]]
    positions: Mapping[str, tuple[int, int]]
    values: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Profile:
    """One carrier's file format.

    `headers` gives for each canonical column the names it may have in the file, the one that is
    written first; `positions`, for fixed width, its 0-based first character and its width;
    `values` for a canonical column the carrier's words and ours. `date_format` holds %d, %m and %Y or
    %y. `rows` is the least and the most rows expected; `max_empty` the largest share (0 to 1) of empty cells.
    """

    code: str
    name: str
    assumption: str
    format: str
    also: tuple[str, ...]
    extensions: tuple[str, ...]
    compression: str
    encodings: tuple[str, ...]
    delimiter: str
    quote: str
    date_format: str
    numbers: tuple[str, ...]
    sheet_rows: int
    headers: Mapping[str, tuple[str, ...]]
    positions: Mapping[str, tuple[int, int]]
    values: Mapping[str, Mapping[str, str]]
    rows: tuple[int, int]
    required: tuple[str, ...]
    max_empty: Mapping[str, float]
    orders: Orders | None = None

    @property
    def formats(self) -> tuple[str, ...]:
        """Every format a file of this carrier may have, the one that is written first."""
        return (self.format, *self.also)

    @property
    def columns(self) -> tuple[str, ...]:
        """The canonical columns this carrier's files have, in the order in which they are written."""
        return tuple(self.positions or self.headers)

    def of_deltas(self) -> Profile:
        """What is known of this carrier's deltas: fewer rows, and one more column, `change`."""
        return replace(
            self,
            headers={**self.headers, CHANGE: (CHANGE,)},
            required=(*self.required, CHANGE),
            rows=(1, self.rows[1]),
            max_empty={},
        )


def load(path: Path) -> Profile:
    """The profile in `path`, a `carrier.toml` or the directory that holds one.

    Raises UsageError, naming the file and the key, when the file is missing or a key is wrong.
    """
    path = path / FILE_NAME if path.is_dir() else path
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({type(error).__name__}). Give a carrier.toml") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: is not valid TOML: {error}. Correct the file") from error
    return _Loader(path).profile(table)


class _Loader:
    """Checks a parsed `carrier.toml` key by key; every complaint names the file and the key."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def wrong(self, key: str, what: str) -> UsageError:
        return UsageError(
            f"{self.path}: key {key}: {what}. Correct the file; docs/adapters.md describes every key"
        )

    def profile(self, table: Mapping[str, object]) -> Profile:
        self.known(table, TOP_KEYS, "")
        file = self.table(table, "file")
        expect = self.table(table, "expect")
        self.known(file, FILE_KEYS, "file.")
        self.known(expect, EXPECT_KEYS, "expect.")
        code = self.text(table, "code")
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", code):
            raise self.wrong("code", "must be lower-case letters, digits, '-' or '_', at most 32")
        delimiter, quote = self.character(file, "delimiter"), self.character(file, "quote")
        if quote and quote == delimiter:
            raise self.wrong("quote", "must differ from the delimiter")
        formats = (self.one_of(file, "format", FORMATS), *self.words(file, "also", FORMATS))
        if "csv" in formats and not delimiter:
            raise self.wrong("delimiter", "must be given for the format csv")
        fixed = "fixed" in formats
        headers, positions = self.columns(self.table(table, "columns"), fixed)
        return Profile(
            code=code,
            name=self.text(table, "name"),
            assumption=self.text(table, "assumption"),
            format=formats[0],
            also=formats[1:],
            extensions=self.extensions(file),
            compression=self.one_of(file, "compression", COMPRESSIONS, "none"),
            encodings=self.words(file, "encodings", ENCODINGS) or ("utf-8",),
            delimiter=delimiter,
            quote=quote,
            date_format=self.date_format(file),
            numbers=self.words(file, "numbers", DECLARED_COLUMNS),
            sheet_rows=self.sheet_rows(file),
            headers=headers,
            positions=positions,
            values=self.values(self.table(table, "values")),
            rows=self.row_range(expect),
            required=self.required(expect, tuple(positions or headers)),
            max_empty=self.max_empty(self.table(expect, "max_empty")),
            orders=self.orders(table, fixed) if "orders" in table else None,
        )

    def orders(self, table: Mapping[str, object], fixed: bool) -> Orders:
        given = self.table(table, "orders")
        self.known(given, ORDER_KEYS, "orders.")
        headers, positions = self.columns(
            self.table(given, "columns"), fixed, ORDER_COLUMNS, ORDER_REQUIRED, "orders."
        )
        values = self.values(self.table(given, "values"), tuple(ORDER_WORDS), "orders.")
        for column, words in values.items():
            if unknown := sorted(set(words.values()) - set(ORDER_WORDS[column])):
                raise self.wrong(f"orders.values.{column}", f"has {unknown[0]}, which is no word of ours")
        return Orders(self.text(given, "assumption"), headers, positions, values)

    def known(self, table: Mapping[str, object], keys: set[str], prefix: str) -> None:
        for key in table:
            if key not in keys:
                raise self.wrong(prefix + key, f"is not known (known are {', '.join(sorted(keys))})")

    def table(self, table: Mapping[str, object], key: str) -> Mapping[str, object]:
        value = table.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, "must be a table")
        return value

    def text(self, table: Mapping[str, object], key: str, default: str = "") -> str:
        value = table.get(key, default)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "must be a text that is not empty")
        return value

    def one_of(self, table: Mapping[str, object], key: str, known: tuple[str, ...], default: str = "") -> str:
        value = self.text(table, key, default)
        if value not in known:
            raise self.wrong(key, f"must be one of {', '.join(known)}")
        return value

    def words(self, table: Mapping[str, object], key: str, known: tuple[str, ...]) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(word, str) and word in known for word in value):
            raise self.wrong(key, f"must be a list of words out of {', '.join(known)}")
        return tuple(value)

    def extensions(self, file: Mapping[str, object]) -> tuple[str, ...]:
        value = file.get("extensions")
        dotted = isinstance(value, list) and all(isinstance(item, str) and item[:1] == "." for item in value)
        if not isinstance(value, list) or not value or not dotted:
            raise self.wrong("extensions", 'must be a list such as [".csv", ".csv.gz"]')
        return tuple(value)

    def character(self, file: Mapping[str, object], key: str) -> str:
        value = file.get(key, "")
        if not isinstance(value, str) or len(value) > 1 or not value.isascii() or value in {"\n", "\r", "\0"}:
            raise self.wrong(key, "must be one ASCII character that does not end a line")
        return value

    def date_format(self, file: Mapping[str, object]) -> str:
        value = self.text(file, "date_format", "%Y-%m-%d")
        if sorted(DATE_PARTS.findall(value)) not in (["Y", "d", "m"], ["d", "m", "y"]):
            raise self.wrong(
                "date_format", "must hold %d, %m and %Y (or %y), each once, and nothing else with a %"
            )
        return value

    def sheet_rows(self, file: Mapping[str, object]) -> int:
        value = file.get("sheet_rows", SHEET_ROWS)
        if not isinstance(value, int) or not 1 <= value <= SHEET_ROWS:
            raise self.wrong("sheet_rows", f"must be a number from 1 to {SHEET_ROWS}")
        return value

    def columns(
        self, table: Mapping[str, object], fixed: bool, ours: tuple[str, ...] = DECLARED_COLUMNS,
        required: tuple[str, ...] = REQUIRED, prefix: str = "",
    ) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[int, int]]]:  # fmt: skip
        headers: dict[str, tuple[str, ...]] = {}
        positions: dict[str, tuple[int, int]] = {}
        self.known(table, set(ours), f"{prefix}columns.")
        for column, value in table.items():
            if fixed:
                positions[column] = self.position(column, value)
            else:
                headers[column] = self.header_names(column, value)
        self.no_overlap(headers, positions)
        for column in required:
            if column not in table:
                raise self.wrong(f"{prefix}columns.{column}", "must be given")
        return headers, positions

    def header_names(self, column: str, value: object) -> tuple[str, ...]:
        names = [value] if isinstance(value, str) else value
        if (
            isinstance(names, list)
            and names
            and all(isinstance(name, str) and name.strip() for name in names)
        ):
            return tuple(names)
        raise self.wrong(f"columns.{column}", "must be a header, or a list of headers")

    def position(self, column: str, value: object) -> tuple[int, int]:
        if isinstance(value, dict) and set(value) == {"start", "width"}:
            start, width = value["start"], value["width"]
            if isinstance(start, int) and isinstance(width, int) and start >= 1 and width >= 1:
                return start - 1, width
        raise self.wrong(
            f"columns.{column}", "must be { start = 1, width = 12 }, counted in characters from 1"
        )

    def no_overlap(self, headers: dict[str, tuple[str, ...]], positions: dict[str, tuple[int, int]]) -> None:
        seen: set[str] = set()
        for column, names in headers.items():
            own = {header_key(name) for name in names}
            if own & seen:
                raise self.wrong(f"columns.{column}", "shares a header with another column")
            seen |= own
        end = 0
        for column, (start, width) in sorted(positions.items(), key=lambda item: item[1]):
            if start < end:
                raise self.wrong(f"columns.{column}", "overlaps the column before it")
            end = start + width

    def values(
        self, table: Mapping[str, object], ours: tuple[str, ...] = DECLARED_COLUMNS, prefix: str = ""
    ) -> dict[str, dict[str, str]]:
        self.known(table, set(ours), f"{prefix}values.")
        found: dict[str, dict[str, str]] = {}
        for column in table:
            words = self.table(table, column)
            if not all(isinstance(ours, str) for ours in words.values()):
                raise self.wrong(f"{prefix}values.{column}", 'must map words to words, such as "Nam" = "M"')
            found[column] = {theirs: str(ours) for theirs, ours in words.items()}
        return found

    def row_range(self, expect: Mapping[str, object]) -> tuple[int, int]:
        value = expect.get("rows")
        if isinstance(value, list) and len(value) == 2 and all(isinstance(item, int) for item in value):
            least, most = value
            if 0 <= least <= most:
                return least, most
        raise self.wrong("expect.rows", "must be [least, most], two numbers of rows")

    def required(self, expect: Mapping[str, object], columns: tuple[str, ...]) -> tuple[str, ...]:
        named = self.words(expect, "required", DECLARED_COLUMNS)
        required = tuple(column for column in DECLARED_COLUMNS if column in REQUIRED or column in named)
        for column in required:
            if column not in columns:
                raise self.wrong("expect.required", f"names {column}, which [columns] does not have")
        return required

    def max_empty(self, table: Mapping[str, object]) -> dict[str, float]:
        self.known(table, set(DECLARED_COLUMNS), "expect.max_empty.")
        shares: dict[str, float] = {}
        for column, share in table.items():
            if not isinstance(share, int | float) or not 0 <= share <= 1:
                raise self.wrong(f"expect.max_empty.{column}", "must be a share from 0 to 1")
            shares[column] = float(share)
        return shares


def header_key(name: str) -> str:
    """A header as it is compared: trimmed, NFC, without case."""
    return unicodedata.normalize("NFC", name.strip().casefold())
