from __future__ import annotations

import json
import re
import uuid

import pytest

from simcheck.access.roles import Role
from tests.desking import at_desk
from tests.simcheck.desks.portal.test_uploads import send
from tests.uploading import file_of, subscriptions, work

pytestmark = pytest.mark.anyio
SCRIPT = "<script>alert('x')</script>"


async def test_before_the_first_file_the_page_says_what_to_do(uploader):
    page = (await uploader.get("/portal/batches")).text
    assert "Chưa có tệp nào" in page
    assert 'href="/portal/uploads"' in page
    assert "data-watched" not in page


async def test_a_checked_batch_tells_what_was_wrong(uploader, checked, owner):
    [batch] = owner.execute("SELECT id FROM batch").fetchone()
    page = (await uploader.get("/portal/batches")).text
    assert f'href="/portal/batches/{batch}"' in page
    assert "Đã đối chiếu xong" in page
    one = (await uploader.get(f"/portal/batches/{batch}?lang=en")).text
    assert "The name is not that of the person with this ID number: verify the holder." in one
    assert re.search(r"Does not agree</span></th><td class=\"number\">3</td><td class=\"number\">100%", one)
    assert "The feedback file has 3 rows to look at" in one
    assert "data-watched" not in one


async def test_another_carriers_batch_is_not_there(stranger, checked, owner):
    [batch] = owner.execute("SELECT id FROM batch").fetchone()
    for path in (f"/portal/batches/{batch}", f"/portal/batches/{batch}/events"):
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.get(path.replace(str(batch), str(uuid.uuid4())))).status_code == 404
    assert str(batch) not in (await stranger.get("/portal/batches")).text
    assert str(batch) not in (await stranger.get("/portal/batches/events")).text


async def test_remarks_and_refusals_are_told_and_harmless(app, service, owner):
    async with at_desk(app, Role.UPLOADER, "generic") as desk:
        odd = subscriptions(0, 3).replace(b"gender", f"gender,{SCRIPT}".encode(), 1)
        odd = b"\n".join(line + b",x" if at else line for at, line in enumerate(odd.splitlines()))
        place = (await send(desk, odd, SCRIPT)).headers["location"]
        await work(service)
        page = (await desk.get(place)).text
        assert "Cột không được dùng" in page
        assert "&lt;script&gt;alert" in page
        assert "<script>alert" not in page
        assert f'data-watched="{place}/events"' in page
        refused = (await send(desk, file_of([{"msisdn": "0912345678"}]), kind="delta")).headers["location"]
        owner.execute("UPDATE batch SET state = 'done', done_at = now() WHERE state = 'checking'")
        await work(service)
        told = (await desk.get(refused)).text
        assert "Tệp không dùng được" in told
        listed = (await desk.get("/portal/batches?state=refused")).text
        assert refused in listed
        assert place not in listed


async def test_events_tell_how_far_a_batch_is(app, service, owner):
    async with at_desk(app, Role.UPLOADER, "generic") as desk:
        place = (await send(desk)).headers["location"]
        owner.execute("UPDATE batch SET state = 'done', done_at = now()")
        for path in (f"{place}/events", "/portal/batches/events"):
            answer = await desk.get(path)
            assert answer.headers["content-type"].startswith("text/event-stream")
            [data] = re.findall(r"^event: batches\ndata: (.*)$", answer.text, re.MULTILINE)
            [told] = json.loads(data)
            assert (told["state"], told["words"], told["ended"]) == ("done", "Đã đối chiếu xong", True)


async def test_a_page_that_watches_is_no_sign_of_life(app, service, owner):
    async with at_desk(app, Role.UPLOADER) as desk:
        owner.execute("UPDATE staff_session SET seen_at = now() - interval '10 minutes'")
        before = owner.execute("SELECT seen_at FROM staff_session").fetchone()
        await desk.get("/portal/batches/events")
        assert owner.execute("SELECT seen_at FROM staff_session").fetchone() == before
        await desk.get("/portal/batches")
        assert owner.execute("SELECT seen_at FROM staff_session").fetchone() > before


async def test_pages_follow_one_another(uploader, owner):
    owner.execute(
        "INSERT INTO batch (id, carrier, client, kind, state, digest, bytes, received_at, changed_at) "
        "SELECT gen_random_uuid(), 'viettel', 'x', 'snapshot', 'received', uuid_send(gen_random_uuid()), 1, "
        "now() - each * interval '1 minute', now() FROM generate_series(1, 30) AS each"
    )
    first = (await uploader.get("/portal/batches")).text
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    second = (await uploader.get(following[1].replace("&amp;", "&"))).text
    assert (first.count("data-row"), second.count("data-row")) == (25, 5)
    for wrong in ("before=2026-01-01", "before=x"):
        assert (await uploader.get(f"/portal/batches?{wrong}")).status_code == 400
