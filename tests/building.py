"""What the tests of the core build with: people who do not exist, their register, rows that name them."""

from __future__ import annotations

import datetime
import random
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from hypothesis import strategies as st

from simcheck.crosscheck import run
from simcheck.reasons import Reason
from simcheck.records import PROBLEM, ROW, declared_schema
from tests.simcheck import mangling

AS_OF = datetime.date(2026, 11, 23)
PROVINCE = "001"

FAMILIES = (
    "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Trương Đinh Trịnh Nông Mai"
).split()
MIDDLES = (
    "Văn Thị Hữu Đức Ngọc Thanh Minh Quang Xuân Thu Kim Bảo Gia Hồng Thuý Đình Công Khánh Diệu Quỳnh".split()
)
GIVENS = (
    "An Anh Ân Bình Châu Chi Cường Dũng Duy Đạt Đông Giang Hà Hạnh Hằng Hiếu Hoà Hoàn Huệ Hùng "
    "Hưng Hương Khải Khoẻ "
    "Khuê Lan Liên Linh Loan Long Lộc Mỹ Nam Ngân Nghĩa Nguyệt Nhàn Nhung Oanh Phúc Phương "
    "Phượng Quân Quế Quốc Quyên "
    "Sơn Tâm Thảo Thắng Thuỷ Thuận Thương Tiến Toàn Trâm Trang Tuấn Tuyết Uyên Vân Việt Vinh "
    "Vy Xuyến Yến Ánh Ái Ước"
).split()
SYLLABLES = sorted({*FAMILIES, *MIDDLES, *GIVENS})


class Citizen(NamedTuple):
    """A row of the register, in its columns' order."""

    id_number: str
    full_name: str
    date_of_birth: str = "1990-05-25"
    gender: str = "M"
    status: str = "active"
    old_id_number: str | None = None
    previous_id_number: str | None = None


def citizen(number: int, name: str, born: str = "1990-05-25", gender: str = "M", **more: Any) -> Citizen:
    """A citizen whose ID number agrees with birth year and gender; `number` up to 999999 tells them apart."""
    year = int(born[:4])
    century = (year - 1900) // 100 * 2 + (gender == "F")
    return Citizen(f"{PROVINCE}{century}{year % 100:02}{number:06}", name, born, gender, **more)


def register(path: Path, citizens: Sequence[Citizen], row_group: int = 1 << 20) -> Path:
    """Write a register, in the format of the file's name (.parquet, .csv, .csv.gz)."""
    columns = (
        "id_number", "full_name", "date_of_birth", "gender", "status", "old_id_number", "previous_id_number",
    )  # fmt: skip
    table = pa.table(
        {name: pa.array([getattr(each, name) for each in citizens], pa.string()) for name in columns}
    )
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=row_group)
    else:
        with pa.output_stream(str(path), compression="detect") as out:
            pacsv.write_csv(table, out)
    return path


def damaged(file: bytes, chance: random.Random, places: range, most: int = 8) -> bytes:
    """A file of which a few bytes at some `places` are others, 1 to `most` of them."""
    changed = bytearray(file)
    for _ in range(chance.randint(1, most)):
        changed[chance.choice(places)] = chance.randrange(256)
    return bytes(changed)


def row(number: int | str, holder: Citizen, **changed: str | None) -> dict[str, str | None]:
    """A declared row that agrees with the register; `number` counts subscriptions, or is a cell."""
    msisdn = number if isinstance(number, str) else f"09{number:08}"
    return {
        "msisdn": msisdn, "id_number": holder.id_number, "full_name": holder.full_name,
        "date_of_birth": holder.date_of_birth, "gender": holder.gender, "id_type": "cccd",
    } | changed  # fmt: skip


class BatchReading:
    """A carrier's reading whose rows are given: a second adapter beside those of `carriers`.

    `rows` are dicts of cells (a key `problem` makes a row that cannot be read), `size` the rows of a batch.
    """

    def __init__(
        self, rows: Sequence[dict[str, str | None]], columns: tuple[str, ...], size: int = 1 << 16
    ) -> None:
        self._rows, self._columns, self._size = rows, columns, size
        self.present = frozenset(name for each in rows for name in each) & frozenset(columns)
        self.unknown_columns: list[str] = []
        self.warnings: list[str] = []
        self.bytes_read = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for start in range(0, len(self._rows), self._size):
            part = self._rows[start : start + self._size]
            cells = {name: [each.get(name) for each in part] for name in (PROBLEM, *self._columns)}
            cells[ROW] = list(range(start + 1, start + len(part) + 1))
            yield pa.RecordBatch.from_pydict(cells, declared_schema(self._columns))


class File(NamedTuple):
    """One carrier's rows, under a file name."""

    carrier: str
    rows: Sequence[dict[str, str | None]]
    name: str = ""


def request(folder: Path, citizens: Path, *files: File, size: int = 1 << 16, **more: Any) -> run.Request:
    """A request to check `files` against the register in the file `citizens`, results in `folder`/out."""
    opened = []
    for carrier, rows, name in files:
        path = folder / (name or f"{carrier}.rows")
        path.write_bytes(b"-" * 1000)  # its size is what a progress bar knows of it
        opened.append((carrier, path, lambda columns, rows=rows: BatchReading(rows, columns, size)))
    settings = {"out": folder / "out", "as_of": AS_OF, "threads": 1, "memory": 1 << 30} | more
    return run.Request(files=opened, citizens=citizens, **settings)


def check(
    folder: Path, citizens: Sequence[Citizen], *files: File, **more: Any
) -> list[tuple[str, frozenset[str]]]:
    """Run the whole check; each row's verdict and reasons, in the order of the files."""
    asked = request(folder, register(folder / "register.parquet", citizens), *files, **more)
    run.check(asked)
    return decided(asked.out)


def decided(out: Path) -> list[tuple[str, frozenset[str]]]:
    """Each row's verdict and reasons, as `verdicts.parquet` tells them."""
    table = pq.read_table(out / "verdicts.parquet")
    reasons = table["reasons"].to_pylist()
    assert all(len(each) == len(set(each)) for each in reasons)
    return [
        (verdict, frozenset(each))
        for verdict, each in zip(table["verdict"].to_pylist(), reasons, strict=True)
    ]


def reasons_of(mask: int) -> set[str]:
    """The public codes of a mask."""
    return {reason.name for reason in Reason if int(mask) >> reason.value & 1}


def bare(text: str) -> str:
    """Text without any Vietnamese mark."""
    apart = unicodedata.normalize("NFD", text.replace("Đ", "D").replace("đ", "d"))
    return "".join(character for character in apart if not unicodedata.combining(character))


def full_names(least: int = 2, most: int = 5) -> st.SearchStrategy[str]:
    """Names: a family name, then middle and given names, `least` to `most` words."""
    rest = st.lists(st.sampled_from(SYLLABLES), min_size=least - 1, max_size=most - 1)
    return st.builds(lambda family, names: " ".join([family, *names]), st.sampled_from(FAMILIES), rest)


def country(seed: int, people: int = 250, sims: int = 900) -> tuple[list[Citizen], list[File]]:
    """A small country with everything that goes wrong in it: a register and three carriers' files."""
    chance = random.Random(seed)
    register: list[Citizen] = []
    for at in range(people):
        words = [chance.choice(FAMILIES), chance.choice(MIDDLES), chance.choice(GIVENS)]
        born = datetime.date(1950, 1, 1) + datetime.timedelta(days=chance.randrange(27_000))
        known = chance.choices([str(born), str(born)[:7], str(born)[:4]], [20, 1, 1])[0]
        one = citizen(
            at * 977 + 11, " ".join(words), known, chance.choice("MF"),
            status=chance.choices(["active", "deceased", "revoked"], [20, 1, 1])[0],
            old_id_number=f"{200_000_000 + at // 2 * 7:09}" if at % 3 == 0 else None,
            previous_id_number=f"0950{at:08}" if at % 17 == 0 else None,
        )  # fmt: skip
        register.append(one)
    files: dict[str, list[dict[str, str | None]]] = {"viettel": [], "itel": [], "gmobile": []}
    for at in range(sims):
        holder = chance.choice(register)
        number = chance.randrange(at + 1) if chance.random() < 0.05 else at
        declared = row(number, holder, row_ref=f"KH-{at}", face_verified_at=chance.choice(["2026-01-02", ""]))
        for spoil in chance.choices(SPOILERS, k=chance.choice([0, 0, 1, 1, 2])):
            declared.update(spoil(chance, holder, declared))
        if chance.random() < 0.02:
            declared = {"problem": "The row has too few cells."}
        files[chance.choice(list(files))].append(declared)
    return register, [File(carrier, rows) for carrier, rows in files.items()]


Spoiler = Callable[[random.Random, Citizen, dict[str, str | None]], dict[str, str | None]]
SPOILERS: list[Spoiler] = [
    lambda c, h, d: {"full_name": bare(h.full_name).upper()},
    lambda c, h, d: {"full_name": mangling.misread(mangling.tcvn3(h.full_name), "latin-1")},
    lambda c, h, d: {"full_name": mangling.mojibake(h.full_name, "cp1252", 1)},
    lambda c, h, d: {"full_name": mangling.telex(h.full_name)},
    lambda c, h, d: {"full_name": unicodedata.normalize("NFD", h.full_name).lower()},
    lambda c, h, d: {"full_name": " ".join(reversed(h.full_name.split()))},
    lambda c, h, d: {"full_name": f"{c.choice(FAMILIES)} {c.choice(MIDDLES)} {c.choice(GIVENS)}"},
    lambda c, h, d: {"full_name": c.choice(["", None, "?", "Ng. " + h.full_name.split(" ", 1)[1]])},
    lambda c, h, d: {"date_of_birth": "/".join(reversed(h.date_of_birth.split("-")))},
    lambda c, h, d: {"date_of_birth": c.choice(["", None, "31/04/1990", "n/a", "1990", "03/07/1990"])},
    lambda c, h, d: {"id_number": h.old_id_number or h.previous_id_number, "id_type": "cmnd"},
    lambda c, h, d: {"id_number": h.id_number[:-1] + str(c.randrange(10))},
    lambda c, h, d: {"id_number": h.id_number[:4] + h.id_number[5] + h.id_number[4] + h.id_number[6:]},
    lambda c, h, d: {"id_number": c.choice(["", None, "12", "B1234567", h.id_number.lstrip("0")])},
    lambda c, h, d: {"id_type": c.choice(["passport", "", None])},
    lambda c, h, d: {
        "msisdn": c.choice([f"84{(d['msisdn'] or '')[1:]}", "0283822", "", "01234567890", None])
    },
    lambda c, h, d: {"status": c.choice(["terminated", "active", "Thu hồi"])},
    lambda c, h, d: {"gender": c.choice(["F", "M", "", "x"])},
]


def subscriber_csv(path: Path, rows: Sequence[dict[str, str | None]]) -> Path:
    """Write rows (without problems) as a file of the carrier `generic`."""
    names = sorted({name for each in rows for name in each})
    with pa.output_stream(str(path), compression="detect") as out:
        pacsv.write_csv(
            pa.table({name: pa.array([each.get(name) for each in rows], pa.string()) for name in names}), out
        )
    return path
