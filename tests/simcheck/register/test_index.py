from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simcheck.errors import FileRefusedError
from simcheck.normalise.names import fingerprint, new_keys
from simcheck.register.index import Index, bucket_of
from simcheck.register.snapshot import Citizens, Snapshot
from tests.building import AS_OF, citizen, register

KEYS = new_keys()


def part(rows: dict[int, tuple[str, int, int]]) -> Citizens:
    names = pa.array([name for name, _, _ in rows.values()], pa.string())
    return Citizens(
        np.array(list(rows), np.int64), fingerprint(names, KEYS).code,
        np.array([born for _, born, _ in rows.values()], np.int32),
        np.array([status for _, _, status in rows.values()], np.uint8), names,
    )  # fmt: skip


# ids from all over, and from one narrow range, where hashes must still spread
IDS = st.one_of(st.integers(1, 10**12 - 1), st.integers(1_090_000_000, 1_090_000_200))
FACTS = st.tuples(
    st.sampled_from(["Trần An", "Lê Bình", "H'Maryam Niê", "Nguyễn Thị Hương"]),
    st.one_of(st.just(0), st.integers(19000000, 20261231)),
    st.integers(0, 2),
)


@settings(deadline=None)
@given(st.dictionaries(IDS, FACTS, max_size=300), st.lists(IDS, max_size=50), st.integers(1, 5))
def test_an_index_is_a_dict(people, others, cuts):
    index = Index(len(people))
    items = list(people.items())
    size = max(1, -(-len(items) // cuts))
    for start in range(0, len(items), size):
        assert index.add(part(dict(items[start : start + size]))) == -1
    asked = [*people, *others, 0, -1]
    found = index.find(np.array(asked, np.int64))
    for at, key in enumerate(asked):
        if key in people:
            name, born, status = people[key]
            assert (found.born[at], found.status[at]) == (born, status)
            assert found.name_code[at] == fingerprint(pa.array([name]), KEYS).code[0]
            assert found.row[at] == list(people).index(key)
        else:
            assert found.row[at] == -1
    known = found.row[found.row >= 0][::-1]
    assert index.names(known).to_pylist() == [items[row][1][0] for row in known]


@pytest.mark.parametrize("number", [1, 2, 3, 2**32, 10**12 - 1])
def test_a_citizen_alone_in_the_register(number):
    index = Index(1)
    assert index.add(part({number: ("Trần An", 19900525, 2)})) == -1
    found = index.find(np.array([number] * 300 + [number + 1], np.int64))
    assert found.row.tolist() == [0] * 300 + [-1]
    assert found.born.tolist() == [19900525] * 300 + [0]


def test_no_names_are_asked():
    index = Index(2)
    index.add(part({5: ("Trần An", 0, 0)}))
    assert index.names(np.zeros(0, np.int32)).to_pylist() == []


def test_an_index_filled_to_its_promise():
    ids = np.arange(1_090_000_000, 1_090_200_000, dtype=np.int64)
    index = Index(len(ids))
    n = len(ids)
    names = pa.array(["An"] * n)
    born = 19_000_000 + np.arange(n, dtype=np.int32)
    facts = born, np.zeros(n, np.uint8), names
    assert index.add(Citizens(ids, np.arange(n, dtype=np.uint64), *facts)) == -1
    order = np.random.default_rng(1).permutation(n)
    found = index.find(ids[order])
    assert (found.row == order).all()
    assert (found.born == born[order]).all()
    assert (index.find(ids + 10**11).row == -1).all()


def test_a_number_that_stands_there_already():
    index = Index(10)
    assert index.add(part({5: ("Trần An", 0, 0), 6: ("Lê Bình", 0, 0)})) == -1
    assert index.add(part({7: ("Trần An", 0, 0), 6: ("Lê Bình", 0, 0)})) == 1


@pytest.mark.parametrize(("buckets", "named"), [(1, True), (4, False)])
def test_a_register_with_a_number_twice_is_refused(tmp_path, buckets, named):
    people = [citizen(at, "Trần An") for at in range(50)]
    people[41] = people[7]
    path = register(tmp_path / "r.parquet", people, row_group=10)
    mine = int(bucket_of(np.array([int(people[7].id_number)]), buckets)[0])
    with pytest.raises(FileRefusedError, match="more than once") as caught:
        Index.load(Snapshot(path), KEYS, AS_OF, 1, mine, buckets)
    assert ("row 42" in str(caught.value)) == named
    assert people[7].id_number not in str(caught.value)


@pytest.mark.parametrize("name", ["r.parquet", "r.csv"])
@pytest.mark.parametrize("buckets", [1, 2, 7, 64])
def test_buckets_partition_the_register(tmp_path, name, buckets):
    people = [citizen(at * 37, f"Trần An {at}") for at in range(400)]
    path = register(tmp_path / name, people, row_group=64)
    ids = np.array([int(each.id_number) for each in people], np.int64)
    bucket = bucket_of(ids, buckets)
    assert ((bucket >= 0) & (bucket < buckets)).all()
    for number in range(buckets):
        index = Index.load(Snapshot(path), KEYS, AS_OF, 2, number, buckets)
        found = index.find(ids)
        assert ((found.row >= 0) == (bucket == number)).all()
        mine = np.flatnonzero(bucket == number)
        assert index.names(found.row[mine]).to_pylist() == [people[at].full_name for at in mine]


@given(st.lists(st.integers(1, 10**12 + 10**9), min_size=1, max_size=100), st.integers(1, 4096))
def test_a_bucket_depends_on_the_number_alone(ids, buckets):
    together = bucket_of(np.array(ids, np.int64), buckets)
    assert [int(bucket_of(np.array([each], np.int64), buckets)[0]) for each in ids] == together.tolist()


def test_buckets_are_alike_in_size():
    sizes = np.bincount(bucket_of(np.arange(1_090_000_000, 1_090_100_000, dtype=np.int64), 64), minlength=64)
    assert sizes.min() > 1300
    assert sizes.max() < 1850


def test_parts_come_back_as_they_were_added(tmp_path):
    people = [citizen(at, f"Trần An {at}") for at in range(30)]
    index = Index.load(Snapshot(register(tmp_path / "r.parquet", people, row_group=8)), KEYS, AS_OF, 1)
    parts = index.parts()
    assert [len(each.id_number) for each in parts] == [8, 8, 8, 6]
    assert np.concatenate([each.id_number for each in parts]).tolist() == [
        int(each.id_number) for each in people
    ]
