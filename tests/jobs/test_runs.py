from __future__ import annotations

import dataclasses
import datetime
import time
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import jobs.runs
from jobs.runs import find_due, tidy_lake
from jobs.tasks import TASKS
from simcheck import clock
from simcheck.crosscheck import recheck, runs
from simcheck.crosscheck import run as check_of_files
from simcheck.crosscheck.finish import final_rows, measure_of
from simcheck.crosscheck.places import Lake
from simcheck.crosscheck.recheck import OfFile
from simcheck.crosscheck.tidy import tidy
from simcheck.lake.tokens import tokens_of_numbers
from simcheck.matching.rules import VERDICTS
from simcheck.normalise import phones
from simcheck.reasons import Reason
from simcheck.records import DECLARED_COLUMNS
from simcheck.register import keeping, twin
from simcheck.register.importing import import_register
from simcheck.register.keeping import sealed_register
from simcheck.register.protocol import NONE, Fault
from tests import building
from tests.building import File, citizen, country, register, row
from tests.running import NOON, Found, a_batch, a_file, a_register, final, subscriptions, work

pytestmark = pytest.mark.anyio

CARRIERS = ("viettel", "itel", "gmobile")


def checked(folder, citizens, files: list[File]) -> dict[str, list[Found]]:
    """What the command-line check says of the same files and register."""
    folder.mkdir(exist_ok=True)
    asked = building.request(folder, register(folder / "r.parquet", citizens), *files)
    check_of_files.check(asked)
    table = pq.read_table(asked.out / "verdicts.parquet")
    said: dict[str, list[Found]] = {}
    for carrier, verdict, reasons, score in zip(
        *(table[name].to_pylist() for name in ("carrier", "verdict", "reasons", "name_score")), strict=True
    ):
        said.setdefault(carrier, []).append(Found(verdict, frozenset(reasons), score))
    return said


def expected_rows(keyring, files: list[File], said) -> dict[tuple[str, bytes], tuple[int, int]]:
    """Of each carrier's number the verdicts and claims that its subscription may have."""
    rows: dict[tuple[str, bytes], list[tuple[bool, int, frozenset[str]]]] = {}
    for file in files:
        cells = pa.array([each.get("msisdn") for each in file.rows], pa.string())
        national = np.array(phones.normalise(cells).national)
        tokens = tokens_of_numbers(keyring, "msisdn", national).to_pylist()
        for each, token, found in zip(file.rows, tokens, said[file.carrier], strict=True):
            if token is not None:
                over = (each.get("status") or "") in {"terminated", "Thu hồi"}
                gravity = [one.value for one in VERDICTS].index(found.verdict)
                rows.setdefault((file.carrier, token), []).append((over, -gravity, found.reasons))
    return {key: (-min(found)[1], found) for key, found in rows.items()}


async def same_as_files(owner, service, folder, citizens, files) -> None:
    said = checked(folder, citizens, files)
    stored = {
        (carrier, token): (verdict, reasons, claimants)
        for carrier, token, verdict, reasons, claimants in owner.execute(
            "SELECT carrier, msisdn_token, verdict, reasons, claimants FROM subscription"
        )
    }
    wanted = expected_rows(service.keyring, files, said)
    assert stored.keys() == wanted.keys()
    claims = Counter(
        token for (_, token), (_, rows) in wanted.items() if not all(over for over, _, _ in rows)
    )
    for key, (verdict, reasons, claimants) in stored.items():
        _, rows = wanted[key]
        first_over = min(over for over, _, _ in rows)
        possible = {(-g, r) for over, g, r in rows if over == first_over}
        assert (verdict, frozenset(building.reasons_of(reasons))) in possible
        assert verdict == max(v for v, _ in possible)
        assert claimants == (0 if first_over else claims[key[1]])


@pytest.mark.parametrize(("seed", "concurrency"), [pytest.param(1, 1, marks=pytest.mark.slow), (2, 3)])
async def test_a_run_ends_as_the_check_of_the_same_files(owner, service, tmp_path, seed, concurrency):
    """One carrier, then others with claims across and limits, then a carrier's second snapshot."""
    citizens, files = country(seed)
    with clock.fixed(NOON):
        await a_register(service, tmp_path, citizens)
    published: dict[str, File] = {}
    _, second = country(seed + 100)
    later = [File("viettel", second[0].rows), File("itel", files[1].rows[::2])]
    for hour, file in enumerate([*files, *later]):
        with clock.fixed(NOON + datetime.timedelta(hours=hour)):
            await a_file(service, file.carrier, file.rows)
            await work(service, concurrency)
        published[file.carrier] = file
        now = list(published.values())
        said = checked(tmp_path / "check", citizens, now)
        assert final(owner, service, file.carrier) == said[file.carrier]
        await same_as_files(owner, service, tmp_path / "check", citizens, now)
    assert owner.execute("SELECT count(*) FROM batch WHERE state = 'done'").fetchone() == (5,)
    assert owner.execute("SELECT count(*) FROM run WHERE state = 'published'").fetchone() == (5,)


async def test_unchanged_rows_are_left_alone(owner, service, tmp_path):
    """The same rows again change nothing; one row changed is one row written; one gone is gone."""
    people = [citizen(at, f"Trần {name}") for at, name in enumerate(["An", "Bình", "Chi"])]
    rows = [row(at, person, row_ref=f"KH-{at}") for at, person in enumerate(people)]
    with clock.fixed(NOON):
        await a_register(service, tmp_path, people)
        first = await a_file(service, "viettel", rows)
        await work(service)
    changed = [rows[1], rows[0] | {"full_name": "TRAN AN"}]
    written, placed = [], []
    for hour, again in enumerate([rows, rows[::-1], changed], 1):
        with clock.fixed(NOON + datetime.timedelta(hours=hour)):
            await a_file(service, "viettel", again)
            await work(service)
        counts = "SELECT counts -> 'written', counts -> 'changed' FROM run ORDER BY published_at DESC"
        written.append(owner.execute(counts).fetchone())
        placed.append(
            owner.execute("SELECT count(*) FROM subscription WHERE batch_id = %s", [first]).fetchone()
        )
    assert written == [(0, 0), (0, 0), (2, 2)]
    assert placed == [(3,), (3,), (1,)]
    assert owner.execute("SELECT verdict FROM subscription ORDER BY verdict").fetchall() == [(0,), (1,)]


async def test_province_and_point_of_sale_follow_what_is_declared(owner, service, tmp_path):
    """Also when nothing else changes; a case goes with its subscription and no decision gets stale by it."""
    people = [citizen(at, f"Trần {name}") for at, name in enumerate(["An", "Bình", "Chi", "Dung"])]
    rows = [
        row(0, people[0], province="TP.HCM", point_of_sale="  ĐL 7 "),
        row(1, people[1], province="Tỉnh Hà Giang", full_name="Lê Văn Khác"),
        row(2, people[2], province="?", point_of_sale="x" * 90, full_name="Lê Văn Khác"),
        row(3, people[3]),
    ]
    with clock.fixed(NOON):
        await a_register(service, tmp_path, people)
        await a_file(service, "viettel", rows)
        await work(service)
    stands = "SELECT verdict, province, point_of_sale FROM subscription ORDER BY activated_on, row"
    assert owner.execute(stands).fetchall() == [
        (0, "079", "ĐL 7"), (2, "008", None), (2, None, "x" * 64), (0, None, None),
    ]  # fmt: skip
    cases = 'SELECT province, version, closed_at IS NULL FROM "case" ORDER BY province'
    assert owner.execute(cases).fetchall() == [("008", 1, True), (None, 1, True)]
    moved = [rows[0] | {"point_of_sale": "ĐL 8"}, rows[1] | {"province": "Nghệ An"}, rows[2], rows[3]]
    with clock.fixed(NOON + datetime.timedelta(hours=1)):
        await a_file(service, "viettel", moved)
        await work(service)
    counts = "SELECT counts -> 'written', counts -> 'changed' FROM run ORDER BY published_at DESC"
    assert owner.execute(counts).fetchone() == (2, 0)
    assert owner.execute(stands).fetchall()[:2] == [(0, "079", "ĐL 8"), (2, "040", None)]
    assert owner.execute(cases).fetchall() == [("040", 1, True), (None, 1, True)]
    assert owner.execute("SELECT count(*) FROM case_event").fetchone() == (2,)
    with clock.fixed(NOON + datetime.timedelta(hours=2)):  # a new register: nothing is declared anew
        await a_register(service, tmp_path, [each._replace(full_name="Lê Văn Khác") for each in people])
        await work(service)
    assert [each[1:] for each in owner.execute(stands).fetchall()[:2]] == [("079", "ĐL 8"), ("040", None)]
    assert ("079", 1, True) in owner.execute(cases).fetchall()


async def test_subscriptions_from_before_get_their_places_by_the_next_run(owner, service, tmp_path):
    people = [citizen(0, "Trần An")]
    with clock.fixed(NOON):
        await a_register(service, tmp_path, people)
        await a_file(service, "viettel", [row(0, people[0], province="01", full_name="Lê Văn Khác")])
        await work(service)
    owner.execute("SET app.scope = 'ministry'")
    owner.execute("UPDATE subscription SET province = NULL")
    owner.execute('UPDATE "case" SET province = NULL')
    with clock.fixed(NOON + datetime.timedelta(hours=1)):
        await a_file(service, "viettel", [row(0, people[0], province="01", full_name="Lê Văn Khác")])
        await work(service)
    assert owner.execute("SELECT province FROM subscription").fetchone() == ("001",)
    assert owner.execute('SELECT province FROM "case"').fetchone() == ("001",)


async def test_rows_that_point_to_an_old_batch_move_before_it_leaves(owner, service, tmp_path):
    """A batch's rows leave the lake only when no subscription points there; it has been told to let go."""
    people = [citizen(at, "Trần An") for at in range(3)]
    rows = [row(at, person) for at, person in enumerate(people)]
    with clock.fixed(NOON):
        await a_register(service, tmp_path, people)
        first = await a_file(service, "viettel", rows)
        await work(service)
    with clock.fixed(NOON + datetime.timedelta(days=10)):
        second = await a_file(service, "viettel", rows)
        await work(service)
    late = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=60)
    places = "SELECT DISTINCT batch_id FROM subscription"
    with clock.fixed(late):
        assert not [each for each in await tidy(service, datetime.timedelta(30)) if str(first) in each]
        assert owner.execute(places).fetchall() == [(first,)]
        third = await a_file(service, "viettel", rows)
        await work(service)
        assert owner.execute(places).fetchall() == [(third,)]
        assert owner.execute(
            "SELECT counts -> 'changed' FROM run WHERE batch_id = %s", [third]
        ).fetchone() == (0,)
        gone = await tidy(service, datetime.timedelta(30))
    assert {f"declared/viettel/{first}", f"declared/viettel/{second}"} <= set(gone)
    assert f"declared/viettel/{third}" not in gone
    assert len(final(owner, service, "viettel")) == 3


async def test_a_new_register_checks_everybody_again(owner, service, tmp_path):
    """Also in other buckets than the files were cut into; batches that wait for a register are taken up."""
    citizens, files = country(7, 120, 300)
    some = citizens[::2]
    with clock.fixed(NOON):
        for file in files:
            await a_file(service, file.carrier, file.rows)
        await work(service)
        assert owner.execute("SELECT count(*) FROM run").fetchone() == (0,)
        await a_register(service, tmp_path, some)
    for hour, known in enumerate([some, citizens], 1):
        with clock.fixed(NOON + datetime.timedelta(hours=hour)):
            if hour > 1:
                await a_register(service, tmp_path, known, 7)
            await find_due(service)
            await work(service)
        await same_as_files(owner, service, tmp_path / "check", known, files)
    kinds = "SELECT kind, state, count(*) FROM run GROUP BY 1, 2 ORDER BY 1"
    assert owner.execute(kinds).fetchall() == [("batch", "published", 3), ("register", "published", 3)]
    assert owner.execute("SELECT count(*) FROM batch WHERE state = 'done'").fetchone() == (3,)
    states = "SELECT state FROM register_snapshot ORDER BY imported_at"
    assert owner.execute(states).fetchall() == [("retired",), ("current",)]
    with clock.fixed(NOON + datetime.timedelta(days=31)):
        await tidy_lake(service)
    assert owner.execute(states).fetchall() == [("purged",), ("current",)]


async def test_an_older_batch_never_takes_the_place_of_a_newer_one(owner, service, tmp_path):
    people = [citizen(1, "Trần An"), citizen(2, "Lê Bình")]
    with clock.fixed(NOON):
        await a_register(service, tmp_path, people)
        old = await a_file(service, "viettel", [row(1, people[0])])
        owner.execute("UPDATE batch SET state = 'reading' WHERE id = %s", [old])
        await work(service)
    with clock.fixed(NOON + datetime.timedelta(hours=1)):
        await a_file(service, "viettel", [row(1, people[1])])
        await work(service)
        before = subscriptions(owner)
        owner.execute("UPDATE batch SET state = 'checking' WHERE id = %s", [old])
        await find_due(service)
        await work(service)
    assert subscriptions(owner) == before
    assert owner.execute("SELECT state, refusal_code FROM batch WHERE id = %s", [old]).fetchone() == (
        "refused",
        "superseded",
    )


async def test_a_row_alone_is_as_in_its_run(owner, service, tmp_path):
    citizens, files = country(11, 120, 400)
    with clock.fixed(NOON):
        await a_register(service, tmp_path, citizens)
        for file in files:
            await a_file(service, file.carrier, file.rows)
            await work(service)
    snapshot = owner.execute("SELECT path FROM register_snapshot").fetchone()[0]
    sealed = sealed_register(service.store, service.keyring, snapshot)
    measure = measure_of(building.AS_OF)
    last = files[-1]
    [(run_id, buckets, counts)] = owner.execute(
        "SELECT id, buckets, counts FROM run WHERE carrier = %s", [last.carrier]
    ).fetchall()
    lake = Lake(service.store, service.keyring)
    masks = {}
    for batch in final_rows(lake.findings(last.carrier, run_id), buckets):
        masks |= dict(zip(batch["row"].to_pylist(), batch["mask"].to_pylist(), strict=True))
    told = final(owner, service, last.carrier)
    across = {"MSISDN_CLAIMED_BY_OTHER_CARRIER", "SIM_LIMIT_TOTAL"}
    file = OfFile(True, frozenset(counts["encodings"]))
    seconds = []
    for at, (cells, found) in enumerate(zip(last.rows, told, strict=True), 1):
        if cells.get("problem"):
            continue
        whole = masks[at] | sum(Reason[name].mask for name in across & found.reasons)
        began = time.monotonic()
        again = recheck.one(cells, sealed, measure, whole, file)
        seconds.append(time.monotonic() - began)
        assert frozenset(building.reasons_of(again.reasons)) == found.reasons
        assert (again.verdict.value, again.name_score) == (found.verdict, found.score)
    assert len(seconds) > 100
    assert sorted(seconds)[len(seconds) // 2] < 0.05


class Silent:
    """A register that answers for some numbers only."""

    def __init__(self, register, knows) -> None:
        self.register, self.knows = register, knows

    def ask(self, numbers, keys, threads=1, near=NONE):
        heard = numbers[self.knows(numbers)]
        answer = self.register.ask(heard, keys, threads, near[self.knows(near)])
        return answer._replace(unanswered=np.unique(numbers[~self.knows(numbers)]), fault=Fault.SLOW)


@pytest.mark.parametrize("silent", [False, True])
async def test_an_online_register(owner, service, settings, tmp_path, silent):
    """The same end as by a sealed one; what it does not answer is unverifiable, and never a mismatch."""
    citizens, files = country(13, 100, 250)
    [file, *_] = files
    path = register(tmp_path / "r.parquet", citizens)
    sealed = import_register(service.store, service.keyring, path, building.AS_OF, 1, 4)
    answering = Silent(sealed, lambda numbers: numbers % 3 > 0) if silent else sealed
    with twin.serving(twin.application(sealed)) as url:
        chosen = settings.model_copy(update={"register_url": url, "buckets": 3})
        online = dataclasses.replace(service, settings=chosen)
        with clock.fixed(NOON), pytest.MonkeyPatch.context() as patch:
            if silent:
                patch.setattr(keeping, "online_register", lambda _: answering)
            await a_file(online, file.carrier, file.rows)
            await work(online)
        found, later = final(owner, online, file.carrier), []
        for minutes in (30, 90):  # what was not answered is asked again after an hour
            with clock.fixed(NOON + datetime.timedelta(minutes=minutes)):
                await find_due(online)
                await work(online)
            later.append(final(owner, online, file.carrier))
    said = checked(tmp_path / "check", citizens, [file])[file.carrier]
    assert later == [found, said]
    if not silent:
        assert found == said
        return
    unanswered = [at for at, each in enumerate(found) if "REGISTER_UNANSWERED" in each.reasons]
    assert 10 < len(unanswered) < len(found) - 10
    for at, each in enumerate(found):
        if at in unanswered:
            assert each.verdict in {"unverifiable", "rejected"}
        else:
            assert each.reasons - {"ID_LIKELY_TYPO"} == said[at].reasons - {"ID_LIKELY_TYPO"}


async def test_a_carrier_sees_its_own_runs(owner, service, http, viettel, mobifone, tmp_path):
    people = [citizen(1, "Trần An")]
    with clock.fixed(NOON):
        await a_register(service, tmp_path, people)
        await a_file(service, "viettel", [row(1, people[0]), row(2, people[0], full_name="Lê Bình")])
        await work(service)
    run_id = owner.execute("SELECT id FROM run").fetchone()[0]
    mine = await http.get(f"/v1/runs/{run_id}", headers=viettel)
    assert mine.status_code == 200
    said = mine.json()
    assert (said["state"], said["buckets"], said["buckets_done"], said["rows"]) == ("published", 4, 4, 2)
    assert said["verdicts"]["verified"] == said["verdicts"]["mismatch"] == 1
    assert (await http.get(f"/v1/runs/{run_id}", headers=mobifone)).status_code == 404
    assert (await http.get(f"/v1/runs/{run_id}")).status_code == 401


async def test_the_queue_may_be_emptied_at_any_time(owner, service, tmp_path):
    """What is due stands in tables: after each kind of job the queue is lost, and a sweep goes on."""
    people = [citizen(1, "Trần An")]
    with clock.fixed(NOON):
        await a_register(service, tmp_path, people)
        batch_id = str(await a_file(service, "viettel", [row(1, people[0])]))
        seen = []
        for _ in range(10):
            owner.execute("TRUNCATE procrastinate_jobs CASCADE")
            await find_due(service)
            due = owner.execute("SELECT task_name, args FROM procrastinate_jobs").fetchall()
            seen.append(sorted({name for name, _ in due}))
            for name, args in due:
                await TASKS[name].work(service, **args)
    assert seen[:4] == [["runs.start"], ["runs.check"], ["runs.publish"], []]
    assert owner.execute("SELECT state FROM batch WHERE id = %s", [batch_id]).fetchone() == ("done",)


async def test_a_bucket_is_one_workers_until_its_lease_runs_out(owner, service, tmp_path):
    people = [citizen(1, "Trần An")]
    with clock.fixed(NOON):
        await a_register(service, tmp_path, people, 1)
        batch_id = await a_file(service, "viettel", [row(1, people[0])], 1)
        await TASKS["runs.start"].work(service, batch_id=str(batch_id))
    [run_id] = owner.execute("SELECT id FROM run").fetchone()

    async def take(second: int, worker: str) -> int | None:
        with clock.fixed(NOON + datetime.timedelta(seconds=second)):
            async with service.database.transaction("test", ministry=True) as session:
                return await runs.take(session, run_id, 0, worker, 60)

    assert await take(0, "one") == 1
    assert await take(30, "two") is None
    with clock.fixed(NOON + datetime.timedelta(seconds=50)):
        async with service.database.transaction("test", ministry=True) as session:
            await runs.renew(session, run_id, 0, "one", 60)
            await runs.renew(session, run_id, 0, "two", 600)
    assert await take(100, "two") is None
    assert await take(111, "two") == 2


async def test_a_long_check_renews_its_lease(owner, service, settings, tmp_path, monkeypatch):
    """Nobody takes a bucket from a worker that is alive, however long it takes."""
    people = [citizen(1, "Trần An")]
    await a_register(service, tmp_path, people, 1)
    batch_id = await a_file(service, "viettel", [row(1, people[0])], 1)
    await TASKS["runs.start"].work(service, batch_id=str(batch_id))
    [run_id] = owner.execute("SELECT id FROM run").fetchone()
    leases = []

    def slow(*given):
        for _ in range(4):
            time.sleep(0.3)
            leases.append(owner.execute("SELECT lease_until > now() FROM run_bucket").fetchone()[0])
        return checking(*given)

    checking = jobs.runs.check_sealed
    monkeypatch.setattr(jobs.runs, "check_sealed", slow)
    quick = dataclasses.replace(service, settings=settings.model_copy(update={"lease_seconds": 0.6}))
    await TASKS["runs.check"].work(quick, run_id=str(run_id), bucket=0)
    assert leases == [True] * 4
    assert owner.execute("SELECT state, attempts FROM run_bucket").fetchone() == ("done", 1)


async def test_rows_cut_by_another_days_numbers_are_asked_for(owner, service, tmp_path):
    """Where a number is read otherwise than when the file was cut, its row is not taken for a stranger's."""
    citizens, files = country(17, 60, 200)
    with clock.fixed(NOON):
        await a_register(service, tmp_path, citizens, 4)
        reading = building.BatchReading(files[0].rows, DECLARED_COLUMNS)
        await a_batch(service, "viettel", reading, reading.present, 4, lambda bucket: (bucket + 1) % 4)
        await work(service)
    said = checked(tmp_path / "check", citizens, files[:1])
    assert final(owner, service, "viettel") == said["viettel"]


async def test_when_a_number_ended_is_noted_until_it_is_back(owner, service, tmp_path):
    """It is over when its carrier says so, or declares it no more; the first of the two counts."""
    people = [citizen(at, f"Trần {name}") for at, name in enumerate(["An", "Bình"])]
    rows = [row(at, person, row_ref=f"KH-{at}") for at, person in enumerate(people)]
    token, ends = service.keyring.token("msisdn", 900_000_001), []
    with clock.fixed(NOON):
        await a_register(service, tmp_path, people)
    over = [rows[0], rows[1] | {"status": "đã huỷ"}]
    for hour, sent in enumerate([rows, over, rows[:1], over, rows, rows[:1]]):
        with clock.fixed(NOON + datetime.timedelta(hours=hour)):
            await a_file(service, "viettel", sent)
            await work(service)
        found = owner.execute("SELECT msisdn_token, ended_at FROM subscription_end").fetchall()
        assert {each for each, _ in found} <= {token}
        ends.append([(at - NOON) // datetime.timedelta(hours=1) for _, at in found])
    assert ends == [[], [1], [1], [1], [], [5]]
