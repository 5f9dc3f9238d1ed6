from __future__ import annotations

import csv
import io
import re
import uuid

import pytest

pytestmark = pytest.mark.anyio
PAGE = "/portal/feedback"


@pytest.fixture
async def file(checked, owner):
    """The id of the batch's feedback file."""
    return str(owner.execute("SELECT id FROM feedback WHERE batch_id IS NOT NULL").fetchone()[0])


async def test_without_a_file_the_page_says_what_to_do(uploader):
    assert "Không có tệp phản hồi chờ xác nhận" in (await uploader.get(PAGE)).text
    assert "Chưa có tệp phản hồi" in (await uploader.get(f"{PAGE}?show=all")).text


async def test_a_file_is_fetched_in_each_format(uploader, file):
    page = (await uploader.get(PAGE)).text
    for wanted, begins in (("csv", b"file,row"), ("xlsx", b"PK"), ("parquet", b"PAR1")):
        assert f"{PAGE}/{file}/file?format={wanted}" in page
        answer = await uploader.get(f"{PAGE}/{file}/file?format={wanted}")
        assert answer.content.startswith(begins)
        named = answer.headers["content-disposition"]
        assert re.fullmatch(rf'attachment; filename="feedback-[0-9a-f-]{{36}}.{wanted}"', named)
        assert answer.headers["x-content-type-options"] == "nosniff"
    rows = list(csv.DictReader(io.StringIO((await uploader.get(f"{PAGE}/{file}/file")).text)))
    assert [row["row"] for row in rows] == ["1", "2", "3"]
    assert (await uploader.get(f"{PAGE}/{file}/file?format=exe")).status_code == 400


async def test_a_file_is_acknowledged_with_all_its_rows(uploader, file, owner):
    wrong = await uploader.send(f"{PAGE}/{file}/acknowledge", {"rows": "2"})
    assert (wrong.status_code, "Số dòng không khớp với tệp" in wrong.text) == (409, True)
    assert (await uploader.send(f"{PAGE}/{file}/acknowledge", {"rows": "x"})).status_code == 409
    done = await uploader.send(f"{PAGE}/{file}/acknowledge", {"rows": "3"})
    assert (done.status_code, done.headers["location"]) == (303, PAGE)
    page = (await uploader.get(PAGE)).text
    assert "Đã ghi nhận" in page
    assert file not in page
    assert file in (await uploader.get(f"{PAGE}?show=all")).text
    by = owner.execute("SELECT acknowledged_by FROM feedback WHERE id = %s", [file]).fetchone()
    assert by == ("person:uploader-viettel",)


async def test_another_carriers_file_is_not_there(stranger, file):
    assert (await stranger.get(f"{PAGE}/{file}/file")).status_code == 404
    assert (await stranger.send(f"{PAGE}/{file}/acknowledge", {"rows": "3"})).status_code == 404
    assert file not in (await stranger.get(f"{PAGE}?show=all")).text
    assert (await stranger.get(f"{PAGE}/{uuid.uuid4()}/file")).status_code == 404


async def test_a_standing_file_is_asked_for(uploader, owner):
    assert (await uploader.send(PAGE)).status_code == 303
    waiting = owner.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'feedback.standing'")
    assert waiting.fetchone() == ({"carrier": "viettel"},)
    assert (await uploader.http.post(PAGE, data={"a": "b"})).status_code == 403
