"""Columns of numbers and tokens as PostgreSQL's binary COPY takes them.

Every field has a fixed width, so a block of rows is one array in memory, filled column by column: COPY is fed
five million rows in seconds and no row is ever a Python object. What is not there is written as a value that
means nothing (a token of zeros, a score that is not a number), which the merge reads as null.
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
from simcheck.crosscheck.places import DECLARED, Lake
from simcheck.lake.buckets import read
from simcheck.lake.tokens import tokens_of_numbers, tokens_of_text
from simcheck.normalise import dates
from simcheck.normalise.statuses import statuses
from simcheck.privacy import TOKEN_BYTES, Keyring
from simcheck.records import DECLARED_COLUMNS, ROW

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
NO_DAY = -(1 << 31)  # PostgreSQL's date -infinity
_EPOCH = date(2000, 1, 1).toordinal()
_SEPARATOR = "\x1f"

_WIDTHS = {
    "token": f"V{TOKEN_BYTES}",
    "int2": ">i2",
    "int4": ">i4",
    "int8": ">i8",
    "float4": ">f4",
    "bool": "u1",
}
OWN = {
    "msisdn_token": "token", "id_token": "token", "contract_token": "token", "row_ref_token": "token",
    "verdict": "int2", "reasons": "int8", "name_score": "float4", "status": "int2", "claimants": "int2",
    "activated_on": "int4", "cells": "int8", "bucket": "int4", "row": "int8",
}  # fmt: skip
OTHERS = {
    "carrier": "int2",
    "msisdn_token": "token",
    "verdict": "int2",
    "reasons": "int8",
    "claimants": "int2",
}


def block(shape: dict[str, str], columns: dict[str, Any], rows: int) -> bytes:
    """Rows as COPY takes them, without header and trailer."""
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in shape.items():
        fields += [(f"{name} length", ">i4"), (name, _WIDTHS[kind])]
    out = np.zeros(rows, np.dtype(fields))
    out["fields"] = len(shape)
    for name, kind in shape.items():
        out[f"{name} length"] = out.dtype[name].itemsize
        out[name] = _raw(columns[name]) if kind == "token" else columns[name]
    return out.tobytes()


def own_rows(lake: Lake, task: Task, whole: Whole) -> Iterator[bytes]:
    """The subscriptions of a run, one for each number, block after block."""
    declared = lake.declared(task.carrier, task.batch)
    chosen = np.zeros(len(whole.national), np.bool_)
    chosen[one_of_each(whole.national, whole.verdict, whole.over)] = True
    numbers, claims = _claims(whole)
    for bucket in range(int(declared.manifest["buckets"])):
        for batch in read(declared, DECLARED, bucket, (ROW, *DECLARED_COLUMNS)):
            kept = batch.filter(pa.array(chosen[batch[ROW].to_numpy() - 1]))
            if len(kept):
                yield _own_block(lake.keyring, kept, bucket, task, whole, numbers, claims)


def _own_block(
    keyring: Keyring, batch: pa.RecordBatch, bucket: int, task: Task, whole: Whole, numbers: I64, claims: I64
) -> bytes:
    row = batch[ROW].to_numpy()
    at = row - 1
    national, over = whole.national[at], whole.over[at]
    columns = {
        "msisdn_token": tokens_of_numbers(keyring, "msisdn", national),
        "id_token": tokens_of_numbers(keyring, "id", whole.person[at]),
        "contract_token": _tokens(keyring, "contract", batch["contract_id"]),
        "row_ref_token": _tokens(keyring, "row_ref", batch["row_ref"]),
        "verdict": whole.verdict[at], "reasons": whole.reasons[at].astype(np.int64),
        "name_score": whole.score[at], "status": statuses(batch["status"]),
        "claimants": _claimants(national, over, numbers, claims),
        "activated_on": _days(batch["activated_on"], task), "cells": _digest(keyring, batch),
        "bucket": bucket, "row": row,
    }  # fmt: skip
    return block(OWN, columns, len(batch))


def other_rows(keyring: Keyring, whole: Whole) -> Iterator[bytes]:
    """The touched subscriptions of other carriers; a carrier is its place in `whole.others`."""
    numbers, claims = _claims(whole)
    for place, (rows, verdict, reasons) in enumerate(whole.others):
        at = one_of_each(rows.national, verdict, rows.over)
        columns = {
            "carrier": place, "msisdn_token": tokens_of_numbers(keyring, "msisdn", rows.national[at]),
            "verdict": verdict[at], "reasons": reasons[at].astype(np.int64),
            "claimants": _claimants(rows.national[at], rows.over[at], numbers, claims),
        }  # fmt: skip
        yield block(OTHERS, columns, len(at))


def one_of_each(
    national: I64, verdict: npt.NDArray[np.uint8], over: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """The row that stands for each number above 0: one in service, of those the gravest, then the first."""
    rows = np.flatnonzero(national > 0)
    weight = over[rows].astype(np.int64) * 256 + (255 - verdict[rows].astype(np.int64))
    order = rows[np.lexsort((weight, national[rows]))]
    first = np.ones(len(order), np.bool_)
    first[1:] = national[order][1:] != national[order][:-1]
    return order[first]


def _claims(whole: Whole) -> tuple[I64, I64]:
    """Numbers in service at other carriers, ascending, and at how many carriers in all."""
    theirs = [np.unique(rows.counted[rows.counted > 0]) for rows, _, _ in whole.others]
    numbers, counts = np.unique(np.concatenate([np.zeros(0, np.int64), *theirs]), return_counts=True)
    own = whole.national[~whole.over]
    return numbers, counts + np.isin(numbers, own)


def _claimants(national: I64, over: npt.NDArray[np.bool_], numbers: I64, claims: I64) -> I64:
    """At how many carriers each number is in service; 0 for a row that is not, and so claims nothing."""
    out = np.ones(len(national), np.int64)
    if len(numbers):
        at = np.minimum(np.searchsorted(numbers, national), len(numbers) - 1)
        out = np.where(numbers[at] == national, claims[at], 1)
    out[over] = 0
    return out


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
