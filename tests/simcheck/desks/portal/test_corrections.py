from __future__ import annotations

import html

import pytest

from simcheck import clock
from simcheck.desks.portal import corrections
from simcheck.holders.correct import Given
from tests import holding
from tests.holding import BINH, CHI, acts, held
from tests.running import NOON

pytestmark = pytest.mark.anyio
PAGE = "/portal/feedback/corrections"


@pytest.fixture
async def corrected(service, owner, checked):
    """The ids of the corrections of numbers 1 and 2, by their row."""
    with clock.fixed(NOON):
        for number, person in ((1, BINH), (2, CHI)):
            holder = await held(service, owner, number)
            given = Given(person.id_number, person.full_name, person.date_of_birth)
            await holding.put_right(service, holder, given)
        await holding.checked(service)
    return dict(owner.execute("SELECT row, id FROM correction").fetchall())


async def test_without_a_correction_the_page_says_so(uploader):
    assert "Không có sửa đổi nào chờ tiếp nhận" in (await uploader.get(PAGE)).text
    assert "Chưa tiếp nhận sửa đổi nào" in (await uploader.get(f"{PAGE}?show=taken")).text


async def test_corrections_are_read_and_taken_over(uploader, corrected, owner):
    page = (await uploader.get(PAGE)).text
    for person in (BINH, CHI):
        assert person.id_number in page
        assert html.escape(person.full_name) in page
    assert acts(owner).count("correction.fetched") == 1
    done = await uploader.send(PAGE, {f"take-{corrected[1]}": "yes"})
    assert (done.status_code, done.headers["location"]) == (303, PAGE)
    left = (await uploader.get(PAGE)).text
    assert "tiếp nhận 1 sửa đổi" in left
    assert (BINH.id_number in left, CHI.id_number in left) == (False, True)
    assert BINH.id_number in (await uploader.get(f"{PAGE}?show=taken")).text


async def test_pages_follow_one_another(uploader, corrected, monkeypatch):
    monkeypatch.setattr(corrections, "PAGE", 1)
    first = (await uploader.get(PAGE)).text
    address = html.unescape(first.split('rel="next" href="')[1].split('"')[0])
    second = (await uploader.get(address)).text
    assert sum(person.id_number in first for person in (BINH, CHI)) == 1
    assert sum(person.id_number in second for person in (BINH, CHI)) == 1
    assert (await uploader.get(f"{PAGE}?after=x")).status_code == 400


async def test_what_is_not_ticked_or_not_ours_is_not_taken(uploader, stranger, corrected, owner):
    assert (await uploader.send(PAGE)).status_code == 422
    assert (await uploader.send(PAGE, {"take-x": "yes"})).status_code == 400
    assert (await stranger.send(PAGE, {f"take-{corrected[1]}": "yes"})).status_code == 404
    assert BINH.id_number not in (await stranger.get(PAGE)).text
    assert (await uploader.http.post(PAGE, data={f"take-{corrected[1]}": "yes"})).status_code == 403
    assert owner.execute("SELECT count(acknowledged_at) FROM correction").fetchone() == (0,)
