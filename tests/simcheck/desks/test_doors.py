from __future__ import annotations

import pytest

pytestmark = pytest.mark.anyio


async def test_files_beside_the_pages(http):
    page = (await http.get("/desk/sign-in")).text
    for kind in ("css", "js", "svg"):
        [path] = {each for each in page.split('"') if each.endswith(f".{kind}")}
        answer = await http.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "set-cookie" not in answer.headers
    for none in ("style.css", "..%2fwords.toml", "x"):
        assert (await http.get(f"/desk/assets/{none}")).status_code == 404


async def test_the_desks_are_not_part_of_the_interface_nor_to_be_found(http):
    assert not [
        path
        for path in (await http.get("/openapi.json")).json()["paths"]
        if path.startswith(("/desk", "/portal"))
    ]
    assert "Disallow: /\n" in (await http.get("/robots.txt")).text
    assert "noindex" in (await http.get("/desk/sign-in")).text


async def test_without_the_database_a_page_says_so(http, service, monkeypatch):
    from simcheck.errors import UnavailableError

    def away(*_, **__):
        raise UnavailableError("the database does not answer. Try again.")

    http.cookies.set("desk_session", "x" * 43)
    monkeypatch.setattr(type(service.database), "transaction", away)
    for path in ("/desk", "/desk/nowhere", "/portal"):
        answer = await http.get(path)
        assert (answer.status_code, "Dịch vụ đang bận" in answer.text) == (503, True), path
