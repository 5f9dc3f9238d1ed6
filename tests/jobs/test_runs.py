from __future__ import annotations

import datetime

import pyarrow.parquet as pq
import pytest

from simcheck import clock
from simcheck.crosscheck import run as check_of_files
from simcheck.lake.tokens import tokens_of_numbers
from simcheck.matching.rules import VERDICTS
from simcheck.normalise import phones
from tests import building
from tests.building import File, country, register
from tests.running import NOON, Found, a_file, a_register, final, work

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
    import numpy as np
    import pyarrow as pa

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
        (carrier, token): (verdict, reasons)
        for carrier, token, verdict, reasons in owner.execute(
            "SELECT carrier, msisdn_token, verdict, reasons FROM subscription"
        )
    }
    wanted = expected_rows(service.keyring, files, said)
    assert stored.keys() == wanted.keys()
    for key, (verdict, reasons) in stored.items():
        _, rows = wanted[key]
        first_over = min(over for over, _, _ in rows)
        possible = {(-g, r) for over, g, r in rows if over == first_over}
        assert (verdict, frozenset(building.reasons_of(reasons))) in possible
        assert verdict == max(v for v, _ in possible)


@pytest.mark.parametrize(("seed", "concurrency"), [(1, 1), (2, 3)])
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
