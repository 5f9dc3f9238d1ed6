from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck.lake import buckets
from simcheck.lake.encryption import Dataset
from simcheck.lake.files import Store
from simcheck.privacy import Keyring
from simcheck.records import CHANGE, CHANGES, DECLARED_COLUMNS, PROBLEM
from simcheck.uploads import delta, load
from simcheck.uploads.load import Limits, Progress, RefusedError
from tests.building import BatchReading, citizen, row

PEOPLE = [citizen(n, f"Nguyễn Văn {n}") for n in range(30)]
LIMITS = Limits(4, date(2026, 11, 23), 1000)
RING = Keyring.make()


class DeltaReading(BatchReading):
    """Rows of a delta: the key `change` is a column like the others."""

    def __iter__(self):
        rest = [each.get(CHANGE) for each in self._rows]
        self._columns = DECLARED_COLUMNS
        for batch in super().__iter__():
            said, rest = rest[: len(batch)], rest[len(batch) :]
            yield batch.append_column(CHANGE, pa.array(said, pa.string()))


def snapshot(store: Store, rows, name="base", size=7) -> Dataset:
    dataset = Dataset.create(store, RING, name)
    load.load_snapshot(BatchReading(rows, DECLARED_COLUMNS, size), dataset, LIMITS, Progress())
    return dataset


def rows_of(dataset: Dataset) -> list[dict]:
    count = dataset.manifest["buckets"]
    return [each for table in buckets.in_order(dataset, "declared", count) for each in table.to_pylist()]


def changed(store, base, rows, name="next", limits=LIMITS):
    dataset = Dataset.create(store, RING, name)
    reading = DeltaReading(rows, (*DECLARED_COLUMNS, CHANGE), 3)
    loaded = delta.load_delta(reading, base, dataset, limits, Progress())
    assert loaded.rows == len(rows_of(dataset)) == dataset.manifest["rows"]
    return dataset, loaded


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "lake")


def test_added_changed_and_removed(store):
    base = snapshot(store, [row(n, PEOPLE[n]) for n in range(20)])
    new, loaded = changed(store, base, [
        row(3, PEOPLE[25], change="changed"), row(21, PEOPLE[21], change=" Added "),
        row("+84 900 000 004", PEOPLE[4], change="REMOVED"), row(28, PEOPLE[28], change="removed"),
    ])  # fmt: skip
    after = {each["msisdn"]: each["id_number"] for each in rows_of(new)}
    expected = {f"09{n:08}": PEOPLE[n].id_number for n in range(20) if n != 4} | {
        "0900000003": PEOPLE[25].id_number,
        "0900000021": PEOPLE[21].id_number,
    }
    assert after == expected
    assert loaded.counts == {"added": 1, "changed": 1, "removed": 2, "unclear": 0, "replaced": 2}
    assert new.manifest["own"] == 4


def test_rows_of_the_delta_keep_their_number_and_the_others_follow(store):
    base = snapshot(store, [row(n, PEOPLE[n]) for n in range(20)])
    new, _ = changed(store, base, [row(30, PEOPLE[1], change="removed"), row(25, PEOPLE[2], change="added")])
    assert [each["row"] for each in rows_of(new)] == [2, *range(3, 23)]
    again, _ = changed(
        store, new, [row(0, PEOPLE[0], change="removed")], "third", Limits(7, LIMITS.as_of, 99)
    )
    numbers = [each["row"] for each in rows_of(again)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 20


def test_what_is_not_clear_is_told_and_changes_nothing(store):
    base = snapshot(store, [row(n, PEOPLE[n]) for n in range(3)] + [row("nonsense", PEOPLE[9])])
    new, loaded = changed(store, base, [
        row(1, PEOPLE[20], change="modified"), row(2, PEOPLE[20], change=None),
        row("nonsense", PEOPLE[2], change="removed"), {PROBLEM: "the row is broken"},
    ])  # fmt: skip
    own, carried = rows_of(new)[:4], rows_of(new)[4:]
    assert [each[PROBLEM] for each in own] == [
        delta._UNKNOWN_WORD, delta._UNKNOWN_WORD, delta._UNKNOWN_NUMBER, "the row is broken",
    ]  # fmt: skip
    assert not any(each[name] for each in own for name in DECLARED_COLUMNS)
    assert [each["id_number"] for each in carried] == [each.id_number for each in PEOPLE[:3]]
    assert loaded.counts["unclear"] == 4


def test_a_number_that_is_added_twice_stays_twice(store):
    base = snapshot(store, [row(1, PEOPLE[1])])
    new, _ = changed(store, base, [row(1, PEOPLE[2], change="added"), row(1, PEOPLE[3], change="added")])
    assert [each["id_number"] for each in rows_of(new)] == [PEOPLE[2].id_number, PEOPLE[3].id_number]


def test_a_file_without_the_column_is_refused(store):
    base = snapshot(store, [row(1, PEOPLE[1])])
    with pytest.raises(RefusedError, match="no column change"):
        changed(store, base, [row(1, PEOPLE[2])])


def test_too_many_rows_are_refused(store):
    with pytest.raises(RefusedError, match="more than 3 rows"):
        load.load_snapshot(
            BatchReading([row(n, PEOPLE[n]) for n in range(4)], DECLARED_COLUMNS, 2),
            Dataset.create(store, RING, "many"), Limits(1, LIMITS.as_of, 3), Progress(),
        )  # fmt: skip
    assert not Dataset.open(store, RING, "many").published


def one_by_one(changes: list[tuple[int, int]]) -> list[bool]:
    """The rule as it is told, a row after the other."""
    staying: list[int] = []
    for at, (number, change) in enumerate(changes):
        if change in {delta.CHANGED, delta.REMOVED}:
            staying = [other for other in staying if changes[other] == (0, -1) or changes[other][0] != number
                       or number == 0 or changes[other][1] == delta.UNCLEAR]  # fmt: skip
        if change != delta.REMOVED:
            staying.append(at)
    return [at in staying for at in range(len(changes))]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-1, len(CHANGES) - 1)), max_size=25))
def test_which_rows_stay(changes):
    changes = [(number, delta.UNCLEAR if number == 0 and change == delta.REMOVED else change)
               for number, change in changes]  # fmt: skip
    number = np.array([each for each, _ in changes], np.int64)
    change = np.array([each for _, each in changes], np.int8)
    assert delta.stays(number, change).tolist() == one_by_one(changes)
