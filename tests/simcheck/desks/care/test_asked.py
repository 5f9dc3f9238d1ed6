"""The lists of requests, and writing one down."""

from __future__ import annotations

import re
import uuid

import pytest

from simcheck.care import lists
from tests.caring import alive

pytestmark = pytest.mark.anyio


async def written_down(desk, kind: str, of: str, words: str = "", **more: str):
    form = {"kind": kind, "of": of, "language": "en", "words": words, "seen": "yes",
            "form_id": str(uuid.uuid4()), **more}  # fmt: skip
    return await desk.send("/desk/requests/new", form)


async def test_a_request_is_written_down_and_stands_in_the_list(supervisor, auditor, owner, keyring):
    owner.execute("INSERT INTO carrier VALUES ('viettel', now())")
    alive(owner, keyring, 1)
    assert "No requests" in (await supervisor.get("/desk/requests")).text
    answer = await written_down(supervisor, "correct", "0900 000 001", "The name is wrong.")
    place = answer.headers["location"]
    assert re.fullmatch(r"/desk/requests/Y-\d{6}-\w", place), answer.text
    assert owner.execute("SELECT carrier, means, made_by FROM person_request").fetchone() == (
        "viettel", "staff", "person:supervisor"
    )  # fmt: skip
    for desk in (supervisor, auditor):
        assert place in (await desk.get("/desk/requests")).text
        assert place not in (await desk.get("/desk/requests?which=answered")).text
    person = await written_down(supervisor, "erase", "001090000011")
    assert person.status_code == 303
    page = await auditor.get("/desk/requests")
    assert "0900" not in page.text
    assert "/desk/requests/new" not in page.text


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"kind": ""}, "Choose what is asked"),
        ({"of": "12345"}, "Write a mobile number"),
        ({"seen": ""}, "papers first"),
        ({"words": ""}, "has to be put right"),
    ],
)
async def test_what_cannot_be_written_down(supervisor, changed, fault):
    form = {"kind": "correct", "of": "0900000001", "words": "x"} | changed
    page = await written_down(supervisor, **form)
    assert (page.status_code, fault in page.text) == (422, True)


async def test_the_list_goes_on_after_a_page(supervisor, owner, monkeypatch):
    monkeypatch.setattr(lists, "PAGE", 2)
    for at in range(5):
        await written_down(supervisor, "erase", f"00109000001{at}")
    seen, address = [], "/desk/requests"
    while address:
        page = await supervisor.get(address)
        seen += re.findall(r'href="/desk/requests/(Y-[^"]+)"', page.text)
        found = re.search(r'rel="next" href="([^"]+)"', page.text)
        address = found and found[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 5
