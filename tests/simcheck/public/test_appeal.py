from __future__ import annotations

import pytest

from tests.ordering import a_policy, let_be_due, rows

pytestmark = pytest.mark.anyio


async def test_a_holder_objects_after_the_one_time_code(walker):
    assert (await walker.http.get("/record/appeal")).status_code == 401
    await walker.prove(1)
    assert "/record/appeal" in (await walker.http.get("/record")).text
    assert "không có lệnh khóa nào" in (await walker.http.get("/record/appeal")).text
    await a_policy(walker.service)
    let_be_due(walker.owner, walker.service.keyring, [1])
    too_long = await walker.send("/record/appeal", {"words": "x" * 2001})
    assert too_long.status_code == 422
    answer = await walker.send("/record/appeal", {"words": "Số này của tôi."})
    assert answer.headers["location"] == "/record/appeal"
    page = (await walker.http.get("/record/appeal")).text
    assert "Khiếu nại K-000001" in page
    assert "Chờ trả lời" in page
    assert "<textarea" not in page
    [made] = rows(walker.owner, "SELECT means, words FROM appeal")
    assert made.means == "page"
    assert "Số này của tôi".encode() not in made.words
