"""Columns of numbers and tokens as PostgreSQL's binary COPY takes them.

Every field has a fixed width, so a block of rows is one array in memory, filled column by column: COPY is fed
five million rows in seconds and no row is ever a Python object. What is not there is written as a value that
means nothing (a token of zeros, a score that is not a number), which the merge reads as null. One column of
text may follow them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simcheck.crosscheck.findings import I64
from simcheck.crosscheck.finish import Task, Whole
from simcheck.crosscheck.near import one_of_each
from simcheck.crosscheck.others import FINAL
from simcheck.crosscheck.places import DECLARED, Lake
from simcheck.lake.buckets import beside, in_order, read
from simcheck.lake.tokens import tokens_of_numbers, tokens_of_text
from simcheck.normalise import dates, places_of_sale, provinces
from simcheck.normalise.statuses import statuses
from simcheck.parallel import ordered
from simcheck.privacy import TOKEN_BYTES, Keyring
from simcheck.records import DECLARED_COLUMNS, ROW

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
NO_DAY = -(1 << 31)  # PostgreSQL's date -infinity
_EPOCH = date(2000, 1, 1).toordinal()
_SEPARATOR = "\x1f"
BUCKET = "bucket"
BLOCK_ROWS = 16_384  # of a block: some of them are on their way at a time
_FOUND = (ROW, "national", "person", "verdict", "reasons", "score", "over")

_WIDTHS = {
    "token": f"V{TOKEN_BYTES}",
    "int2": ">i2",
    "int4": ">i4",
    "int8": ">i8",
    "float4": ">f4",
    "bool": "u1",
}
OWN = {
    "msisdn_token": "token", "id_token": "token", "contract_token": "token",
    "verdict": "int2", "reasons": "int8", "name_score": "float4", "status": "int2", "claimants": "int2",
    "activated_on": "int4", "cells": "int8", "bucket": "int4", "row": "int8", "province": "int2",
}  # fmt: skip
OWN_TEXT = "point_of_sale"  # follows OWN's columns
OTHERS = {
    "carrier": "int2",
    "msisdn_token": "token",
    "verdict": "int2",
    "reasons": "int8",
    "claimants": "int2",
}


def block(
    shape: dict[str, str], columns: dict[str, Any], rows: int, last: pa.StringArray | None = None
) -> bytes:
    """Rows as COPY takes them, without header and trailer; `last` is a column of text that ends each row."""
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in shape.items():
        fields += [(f"{name} length", ">i4"), (name, _WIDTHS[kind])]
    out = np.zeros(rows, np.dtype(fields))
    out["fields"] = len(shape) + (last is not None)
    for name, kind in shape.items():
        out[f"{name} length"] = out.dtype[name].itemsize
        out[name] = _raw(columns[name]) if kind == "token" else columns[name]
    return out.tobytes() if last is None else _with_text(out, last)


def _with_text(rows: npt.NDArray[Any], last: pa.StringArray) -> bytes:
    """Rows of one width, each followed by its text: its length (-1: null), its bytes."""
    sizes = pc.fill_null(pc.binary_length(last), -1).to_numpy().astype(">i4")
    parts = [
        pa.Array.from_buffers(pa.binary(each.itemsize), len(rows), [None, pa.py_buffer(each)]).cast(
            pa.binary()
        )
        for each in (rows, sizes)
    ]
    joined = pc.binary_join_element_wise(*parts, pc.fill_null(last.cast(pa.binary()), b""), b"")
    _, offsets, data = joined.buffers()
    return bytes(memoryview(data)[: int(np.frombuffer(offsets, np.int32)[len(rows)])])


def own_rows(lake: Lake, task: Task, whole: Whole, threads: int) -> Iterator[bytes]:
    """The subscriptions of a run, one for each number, block after block."""

    def work(pair: tuple[pa.RecordBatch, pa.RecordBatch]) -> bytes:
        return _own_block(lake.keyring, *pair, task, whole)

    yield from filter(None, ordered(work, _pairs(lake, task), threads))


def _pairs(lake: Lake, task: Task) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
    """The declared rows, each with its bucket, and the same rows' final findings."""
    declared, found = lake.declared(task.carrier, task.batch), lake.findings(task.carrier, task.run)
    has, columns = int(declared.manifest["buckets"]), (ROW, *DECLARED_COLUMNS)
    if has != task.buckets:  # checked in other buckets than those in which it stands
        rows = in_order(declared, DECLARED, has, columns, bucket=BUCKET)
        told = in_order(found, FINAL, task.buckets, _FOUND)
        yield from beside(_batches(rows), _batches(told))
        return
    for bucket in range(has):
        where = pa.scalar(bucket, pa.int32())
        rows_here = (
            each.append_column(BUCKET, pa.repeat(where, len(each)))
            for each in read(declared, DECLARED, bucket, columns, BLOCK_ROWS)
        )
        yield from beside(rows_here, read(found, FINAL, bucket, _FOUND, BLOCK_ROWS))


def _batches(tables: Iterator[pa.Table]) -> Iterator[pa.RecordBatch]:
    for table in tables:
        yield from table.combine_chunks().to_batches(BLOCK_ROWS)


def _own_block(
    keyring: Keyring, declared: pa.RecordBatch, final: pa.RecordBatch, task: Task, whole: Whole
) -> bytes:
    national, row = final["national"].to_numpy(), final[ROW].to_numpy()
    stands = pa.array((national > 0) & ~_among(whole.aside, row))
    declared, final = declared.filter(stands), final.filter(stands)
    national, person, over = (
        final[name].to_numpy(zero_copy_only=False) for name in ("national", "person", "over")
    )
    columns = {
        "msisdn_token": tokens_of_numbers(keyring, "msisdn", national),
        "id_token": tokens_of_numbers(keyring, "id", person),
        "contract_token": _tokens(keyring, "contract", declared["contract_id"]),
        "verdict": final["verdict"].to_numpy(), "reasons": final["reasons"].to_numpy().astype(np.int64),
        "name_score": final["score"].to_numpy(zero_copy_only=False), "status": statuses(declared["status"]),
        "claimants": _claimants(national, over, whole),
        "activated_on": _days(declared["activated_on"], task), "cells": _digest(keyring, declared),
        "bucket": declared[BUCKET].to_numpy(), "row": final[ROW].to_numpy(),
        "province": provinces.places(declared["province"]),
    }  # fmt: skip
    return block(OWN, columns, len(final), places_of_sale.normalise(declared[OWN_TEXT]))


def other_rows(keyring: Keyring, whole: Whole) -> Iterator[bytes]:
    """The touched subscriptions of other carriers; a carrier is its place in `whole.others`."""
    for place, (rows, verdict, reasons) in enumerate(whole.others):
        at = one_of_each(rows.national, verdict, rows.over)
        columns = {
            "carrier": place, "msisdn_token": tokens_of_numbers(keyring, "msisdn", rows.national[at]),
            "verdict": verdict[at], "reasons": reasons[at].astype(np.int64),
            "claimants": _claimants(rows.national[at], rows.over[at], whole),
        }  # fmt: skip
        yield block(OTHERS, columns, len(at))


def _claimants(national: I64, over: npt.NDArray[np.bool_], whole: Whole) -> I64:
    """At how many carriers each number is in service; 0 for a row that is not, and so claims nothing."""
    out = np.ones(len(national), np.int64)
    if len(whole.claimed):
        at = np.minimum(np.searchsorted(whole.claimed, national), len(whole.claimed) - 1)
        out = np.where(whole.claimed[at] == national, whole.claims[at], 1)
    out[over] = 0
    return out


def _among(ascending: I64, asked: I64) -> npt.NDArray[np.bool_]:
    if not len(ascending):
        return np.zeros(len(asked), np.bool_)
    at = np.minimum(np.searchsorted(ascending, asked), len(ascending) - 1)
    among: npt.NDArray[np.bool_] = ascending[at] == asked
    return among


def _tokens(keyring: Keyring, kind: str, column: pa.StringArray) -> pa.FixedSizeBinaryArray:
    return tokens_of_text(keyring, kind, pc.utf8_trim_whitespace(column))


def _days(column: pa.StringArray, task: Task) -> npt.NDArray[np.int64]:
    """Days from 2000-01-01; NO_DAY where no whole date stands."""
    ymd = dates.normalise(column, task.made_at.date()).ymd.astype(np.int64)
    year, month, day = ymd // 10_000, ymd // 100 % 100, ymd % 100
    known = day > 0
    months = (year - 1970) * 12 + month - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + day - 1
    return np.where(known, days - (_EPOCH - date(1970, 1, 1).toordinal()), NO_DAY)


def _digest(keyring: Keyring, batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """Eight bytes of a keyed hash over all declared cells: equal cells, equal digest."""
    cells = [pc.fill_null(batch[name], "\x1e") for name in DECLARED_COLUMNS]
    joined = pc.binary_join_element_wise(*cells, _SEPARATOR)
    tokens = np.frombuffer(_raw(tokens_of_text(keyring, "cells", joined)), np.uint8)
    return tokens.reshape(-1, TOKEN_BYTES)[:, :8].copy().view(np.int64)[:, 0]


def _raw(tokens: pa.FixedSizeBinaryArray) -> npt.NDArray[np.void]:
    """The tokens' bytes; zeros where there is none."""
    data = tokens.buffers()[1]
    start, rows = tokens.offset * TOKEN_BYTES, len(tokens)
    out = np.frombuffer(data, np.uint8, rows * TOKEN_BYTES, start).reshape(rows, TOKEN_BYTES).copy()
    if tokens.null_count:
        out[~tokens.is_valid().to_numpy(zero_copy_only=False)] = 0
    return out.view(f"V{TOKEN_BYTES}")[:, 0] if rows else np.zeros(0, f"V{TOKEN_BYTES}")
