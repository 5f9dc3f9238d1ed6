from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from simcheck.crosscheck.findings import Findings
from simcheck.errors import SealError
from simcheck.lake import findings

COLUMNS = ("national", "key", "reasons", "over", "bearer_at", "bearer")


def some(rows: np.ndarray, refs: bool = True) -> Findings:
    """Findings that can be told from their rows' numbers."""
    score = np.where(rows % 3 == 0, np.nan, rows / 1000).astype(np.float32)
    at = np.flatnonzero(rows % 7 == 0)
    return Findings(
        0, 1, rows + 900_000_000, rows * 11, rows.astype(np.uint64) | np.uint64(1 << 63), score,
        np.flatnonzero(rows % 4 == 0), pa.array([f"KH-{row}" for row in rows]) if refs else None,
        bearer_at=at.astype(np.int32), bearer=rows[at] + 5,
    )  # fmt: skip


def assert_same(stored: findings.Stored, expected: Findings, row: np.ndarray) -> None:
    again = Findings(0, 1, *stored.columns, bearer=stored.bearer)
    assert stored.row.tolist() == row.tolist()
    for name in COLUMNS:
        one, other = getattr(again, name), getattr(expected, name)
        assert one.tolist() == other.tolist(), name
        assert one.dtype == other.dtype, name
    assert again.score.dtype == np.float32
    np.testing.assert_array_equal(again.score, expected.score)
    assert again.person.tolist() == expected.person.tolist()
    assert again.counted.tolist() == expected.counted.tolist()
    assert (again.row_ref is None) == (expected.row_ref is None)
    if again.row_ref is not None:
        assert again.row_ref.to_pylist() == expected.row_ref.to_pylist()
    again.reasons |= np.uint64(2)  # what is read may be changed


@pytest.mark.parametrize("refs", [True, False])
def test_findings_come_back_as_they_were(dataset, refs):
    rows = np.arange(1, 1000)
    odd, even = rows[rows % 2 == 1], rows[rows % 2 == 0]
    findings.write(dataset, 1, [(part, some(part, refs)) for part in (odd[:100], odd[100:])])
    findings.write(dataset, 0, [(even, some(even, refs))])
    (stored,) = findings.of_bucket(dataset, 1)
    assert_same(stored, some(odd, refs), odd)
    everything = [row for part in findings.of_all(dataset, 2) for row in part.row]
    assert everything == rows.tolist()
    for part in findings.of_all(dataset, 2):
        assert_same(part, some(part.row, refs), part.row)


def test_a_bucket_that_is_done_again_replaces_what_was_there(dataset):
    rows = np.arange(1, 50)
    findings.write(dataset, 0, [(rows[:20], some(rows[:20]))])
    findings.write(dataset, 0, [(rows, some(rows))])
    assert [part.row.tolist() for part in findings.of_bucket(dataset, 0)] == [rows.tolist()]


def test_no_findings(dataset):
    findings.write(dataset, 0, [])
    assert list(findings.of_bucket(dataset, 0)) == []
    assert list(findings.of_bucket(dataset, 1)) == []
    assert list(findings.of_all(dataset, 4)) == []


def test_damaged_findings_are_refused(dataset, tmp_path):
    findings.write(dataset, 0, [(np.arange(1, 50), some(np.arange(1, 50)))])
    path = tmp_path / "lake" / dataset.name / "findings-0000.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 8
    path.write_bytes(content)
    with pytest.raises(SealError):
        list(findings.of_bucket(dataset, 0))
