"""Ninety days and more of a small country: what is silent comes to its end, what is put right is let be."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simcheck.access.roles import Role
from simcheck.config import Settings
from simcheck.enforcement.policy import shipped
from simcheck.service import opened
from tests import holding, ordering
from tests.browsing import aside, fresh_home
from tests.building import row
from tests.desking import at_desk
from tests.holding import DUNG, wrong_name
from tests.passing import DAY, HOUR, Days, require_right
from tests.running import work
from tests.serving import keyring_file, new_database

pytestmark = pytest.mark.anyio
ROWS = [*(wrong_name(number) for number in range(1, 9)), row(9, DUNG), row(10, DUNG)]


@pytest.fixture(scope="module")
def country(postgres, keyring, run_folder) -> Iterator[tuple[str, Path]]:
    """A database and a lake to be copied, as they are on day 5: numbers 1 to 8 stand under another name, and
    their holders were told on six days; 9 and 10 agree.
    """
    home = fresh_home(run_folder)

    async def build() -> None:
        async with opened(Settings(home=home, database_url=url)) as service:
            import psycopg

            with psycopg.connect(url, autocommit=True) as owner:
                days = Days(None, service, owner, home, ROWS)
                with days.fixed():
                    await holding.a_country(service, home, ROWS)
                    await ordering.a_policy(service)
                await days.days(range(6))

    keyring_file(home, keyring)
    with new_database(postgres) as url:
        aside(build)
        yield url.rpartition("/")[2].partition("?")[0], home / "lake"


@pytest.fixture
def database_url(postgres, country) -> Iterator[str]:
    with new_database(postgres, country[0]) as url:
        yield url


@pytest.fixture
def settings(settings, country) -> Any:
    shutil.copytree(country[1], settings.home / "lake")
    return settings


@pytest.fixture
def days(app, service, owner, tmp_path) -> Days:
    made = Days(app, service, owner, tmp_path, ROWS)
    made.at += 5 * DAY
    return made


@pytest.mark.slow
async def test_silence_to_the_end_and_a_correction_at_every_stage(days, owner):
    """1 says nothing. 2 corrects when the order waits for approval, 3 after one-way, 4 after two-way. 5 is
    disowned, and has a clock of its own.
    """
    await days.day(6)
    assert [(each.act, each.lines) for each in days.proposals()] == [("one_way", 8)]
    await days.correct(2)
    await days.disown(5)
    assert await days.approve() == [303]
    assert await days.answer() == [("one_way", [1, 3, 4, 6, 7, 8])]
    await days.days(range(7, 13))
    await days.correct(3)
    await days.day(12, HOUR)
    assert await days.answer() == [("restore", [3])]
    assert [days.step(number) for number in (1, 2, 3, 5)] == [1, 0, 0, 0]
    assert await days.suspend(13) == [("one_way", [5])]
    await days.days((18, 40))
    assert await days.suspend(67) == [("two_way", [1, 4, 6, 7, 8])]
    await days.day(68)
    await days.correct(4)
    await days.day(68, HOUR)
    assert await days.answer() == [("restore", [4])]
    assert await days.suspend(73) == [("terminate", [1, 6, 7, 8])]
    assert await days.suspend(74) == [("two_way", [5])]
    await days.correct(1)  # what has ended is not undone by a correction
    assert await days.suspend(80) == [("terminate", [5])]
    await days.fresh()
    await days.day(96)
    assert days.proposals() == []
    assert await days.answer() == []
    assert [days.step(number) for number in range(1, 9)] == [3, 0, 0, 0, 3, 3, 3, 3]
    require_right(owner)


async def test_a_handset_is_changed(days, owner):
    """9 does nothing about it, and is told; 10 has the face checked, and is restored the same hour."""
    await days.day(6)
    for number in (9, 10):
        await days.event(number, "device_changed")
    await days.day(6, HOUR)
    assert [each.act for each in days.proposals()] == ["one_way"]  # that of the wrong records
    assert (days.messages(9, "handset"), days.step(9)) == (1, 0)
    assert await days.suspend(6, 2 * HOUR) == [("one_way", list(range(1, 11)))]
    days.at += HOUR / 2
    await days.event(10, "face_verified")
    await days.day(6, 3 * HOUR)
    assert await days.answer() == [("restore", [10])]
    assert (days.step(9), days.step(10)) == (1, 0)
    await days.day(7)
    assert (days.messages(9, "handset"), days.messages(10, "handset")) == (2, 2)
    await days.day(30)
    assert await days.suspend(37) == [("two_way", [9])]
    await days.day(37, HOUR)
    assert await days.suspend(43) == [("terminate", [9])]
    await days.day(44)
    assert (days.step(9), days.step(10), days.messages(9, "handset")) == (3, 0, 3)
    require_right(owner)


async def test_a_stale_register_stops_every_order(app, days, owner):
    await days.day(6)
    assert len(days.proposals()) == 1
    days.at += 2 * DAY
    assert await days.approve() == [409]
    await days.day(10)
    assert await days.answer() == []
    with days.fixed():
        async with at_desk(app, Role.AUDITOR) as auditor:
            assert "The register is too old" in (await auditor.get("/desk/orders/due?lang=en")).text
    assert days.proposals() == []  # nobody could approve it in time
    await days.fresh()
    await days.day(10, HOUR)
    assert days.proposals() == []  # what was not approved is not proposed again at once
    assert await days.suspend(11, HOUR) == [("one_way", list(range(1, 9)))]
    require_right(owner)


async def test_a_job_that_did_not_run_for_a_week_makes_no_storm(app, days, owner, service):
    """Too much is due at once: the brake. A person lets go, another one approves; nobody is told twice."""
    low = shipped().replace("most_of_a_carrier = 25_000", "most_of_a_carrier = 5")
    with days.fixed():
        await ordering.a_policy(service, low.replace("2026.11.1", "2026.11.2"))
    before = days.messages(1, "reminder")
    days.at += 7 * DAY
    await days.fresh()
    for minutes in range(3):
        await days.day(12, minutes * HOUR)
    assert days.messages(1, "reminder") == before + 1
    assert days.proposals() == []
    with days.fixed():
        async with at_desk(app, Role.SUPERVISOR, name="lan") as desk:
            page = await desk.get("/desk/orders?lang=en")
            assert "The brake is on" in page.text
            [release] = re.findall(r'action="(/desk/orders/brake/[0-9a-f-]+/release)"', page.text)
            assert (await desk.send(release, {"allowed": "8"})).status_code == 303
    await days.day(12, 3 * HOUR)
    assert [(each.act, each.lines) for each in days.proposals()] == [("one_way", 8)]
    assert await days.approve("lan") == [403]
    assert await days.approve() == [303]
    assert await days.answer() == [("one_way", list(range(1, 9)))]
    await days.day(13)
    assert days.proposals() == []
    require_right(owner)


async def test_a_correction_in_the_same_second_as_the_order(days, owner, service):
    """1 is first, and not in the file. 2 comes second, and is undone before the carrier has answered. 3 and
    the order's job run at once: whoever wins, nobody stays suspended.
    """
    await days.day(6)
    holders = {number: await days.prove(number) for number in (1, 2, 3)}
    with days.fixed():
        async with at_desk(days.app, Role.SUPERVISOR, name="binh") as desk:
            [order] = days.proposals()
            assert (await desk.send(f"/desk/orders/{order.id}/approve", {"lines": "8"})).status_code == 303
        await days.correct(1, walker=holders[1])
        await asyncio.gather(work(service), days.correct(3, walker=holders[3]))
        await days.correct(2, walker=holders[2])
    await days.run(("orders.follow",))
    done: dict[str, set[int]] = {"one_way": set(), "restore": set()}
    for act, numbers in await days.answer():
        done[act] |= set(numbers)
    assert done["one_way"] | {3} == set(range(2, 9))
    assert done["restore"] == {2} | ({3} & done["one_way"])
    assert [days.step(number) for number in range(1, 5)] == [0, 0, 0, 1]
    require_right(owner)
