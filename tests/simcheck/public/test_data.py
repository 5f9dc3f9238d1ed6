"""My data: asked for by whoever proved to have the number, given to nobody else."""

from __future__ import annotations

import json
import re
import uuid

import pytest

from simcheck import clock
from tests import holding
from tests.running import NOON

pytestmark = pytest.mark.anyio


async def asked(walker, kind: str, words: str = ""):
    form = {"kind": kind, "words": words, "form_id": str(uuid.uuid4())}
    return await walker.send("/data", form)


async def test_a_copy_from_the_page_to_the_file(walker, stranger):
    with clock.fixed(NOON):
        start = await walker.http.get("/data")
        assert (start.status_code, "form_id" in start.text) == (200, False)
        await walker.prove(1)
        answer = await asked(walker, "copy")
        place = answer.headers["location"]
        assert re.fullmatch(r"/data/Y-\d{6}-\w", place)
        assert "Đang chuẩn bị" in (await walker.http.get(place)).text
        await holding.checked(walker.service)
        page = await walker.http.get(place)
        assert "Bản sao đã sẵn sàng" in page.text
        file = await walker.http.get(f"{place}/copy.json")
        assert "attachment" in file.headers["content-disposition"]
        assert file.headers["cache-control"] == "no-store"
        assert json.loads(file.text)["subscriptions"][0]["full_name"] == "N. H. S."
        assert "<h1>" in (await walker.http.get(f"{place}/copy.html")).text
        for other in ("copy.exe", "looked.json"):
            assert (await walker.http.get(f"{place}/{other}")).status_code in (404, 410), other
        assert place in (await walker.http.get("/data")).text
        for path in (place, f"{place}/copy.json"):
            assert (await stranger.http.get(path)).status_code == 401
        await stranger.prove(2)
        for path in (place, f"{place}/copy.json"):
            assert (await stranger.http.get(path)).status_code == 404


async def test_what_cannot_be_sent(walker):
    with clock.fixed(NOON):
        await walker.prove(1)
        walker.prefix = "/en"
        for kind, words, fault in (
            ("", "", "Choose what you ask for"), ("all", "", "Choose what you ask for"),
            ("correct", "", "what has to be put right"), ("erase", "x" * 2001, "at most 2000"),
        ):  # fmt: skip
            page = await asked(walker, kind, words)
            assert (page.status_code, fault in page.text) == (422, True), (kind, page.text)
        page = await walker.send("/data", {"kind": "copy", "form_id": "x"})
        assert page.status_code == 400
        place = (await asked(walker, "erase", "All of it.\nPlease.")).headers["location"]
        page = await walker.http.get(place)
        assert "All of it." in page.text
        assert "You get the answer by 13 December 2026" in page.text
