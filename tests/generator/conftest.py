"""One small country in every carrier's own format, made once for all tests that read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import generator
from carriers import registry

CITIZENS, SUBSCRIPTIONS, SEED = 20_000, 60_000, 11


@dataclass(frozen=True)
class Made:
    folder: Path
    manifest: generator.Manifest
    citizens: pa.Table
    truth: pa.Table
    declared: dict[str, pa.Table]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("country") / "out"
    manifest = generator.generate(CITIZENS, SUBSCRIPTIONS, SEED, folder)
    declared = {
        str(entry["carrier"]): pa.Table.from_batches(
            list(registry.adapter(str(entry["carrier"])).read(folder / str(entry["file"])))
        )
        for entry in manifest.files
    }
    citizens, truth = (pq.read_table(folder / f"{name}.parquet") for name in ("citizens", "truth"))
    return Made(folder, manifest, citizens, truth, declared)
