from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from carriers.adapter import ProfileAdapter
from carriers.base import CHUNK_BYTES, Reading
from carriers.registry import adapter
from simcheck.records import DECLARED_COLUMNS, PROBLEM, ROW, declared_schema

Rows = list[dict[str, object]]
Read = Callable[..., tuple[Rows, Reading]]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Reads bytes (or a file) as a carrier's file: its rows as dicts, and the reading.

    Checks on the way what holds for every reading: the schema, the batch size, rows numbered without gaps.
    """
    folder = tmp_path_factory.mktemp("files")

    def run(
        content: bytes | Path,
        code: str = "generic",
        columns: tuple[str, ...] = DECLARED_COLUMNS,
        chunk_bytes: int = CHUNK_BYTES,
        **changes: object,
    ) -> tuple[Rows, Reading]:
        path = content if isinstance(content, Path) else folder / "file"
        if isinstance(content, bytes):
            path.write_bytes(content)
        profile = replace(adapter(code).profile, **changes)
        reading = ProfileAdapter(profile, chunk_bytes).read(path, columns)
        batches = list(reading)
        assert all(batch.schema.equals(declared_schema(columns)) for batch in batches)
        assert all(0 < batch.num_rows <= 131_072 for batch in batches)
        table = pa.Table.from_batches(batches, declared_schema(columns))
        table.validate(full=True)
        assert table.column(ROW).to_pylist() == list(range(1, reading.rows + 1))
        for row in (rows := table.to_pylist()):
            if row[PROBLEM] is not None:
                assert not any(row[name] for name in columns)
        assert reading.bytes_read == reading.bytes_total == path.stat().st_size
        return rows, reading

    return run
