"""Every text can be looked at, and is as long as it says."""

from __future__ import annotations

import re

import pytest

from simcheck.desks.admin.texts import made_up, measured
from simcheck.messages import segments
from simcheck.messages.words import NOTICES, Group, Kind, Language

pytestmark = pytest.mark.anyio
WAYS = [(kind, group) for kind in Kind for group in (Group if kind in NOTICES else (None,))]


@pytest.mark.parametrize("language", Language)
def test_parts_are_cut_as_they_are_sent(settings, language):
    for kind, group in WAYS:
        for marks in (True, False):
            for own in (True, False):
                given = made_up(settings, language, own=own)
                found = measured(kind, group, language, marks, given, 350)
                assert "".join(found.parts) == found.sms.text
                assert len(found.parts) == segments.count(found.sms.text) == found.sms.segments_count
                assert found.cost == 350 * len(found.parts)
                most = (160, 153) if found.is_gsm else (70, 67)
                assert max(found.units) <= most[len(found.parts) > 1]


async def test_the_list_and_a_text(admin):
    for language in Language:
        page = await admin.get(f"/desk/notices/texts?language={language}")
        assert len(re.findall("<tr data-row>", page.text)) == len(WAYS)
    page = await admin.get("/desk/notices/texts?kind=code")
    assert len(re.findall("<tr data-row>", page.text)) == 1
    page = await admin.get("/desk/notices/texts/one?kind=reminder&group=name&language=vi&marks=yes")
    assert "UCS-2" in page.text
    assert "họ tên chưa khớp giấy tờ" in page.text
    assert "The policy sends it without diacritics" in page.text
    page = await admin.get("/desk/notices/texts/one?kind=reminder&group=name&language=vi")
    assert "GSM-7" in page.text
    assert "ho ten chua khop giay to" in page.text


async def test_every_text_in_every_way(admin):
    for kind, group in WAYS:
        query = f"kind={kind}" + (f"&group={group}" if group else "")
        for path in ("one", "letter"):
            page = await admin.get(f"/desk/notices/texts/{path}?{query}&channel=email&own=no")
            assert page.status_code == 200, query
    assert "script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "script-src" not in page.headers["content-security-policy"]


async def test_what_is_no_text_is_another(admin):
    page = await admin.get("/desk/notices/texts/one?kind=<script>&group=x&language=zz&channel=fax&marks=9")
    assert page.status_code == 200
    assert "&lt;script&gt;" not in page.text.partition("<main")[2]
    assert "<script>" not in page.text
