from __future__ import annotations

import pytest

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
