from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from simcheck.crosscheck.again import look_again
from simcheck.crosscheck.compare import Measure, compare, normalise
from simcheck.errors import SealError
from simcheck.matching import rules
from simcheck.normalise.citizen_ids import CMND_BASE
from simcheck.normalise.names import fingerprint, new_keys
from simcheck.normalise.words import Vocabulary
from simcheck.privacy import Keyring
from simcheck.reasons import Reason
from simcheck.records import CHECKED_COLUMNS
from simcheck.register.importing import import_register
from simcheck.register.index import Index, bucket_of
from simcheck.register.protocol import index_of, slips
from simcheck.register.sealed import GROUP_ROWS, SealedRegister
from simcheck.register.snapshot import Snapshot
from tests.building import AS_OF, BatchReading, citizen, country, register

KEYS = new_keys()
BUCKETS = 5


@pytest.fixture
def people():
    return country(5)[0]


@pytest.fixture
def path(tmp_path, people):
    return register(tmp_path / "r.parquet", people, row_group=64)


@pytest.fixture
def sealed(store, keyring, path):
    return import_register(store, keyring, path, AS_OF, 1, BUCKETS)


def numbers(people) -> np.ndarray:
    return np.array([int(each.id_number) for each in people], np.int64)


def test_a_bucket_is_the_index_that_the_file_would_give(path, people, sealed):
    asked = np.concatenate([numbers(people), numbers(people) + 1])
    for bucket in range(BUCKETS):
        ours = sealed.index(bucket, KEYS)
        theirs = Index.load(Snapshot(path), KEYS, AS_OF, 1, bucket, BUCKETS)
        one, other = ours.find(asked), theirs.find(asked)
        for name in ("name_code", "born", "status"):
            assert (getattr(one, name) == getattr(other, name)).all()
        assert ((one.row >= 0) == (other.row >= 0)).all()
        known = one.row >= 0
        assert ours.names(one.row[known]) == theirs.names(other.row[known])


def test_an_empty_bucket_is_an_index_of_nobody(tmp_path, store, keyring):
    sealed = import_register(
        store, keyring, register(tmp_path / "one.csv", [citizen(1, "Trần An")]), AS_OF, 1, 64
    )
    (mine,) = bucket_of(np.array([1_090_000_000 + 1]), 64)
    for bucket in {0, 63, int(mine)}:
        found = sealed.index(bucket, KEYS).find(np.array([1_090_000_001]))
        assert (found.row[0] >= 0) == (bucket == mine)


def test_bearers_are_where_their_former_number_belongs(people, sealed):
    expected = {
        (former, int(each.id_number))
        for each in people
        for former in (
            CMND_BASE + int(each.old_id_number) if each.old_id_number else 0,
            int(each.previous_id_number or 0),
        )
        if former
    }
    found = set()
    for bucket in range(BUCKETS):
        for part, former in sealed.bearers(bucket):
            for at, number in enumerate(part.id_number.tolist()):
                both = [former.old_id[at] + CMND_BASE if former.old_id[at] else 0, former.previous_id[at]]
                mine = [
                    int(each) for each in both if each and bucket_of(np.array([each]), BUCKETS)[0] == bucket
                ]
                assert mine
                found |= {(each, number) for each in mine}
    assert found == expected
    assert len(expected) > 80


def test_asking_for_numbers_of_every_kind(people, sealed):
    some = people[10:40]
    old = [CMND_BASE + int(each.old_id_number) for each in people[60:90] if each.old_id_number]
    gone = [int(each.previous_id_number) for each in people[100:150] if each.previous_id_number]
    asked = np.array([*numbers(some), *old, *gone, 0, 999_999_999_999, CMND_BASE + 999_999_999, *old])
    answer = sealed.ask(asked, KEYS, 2)
    expected = [
        each
        for each in people
        if int(each.id_number) in asked
        or (each.old_id_number and CMND_BASE + int(each.old_id_number) in asked)
        or (each.previous_id_number and int(each.previous_id_number) in asked)
    ]
    found = answer.citizens
    assert found.id_number.tolist() == sorted(numbers(expected).tolist())
    assert (found.name_code == fingerprint(found.full_name, KEYS).code).all()
    by_number = {int(each.id_number): each for each in people}
    for at, number in enumerate(found.id_number.tolist()):
        assert found.full_name[at].as_py() == by_number[number].full_name
        assert answer.former.old_id[at] == int(by_number[number].old_id_number or 0)
    assert len(answer.unanswered) == 0
    assert answer.fault is None
    assert (index_of(answer).find(numbers(expected)).row >= 0).all()


def test_nobody_is_asked_for(sealed):
    for asked in (np.zeros(0, np.int64), np.zeros(3, np.int64), np.array([5, CMND_BASE + 5])):
        answer = sealed.ask(asked, KEYS)
        assert len(answer.citizens.id_number) == len(answer.former.old_id) == 0
        assert (index_of(answer).find(np.array([5])).row == -1).all()


def test_one_number_is_found_among_many_row_groups(tmp_path, store, keyring):
    people = [
        citizen(at, f"Trần An {at}", old_id_number=f"{100_000_000 + at % 7:09}")
        for at in range(3 * GROUP_ROWS)
    ]
    sealed = import_register(store, keyring, register(tmp_path / "many.parquet", people), AS_OF, 2, 1)
    for at in (0, 1, GROUP_ROWS - 1, GROUP_ROWS, len(people) - 1):
        answer = sealed.ask(np.array([int(people[at].id_number)]), KEYS)
        assert answer.citizens.full_name.to_pylist() == [f"Trần An {at}"]
    shared = sealed.ask(np.array([CMND_BASE + 100_000_003]), KEYS)
    assert len(shared.citizens.id_number) == sum(at % 7 == 3 for at in range(len(people)))  # over two groups


def checked(batches, measure, index_for, parts_for):
    """The check as a run does it: bucket by bucket, then the second look."""
    findings, pending = [], []
    for number, batch in enumerate(batches):
        declared = normalise(batch, 0, measure)
        whole = None
        for bucket in range(BUCKETS):
            found, waiting = compare(declared, index_for(bucket), measure, number, bucket, BUCKETS)
            pending.append(waiting)
            if whole is None:
                whole = found
            else:
                mine = bucket_of(whole.key, BUCKETS) == bucket
                whole.reasons[mine], whole.score[mine] = found.reasons[mine], found.score[mine]
        findings.append(whole)
    look_again(findings, pending, parts_for(pending), measure, 1)
    return findings


@pytest.mark.parametrize("way", ["parts", "asked"])
def test_a_check_against_the_sealed_register_finds_the_same(path, sealed, way):
    """All parts streamed to the second look, or only who is asked for."""
    _, files = country(5, sims=3000)
    measure = Measure(rules.load(), AS_OF, KEYS, Vocabulary())
    rows = [each for file in files for each in file.rows]
    batches = list(BatchReading(rows, CHECKED_COLUMNS, 200))
    snapshot = Snapshot(path)

    def from_file(_):
        return zip(snapshot.citizens(KEYS, AS_OF, 1), snapshot.former(1), strict=True)

    def from_lake(pending):
        if way == "parts":
            return sealed.parts(2)
        keys = np.concatenate([each.key for each in pending])
        answer = sealed.ask(np.concatenate([keys, slips(keys)]), KEYS)
        return [(answer.citizens, answer.former)]

    expected = checked(
        batches, measure, lambda bucket: Index.load(snapshot, KEYS, AS_OF, 1, bucket, BUCKETS), from_file
    )
    found = checked(batches, measure, lambda bucket: sealed.index(bucket, KEYS), from_lake)
    assert sum(len(each.bearer) for each in expected) > 10
    assert (
        sum(int((each.reasons & np.uint64(Reason.ID_LIKELY_TYPO.mask) != 0).sum()) for each in expected) > 10
    )
    for one, other in zip(found, expected, strict=True):
        for field in dataclasses.fields(one):
            left, right = getattr(one, field.name), getattr(other, field.name)
            if isinstance(left, np.ndarray):
                np.testing.assert_array_equal(left, right, field.name)


def test_bearers_of_a_bucket_are_enough_for_its_former_numbers(sealed, people):
    """What `look_again` finds through them is what it finds in the whole register."""
    measure = Measure(rules.load(), AS_OF, KEYS, Vocabulary())
    rows = [
        {
            "msisdn": f"09{at:08}", "id_number": each.old_id_number or each.previous_id_number,
            "full_name": each.full_name, "date_of_birth": each.date_of_birth, "id_type": "cmnd",
        }
        for at, each in enumerate(people)
        if each.old_id_number or each.previous_id_number
    ]  # fmt: skip
    (batch,) = BatchReading(rows, CHECKED_COLUMNS)
    bearers = []
    for way in (sealed.bearers, lambda _: sealed.parts(1)):
        bearer = np.zeros(len(rows), np.int64)
        for bucket in range(BUCKETS):
            declared = normalise(batch, 0, measure)
            found, waiting = compare(declared, sealed.index(bucket, KEYS), measure, 0, bucket, BUCKETS)
            look_again([found], [waiting], way(bucket), measure, 1)
            bearer[found.bearer_at] = found.bearer
        bearers.append(bearer)
    assert (bearers[0] > 0).sum() > 80
    np.testing.assert_array_equal(*bearers)


def test_after_a_rotation_the_register_is_read_and_another_keyring_reads_nothing(store, keyring, sealed):
    again = SealedRegister.open(store, keyring.rotate(), sealed.name)
    assert sum(len(part.id_number) for part, _ in again.parts(1)) == sealed.rows
    with pytest.raises(SealError):
        SealedRegister.newest(store, Keyring.make())


@pytest.mark.parametrize("place", [0.05, 0.5, 0.95])
def test_a_damaged_bucket_is_refused_however_it_is_read(store, keyring, sealed, people, tmp_path, place):
    for path in Path(tmp_path / "lake").rglob("citizens-*.parquet"):
        content = bytearray(path.read_bytes())
        content[int(len(content) * place)] ^= 4
        path.write_bytes(content)
    again = SealedRegister.open(store, keyring, sealed.name)
    for read in (
        lambda: again.index(0, KEYS),
        lambda: list(again.parts(1)),
        lambda: again.ask(numbers(people), KEYS),
    ):
        with pytest.raises(SealError) as caught:
            read()
        assert "0010900" not in str(caught.value)


def test_a_bucket_is_lost(store, keyring, sealed, tmp_path):
    next(Path(tmp_path / "lake").rglob("citizens-0001.parquet")).unlink()
    with pytest.raises(SealError, match="not there"):
        list(SealedRegister.open(store, keyring, sealed.name).parts(1))


def test_parts_hold_no_more_than_a_row_group(sealed):
    for part, former in sealed.parts(1):
        assert isinstance(part.full_name, pa.StringArray)
        assert len(part.id_number) == len(former.old_id) <= GROUP_ROWS
