from __future__ import annotations

import random

import pytest

from tests.browsing import token_in

pytestmark = pytest.mark.anyio


async def test_where_there_is_no_page(http):
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for path, words in {"/nowhere": "Không có trang này", "/en/nowhere": "There is no such page"}.items():
        answer = await http.get(path, headers=browser)
        assert answer.status_code == 404
        assert words in answer.text
    machine = await http.get("/nowhere")
    assert (machine.status_code, machine.json()["code"]) == (404, "not_found")
    assert (await http.put("/", headers=browser)).json()["code"] == "method_not_allowed"


async def test_files_beside_the_pages(http):
    page = (await http.get("/")).text
    for kind in ("css", "js", "svg"):
        [path] = {each for each in page.split('"') if each.endswith(f".{kind}")}
        answer = await http.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "set-cookie" not in answer.headers
    assert (await http.get("/assets/style.css")).status_code == 404
    assert (await http.get("/assets/..%2fwords.toml")).status_code == 404


async def test_search_engines_find_the_start_alone(http):
    assert "Disallow: /\n" in (await http.get("/robots.txt")).text


async def test_pages_are_not_part_of_the_interface(http):
    assert not [path for path in (await http.get("/openapi.json")).json()["paths"] if path in {"/", "/en/"}]


FIELDS = ("code", "number", "digits", "text", "email", "back", "question", "form_id")
HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'; DROP TABLE question; --", "{{ 7*7 }}",
    "\u202e0912345678", "\u0660\u0661\u0662", "\uff10\uff19\uff11\uff12", "\u0345" * 200, "9" * 5000, "-1",
    "%00", "\0", "a\r\nSet-Cookie: x=y", "\U0001f4a9" * 50, "email", "..%2f", "\ufdfa" * 90,
)  # fmt: skip


async def test_whatever_is_typed_is_answered_by_a_page(walker):
    token = token_in(await walker.http.get("/help"))
    letters = "".join(HOSTILE)
    lot = random.Random(1)
    samples = [dict.fromkeys(FIELDS, each) for each in HOSTILE]
    samples += [
        {name: "".join(lot.choices(letters, k=lot.randint(0, 60))) for name in FIELDS} for _ in range(20)
    ]
    for fields in samples:
        for path in ("/", "/code", "/help", "/help/look"):
            answer = await walker.http.post(path, data={**fields, "form_token": token})
            assert answer.status_code < 500, (path, fields)
            assert answer.status_code == 303 or answer.headers["content-type"].startswith("text/html")
            assert "x=y" not in str(answer.headers)
            for markup in ("<script>alert", "<img src=x", ">49<"):
                assert markup not in answer.text, (path, fields)
