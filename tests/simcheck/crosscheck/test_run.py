from __future__ import annotations

import csv
import hashlib
import json
import random
import re
import threading
from functools import partial

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carriers.registry import adapter
from simcheck.crosscheck import run
from simcheck.errors import FileRefusedError, OutputError
from simcheck.records import CHECKED_COLUMNS, declared_schema
from tests.building import (
    AS_OF,
    BatchReading,
    Citizen,
    File,
    check,
    citizen,
    country,
    decided,
    register,
    request,
    row,
)

PEOPLE, FILES = country(seed=7)


@pytest.fixture(scope="module")
def citizens(tmp_path_factory):
    return register(tmp_path_factory.mktemp("register") / "register.parquet", PEOPLE, row_group=50)


@pytest.fixture(scope="module")
def out(tmp_path_factory, citizens):
    """What one thread and one bucket make of the country."""
    asked = request(tmp_path_factory.mktemp("one"), citizens, *FILES, size=150)
    run.check(asked)
    return asked.out


def digests(folder) -> dict[str, str]:
    """Everything that may not differ between runs: all files but the summary's timings."""
    return {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest()
        for each in folder.iterdir()
        if each.name != "summary.json"
    }


def test_the_country_has_everything_that_can_go_wrong(out):
    found = decided(out)
    assert {verdict for verdict, _ in found} == {
        "verified",
        "variant",
        "mismatch",
        "unverifiable",
        "rejected",
    }
    reasons = {reason for _, each in found for reason in each}
    assert len(reasons) >= 28, sorted(reasons)


@pytest.mark.parametrize(
    "how",
    [
        {"threads": 2},
        {"threads": 5},
        {"buckets": 2},
        {"buckets": 64},
        {"buckets": 64, "threads": 2},
        {"memory": 30_000},
    ],
    ids=str,
)
def test_threads_buckets_and_memory_change_no_byte(tmp_path, citizens, out, how):
    asked = request(tmp_path, citizens, *FILES, size=150, **how)
    run.check(asked)
    assert digests(asked.out) == digests(out)
    one, other = (json.loads((each / "summary.json").read_text("utf-8")) for each in (out, asked.out))
    for figures in (one, other):
        for name in ("seconds", "rows_per_second", "peak_memory_bytes"):
            del figures[name]
    assert one == other


def test_a_register_in_another_format_and_order_changes_no_byte(tmp_path, out):
    shuffled = random.Random(3).sample(PEOPLE, len(PEOPLE))
    asked = request(tmp_path, register(tmp_path / "r.csv.gz", shuffled), *FILES, size=150)
    run.check(asked)
    assert digests(asked.out) == digests(out)


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_other_countries_are_decided_alike_by_any_means(tmp_path, seed):
    people, files = country(seed, people=60, sims=400)
    kept = set()
    for at, how in enumerate([{}, {"threads": 3}, {"buckets": 9, "threads": 2}]):
        folder = tmp_path / str(at)
        folder.mkdir()
        asked = request(folder, register(folder / "r.csv", people), *files, size=40, **how)
        run.check(asked)
        kept.add(tuple(sorted(digests(asked.out).items())))
    assert len(kept) == 1


@pytest.mark.parametrize("size", [7, 1000])
def test_batches_change_no_row(tmp_path, citizens, out, size):
    asked = request(tmp_path, citizens, *FILES, size=size, threads=2)
    run.check(asked)
    assert pq.read_table(asked.out / "verdicts.parquet").equals(pq.read_table(out / "verdicts.parquet"))


@pytest.mark.parametrize("seed", [1, 2])
def test_shuffled_rows_get_the_same_verdicts(tmp_path, citizens, out, seed):
    """Sorted by file and by the row's place before the shuffling, everything is as it was."""
    chance = random.Random(seed)
    orders = [chance.sample(range(len(each.rows)), len(each.rows)) for each in FILES]
    files = [
        File(each.carrier, [each.rows[at] for at in order]) for each, order in zip(FILES, orders, strict=True)
    ]
    files_order = chance.sample(range(3), 3)
    asked = request(tmp_path, citizens, *(files[at] for at in files_order), size=50, threads=2, buckets=3)
    run.check(asked)
    table = pq.read_table(asked.out / "verdicts.parquet").to_pylist()
    for each in table:
        place = [file.carrier for file in FILES].index(each["carrier"])
        each["row"] = orders[place][each["row"] - 1] + 1
    key = lambda each: (each["file"], each["row"])  # noqa: E731
    assert sorted(table, key=key) == sorted(pq.read_table(out / "verdicts.parquet").to_pylist(), key=key)


def test_rows_in_are_rows_out_in_their_order(out):
    table = pq.read_table(out / "verdicts.parquet")
    expected = [(each.carrier, at) for each in FILES for at in range(1, len(each.rows) + 1)]
    assert list(zip(table["carrier"].to_pylist(), table["row"].to_pylist(), strict=True)) == expected
    at = 0
    for each in FILES:
        for cells in each.rows:
            reasons = table["reasons"][at].as_py()
            assert (reasons == ["ROW_MALFORMED"]) == ("problem" in cells) == ("ROW_MALFORMED" in reasons)
            at += 1


def test_every_verdict_follows_from_its_reasons(out):
    effects = rule_effects()
    order = ["verified", "variant", "mismatch", "unverifiable", "rejected"]
    graver = {"MSISDN_DUPLICATE_IN_CARRIER", "HOLDER_UNDERAGE"}
    for verdict, reasons in decided(out):
        worst = max(
            (effects[each] for each in reasons if effects[each] != "flag"),
            key=order.index,
            default="verified",
        )
        assert verdict == worst or (verdict == "mismatch" and reasons & graver and worst in order[:2])


def rule_effects() -> dict[str, str]:
    from simcheck.matching import rules

    return {reason.name: rule.effect for reason, rule in rules.load().of.items()}


def writings(held: Citizen) -> set[str]:
    """Every way in which what the register holds of a person might show."""
    year, *rest = held.date_of_birth.split("-")
    dates = {held.date_of_birth, "/".join([*reversed(rest), year]), year + "".join(rest)}
    numbers = {held.id_number, held.old_id_number, held.previous_id_number}
    return {each for each in {held.full_name, *dates, *numbers} if each and len(each) > 4}


def test_feedback_never_shows_what_the_register_holds(out):
    """Of the carrier's own row it repeats the number and the reference, and nothing else of any person."""
    told = 0
    secrets = sorted({each for held in PEOPLE for each in writings(held)}, key=len)
    words = {word for held in PEOPLE for word in held.full_name.split() if not word.isascii()}
    anything = re.compile("|".join(re.escape(each) for each in secrets))
    for file in FILES:
        with (out / f"feedback-{file.carrier}.csv").open(encoding="utf-8", newline="") as lines:
            for line in csv.DictReader(lines):
                told += 1
                for column, cell in line.items():
                    if column not in {"msisdn", "row_ref", "file", "row"}:
                        assert not anything.search(cell), column
                        assert not words & set(re.findall(r"\w+", cell)) - RULE_WORDS
                own = file.rows[int(line["row"]) - 1]
                assert line["row_ref"] == (own.get("row_ref") or "")
                assert line["msisdn"][3:] in (own.get("msisdn") or "").replace("012345", "08345")
    assert told == sum(verdict != "verified" for verdict, _ in decided(out))


def rule_words() -> set[str]:
    from simcheck.matching import rules

    return {word for rule in rules.load().of.values() for word in re.findall(r"\w+", rule.vi)}


RULE_WORDS = rule_words()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "msisdn": st.one_of(
                    st.none(), st.text(max_size=15), st.from_regex(r"0?9\d{8}", fullmatch=True)
                ),
                "id_number": st.one_of(
                    st.none(), st.text(max_size=15), st.just(PEOPLE[0].id_number), st.just("200000000")
                ),
                "full_name": st.one_of(st.none(), st.text(max_size=30), st.just(PEOPLE[0].full_name)),
                "date_of_birth": st.one_of(st.none(), st.text(max_size=12), st.just(PEOPLE[0].date_of_birth)),
                "gender": st.text(max_size=3),
                "id_type": st.text(max_size=8),
                "row_ref": st.text(max_size=8),
                "status": st.text(max_size=8),
                "face_verified_at": st.text(max_size=8),
                "problem": st.just("It cannot be read."),
            },
        ).map(lambda cells: {"problem": cells["problem"]} if "problem" in cells else cells),
        max_size=12,
    )
)
def test_any_cells_at_all_give_a_verdict_a_row(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("any")
    found = check(folder, PEOPLE[:5], File("viettel", rows), size=5)
    assert len(found) == len(rows)
    for cells, (verdict, reasons) in zip(rows, found, strict=True):
        assert ("problem" in cells) == (reasons == {"ROW_MALFORMED"})
        assert verdict == "verified" or reasons
    with (folder / "out" / "feedback-viettel.csv").open(encoding="utf-8", newline="") as lines:
        assert sum(1 for _ in csv.reader(lines)) == 1 + sum(verdict != "verified" for verdict, _ in found)


def test_no_rows_at_all(tmp_path, citizens):
    asked = request(tmp_path, citizens, File("viettel", []))
    outcome = run.check(asked)
    assert outcome.summary.rows == 0
    assert pq.read_table(asked.out / "verdicts.parquet").num_rows == 0


def test_progress_tells_phases_in_order_and_ends_at_the_whole(tmp_path, citizens):
    told: list[tuple[str, int, int]] = []
    asked = request(tmp_path, citizens, *FILES, size=150, buckets=2)
    run.check(asked, lambda phase, done, total, *_: told.append((phase, done, total)))
    assert list(dict.fromkeys(phase for phase, _, _ in told)) == ["register", "compare", "again", "write"]
    assert all(done <= total for phase, done, total in told if phase in {"register", "compare"})


class Stop:
    """A progress callback that interrupts a run at the given phase's nth call."""

    def __init__(self, phase: str, nth: int, error: type[BaseException]) -> None:
        self.phase, self.left, self.error = phase, nth, error

    def __call__(self, phase: str, *_: int) -> None:
        self.left -= phase == self.phase
        if self.left == 0 and phase == self.phase:
            raise self.error


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("phase", "nth"), [("register", 1), ("compare", 1), ("compare", 3), ("again", 1), ("write", 1)]
)
def test_ctrl_c_leaves_nothing_wherever_it_comes(tmp_path, citizens, phase, nth, threads):
    before = threading.active_count()
    asked = request(tmp_path, citizens, *FILES, size=150, threads=threads)
    with pytest.raises(KeyboardInterrupt):
        run.check(asked, Stop(phase, nth, KeyboardInterrupt))
    assert not asked.out.exists()
    assert threading.active_count() == before


def test_after_an_error_earlier_results_stand(tmp_path, citizens):
    asked = request(tmp_path, citizens, *FILES, size=150)
    run.check(asked)
    before = {each.name: each.read_bytes() for each in asked.out.iterdir()}
    with pytest.raises(ZeroDivisionError):
        run.check(asked, Stop("write", 1, ZeroDivisionError))
    assert {each.name: each.read_bytes() for each in asked.out.iterdir()} == before


class Torn(BatchReading):
    """A file that turns out to be unusable after some batches, as a truncated archive does."""

    def __iter__(self):
        batches = super().__iter__()
        yield next(batches)
        yield next(batches)
        raise FileRefusedError("torn.csv.gz", "ends in the middle", "Send the file again.")


@pytest.mark.parametrize("threads", [1, 2])
def test_a_file_that_breaks_off_refuses_the_run(tmp_path, citizens, threads):
    asked = request(tmp_path, citizens, FILES[0], FILES[1], threads=threads)
    torn = ("itel", asked.files[1][1], lambda columns: Torn(FILES[1].rows, columns, 20))
    with pytest.raises(FileRefusedError, match=r"torn\.csv\.gz: ends in the middle"):
        run.check(run.Request(**{**vars(asked), "files": [asked.files[0], torn]}))
    assert not asked.out.exists()


def test_a_bad_register_refuses_the_run_and_leaves_nothing(tmp_path):
    people = [citizen(1, "Trần An"), citizen(2, "Lê Bình"), citizen(1, "Trần An")]
    asked = request(tmp_path, register(tmp_path / "r.csv", people), File("viettel", [row(1, people[0])]))
    with pytest.raises(FileRefusedError, match="more than once"):
        run.check(asked)
    assert not asked.out.exists()


def test_the_results_folder_is_a_file(tmp_path, citizens):
    asked = request(tmp_path, citizens, FILES[0])
    asked.out.write_text("mine")
    with pytest.raises(OutputError):
        run.check(asked)
    assert asked.out.read_text() == "mine"


def test_files_are_opened_for_the_columns_that_are_looked_at(tmp_path, citizens):
    asked_for = []

    def opener(columns):
        asked_for.append(columns)
        return BatchReading(FILES[0].rows, columns)

    asked = request(tmp_path, citizens, FILES[0])
    run.check(run.Request(**{**vars(asked), "files": [("viettel", asked.files[0][1], opener)]}))
    assert {"msisdn", "id_number", "full_name", "date_of_birth"} <= set(asked_for[0])
    assert not {"email", "contact_msisdn"} & set(asked_for[0])


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}], ids=["as codes", "as text"])
def test_a_file_of_codes_tells_what_the_same_rows_tell_as_text(tmp_path, options):
    """40,000 rows, so that Parquet's columns of few values are taken as codes."""
    rows = [each for file in FILES for each in file.rows]
    cells = {name: [each.get(name) for each in rows] for name in CHECKED_COLUMNS}
    table = pa.concat_tables([pa.table(cells, declared_schema(CHECKED_COLUMNS).remove(0).remove(0))] * (
        -(-40_000 // len(rows))
    ))  # fmt: skip
    pacsv.write_csv(table, tmp_path / "text.csv", pacsv.WriteOptions(quoting_style="needed"))
    pq.write_table(table, tmp_path / "codes.parquet", **options)
    pq.write_table(pq.read_table(register(tmp_path / "r.parquet", PEOPLE)), tmp_path / "r.parquet", **options)
    found = {}
    for name in ("text.csv", "codes.parquet"):
        opener = partial(adapter("generic").read, tmp_path / name)
        asked = run.Request(
            files=[("generic", tmp_path / name, opener)],
            citizens=tmp_path / "r.parquet", out=tmp_path / name[:4], as_of=AS_OF, threads=2, memory=1 << 30,
        )  # fmt: skip
        run.check(asked)
        found[name] = pq.read_table(asked.out / "verdicts.parquet").drop_columns("file")
    assert found["text.csv"].num_rows == len(table)
    assert found["codes.parquet"].equals(found["text.csv"])


def test_the_day_of_the_check_decides_ages(tmp_path):
    child = citizen(1, "Lê An", "2012-11-23")
    for year, expected in ((2026, {"HOLDER_UNDERAGE"}), (2028, set())):
        folder = tmp_path / str(year)
        folder.mkdir()
        found = check(folder, [child], File("viettel", [row(1, child)]), as_of=AS_OF.replace(year=year))
        assert found == [("verified", expected)]


def test_the_output_is_arrow_all_the_way(out):
    table = pq.read_table(out / "verdicts.parquet")
    table.validate(full=True)
    assert pc_unique(table["verdict"]) <= {"verified", "variant", "mismatch", "unverifiable", "rejected"}


def pc_unique(column: pa.ChunkedArray) -> set[str]:
    return set(column.unique().to_pylist())
