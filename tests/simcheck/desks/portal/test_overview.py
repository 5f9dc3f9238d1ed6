from __future__ import annotations

import pytest

pytestmark = pytest.mark.anyio


async def test_before_the_first_check_the_page_says_what_to_do(manager):
    assert "Chưa có lần đối chiếu nào" in (await manager.get("/portal/figures")).text


async def test_figures_lead_to_what_they_count(manager, checked):
    page = (await manager.get("/portal/figures?lang=en")).text
    assert "3 subscriptions" in page
    assert "100%" in page
    for path in ("/portal/feedback/corrections", "/portal/questions", "/portal/batches/"):
        assert f'href="{path}' in page
    assert "Waits for the holder" in page


async def test_anothers_figures_are_nobodys(stranger, uploader, checked):
    assert "Chưa có lần đối chiếu nào" in (await stranger.get("/portal/figures")).text
    assert (await uploader.get("/portal/figures")).status_code == 403
