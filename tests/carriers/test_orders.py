"""Every carrier's order file: written, filled in as the carrier would, sent back, read."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pytest

from carriers import orders, writing
from carriers.profile import load
from carriers.registry import adapter, codes
from simcheck.errors import FileRefusedError, UsageError
from simcheck.records import ACTS, ANSWERED_COLUMNS, ORDERED_COLUMNS, OUTCOMES

ORDER = "0b0e2c9e-6d5c-4b60-8b5c-5a8f1c1d2e3f"


@dataclass(frozen=True)
class InMemory:
    """A file that is nowhere but in memory."""

    content: bytes
    name: str = "the file"

    @property
    def size(self) -> int:
        return len(self.content)

    def open(self) -> pa.NativeFile:
        return pa.PythonFile(io.BytesIO(self.content), "r")


def lines(**answers: list[str]) -> pa.RecordBatch:
    """A line for each act; `answers` are the columns that the carrier fills in."""
    count = max([len(ACTS), *map(len, answers.values())])
    acts = [ACTS[at % len(ACTS)] for at in range(count)]
    columns = {
        "order_id": [ORDER] * count, "line": [str(at + 1) for at in range(count)],
        "msisdn": [f"8491234567{at}" for at in range(count)], "act": acts,
        "reason": ["Không xác thực thông tin thuê bao đúng hạn"] * count,
        "basis": ["Thông tư 08/2026/TT-BKHCN, Điều 10"] * count, "due_on": ["2026-11-28"] * count,
    }  # fmt: skip
    return pa.RecordBatch.from_pydict({**columns, **answers})


@pytest.mark.parametrize("code", [*codes()])
def test_an_order_goes_out_and_comes_back(code):
    profile = adapter(code).profile
    answers = {"outcome": list(OUTCOMES), "done_at": ["2026-11-27"] * len(OUTCOMES)}
    sent = lines(**answers)
    content = orders.write(profile, sent)
    reading = orders.read(profile, InMemory(content))
    [found] = list(reading)
    assert reading.unknown_columns == []
    assert found["problem"].null_count == len(OUTCOMES)
    for name in ("order_id", "line", "msisdn", "act", "outcome"):
        assert found[name].to_pylist() == sent[name].to_pylist(), name
    assert len(content) > 100
    assert orders.extension(profile).startswith(".")
    assert "/" in orders.media_type(profile)


@pytest.mark.parametrize("code", [*codes()])
def test_what_goes_out_has_room_for_the_answer(code):
    profile = adapter(code).profile
    sent = orders.write(profile, lines())
    if profile.format == "jsonl":  # it has no place for what nobody has said
        with pytest.raises(FileRefusedError, match="outcome"):
            list(orders.read(profile, InMemory(sent)))
        return
    [found] = list(orders.read(profile, InMemory(sent)))
    assert found.schema.names[2:] == [*ORDERED_COLUMNS, *ANSWERED_COLUMNS]
    assert set(found["outcome"].to_pylist()) <= {"", None}


def test_a_file_without_the_line_numbers_is_refused():
    profile = adapter("generic").profile
    with pytest.raises(FileRefusedError, match="line"):
        list(orders.read(profile, InMemory(f"order_id,msisdn,outcome\n{ORDER},84912345670,done\n".encode())))


def test_a_carrier_that_says_nothing_of_orders_gets_the_common_format():
    profile = replace(adapter("gmobile").profile, orders=None)
    assert orders.write(profile, lines()).startswith(b"order_id,line,msisdn,act,reason,basis,due_on,outcome")


def test_no_order_is_written_as_parquet():
    profile = replace(adapter("generic").profile, format="parquet")
    with pytest.raises(UsageError, match="Parquet"):
        writing.in_memory(profile, lines())


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ('x = "y"', "orders.x"),
        ('[orders.columns]\nperson = "a"', "orders.columns.person"),
        ('[orders.columns]\norder_id = "a"', "orders.columns.line"),
        ('[orders.values.act]\n"A" = "cut"', "orders.values.act"),
        ('[orders.values.reason]\n"A" = "b"', "orders.values.reason"),
    ],
)
def test_what_is_wrong_with_the_table_is_said(tmp_path: Path, change, key):
    known = (Path(orders.__file__).parent / "generic" / "carrier.toml").read_text("utf-8")
    columns = "\n".join(f'{name} = "{name}"' for name in (*ORDERED_COLUMNS, *ANSWERED_COLUMNS))
    whole = "" if "[orders.columns]" in change else f"[orders.columns]\n{columns}\n"
    top = change if change.startswith("x") else ""
    rest = "" if top else change
    if "values" in change:
        rest = f"{whole}{change}"
        whole = ""
    path = tmp_path / "carrier.toml"
    path.write_text(f'{known}\n[orders]\nassumption = "None."\n{top}\n{whole}{rest}\n', "utf-8")
    with pytest.raises(UsageError, match=key.replace(".", r"\.")):
        load(path)
