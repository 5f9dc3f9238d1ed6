"""A carrier's system fetches orders, acknowledges them, and tells their outcomes: in JSON or by the file."""

from __future__ import annotations

import gzip
import uuid

import pytest

from simcheck import clock
from tests.holding import national
from tests.ordering import NOON, a_wrong_country, batches, ordered, rows, sent, states

pytestmark = pytest.mark.anyio


@pytest.fixture
def noon():
    with clock.fixed(NOON):
        yield


def filled(content: bytes, outcome: str = "Đã thực hiện", add: str = "") -> bytes:
    """The file as the carrier sends it back: every row done."""
    header, *lines = gzip.decompress(content).decode().splitlines()
    cells = [line.split(";") for line in lines]
    done = [";".join([*each[:-2], outcome, "23/11/2026"]) for each in cells]
    return ("\n".join([header, *done]) + "\n" + add).encode()


async def test_a_system_fetches_an_order_and_answers_it(
    http, viettel, mobifone, service, owner, tmp_path, noon
):
    await a_wrong_country(service, tmp_path)
    assert (await http.get("/v1/orders", headers=viettel)).json() == {"orders": [], "next": None}
    order = await ordered(service, owner, 3)
    [listed] = (await http.get("/v1/orders", headers=viettel)).json()["orders"]
    assert (listed["id"], listed["act"], listed["state"], listed["lines"]) == (
        str(order),
        "one_way",
        "sent",
        3,
    )
    assert (await http.get("/v1/orders", headers=mobifone)).json()["orders"] == []
    assert (await http.get(f"/v1/orders/{order}", headers=mobifone)).status_code == 404
    lines = (await http.get(f"/v1/orders/{order}/lines?limit=2", headers=viettel)).json()
    assert {each["msisdn"] for each in lines["lines"]} < {f"84{national(each)}" for each in (1, 2, 3)}
    assert lines["next"] == 2
    file = await http.get(f"/v1/orders/{order}/file", headers=viettel)
    assert file.headers["x-order-lines"] == "3"
    assert "order-one_way-" in file.headers["content-disposition"]
    at = f"/v1/orders/{order}/acknowledgement"
    assert (await http.post(at, headers=viettel, json={})).status_code == 400
    assert (await http.post(at, headers=viettel, json={"rows": 4})).status_code == 409
    answer = await http.post(at, headers=viettel, json={"lines": [1, 2, 9]})
    assert answer.json() == {"accepted": 2, "refused": [{"line": 9, "why": "not_ordered"}]}
    assert (await http.post(at, headers=viettel, json={"rows": 3})).json()["accepted"] == 3
    said = {
        "outcomes": [{"line": 1, "outcome": "done", "at": NOON.isoformat()}, {"line": 2, "outcome": "failed"}]
    }
    answer = await http.post(f"/v1/orders/{order}/outcomes", headers=viettel, json=said)
    assert answer.json() == {"accepted": 2, "refused": []}
    detail = (await http.get(f"/v1/orders/{order}", headers=viettel)).json()
    assert {(each["state"], each["lines"]) for each in detail["counts"]} == {
        ("done", 1),
        ("failed", 1),
        ("sent", 1),
    }


async def test_the_file_itself_comes_back(http, viettel, service, owner, tmp_path, noon):
    await a_wrong_country(service, tmp_path)
    order = await ordered(service, owner, 2)
    file = (await http.get(f"/v1/orders/{order}/file", headers=viettel)).content
    more = f"{order};77;84{national(3)};Khóa một chiều;;;;Đã thực hiện;\n"
    more += f"{uuid.uuid4()};1;84{national(1)};;;;;Lỗi;\n"
    body = filled(file, add=more)
    at, kind = f"/v1/orders/{order}/outcomes", {"Content-Type": "application/octet-stream"}
    kept = await http.post(at, headers=viettel | kind, content=body)
    assert (kept.status_code, kept.json()["state"]) == (202, "waiting")
    again = await http.post(at, headers=viettel | kind, content=body)
    assert again.json()["id"] == kept.json()["id"]
    await sent(service)
    [answer] = (await http.get(f"/v1/orders/{order}", headers=viettel)).json()["files"]
    assert (answer["state"], answer["rows"], answer["accepted"]) == ("taken", 4, 2)
    assert answer["refused"] == [{"line": 3, "why": "not_ordered"}, {"line": 4, "why": "another_order"}]
    assert states(owner, order) == [("done", "done")] * 2
    assert batches(owner)[0].state == "done"
    assert not service.store.files("answers")


async def test_a_file_that_is_none_is_refused(http, viettel, service, owner, tmp_path, noon):
    await a_wrong_country(service, tmp_path)
    order = await ordered(service, owner, 1)
    at, kind = f"/v1/orders/{order}/outcomes", {"Content-Type": "application/octet-stream"}
    assert (await http.post(at, headers=viettel | kind, content=b"")).status_code == 400
    assert (await http.post(at, headers=viettel | kind, content=b"a;b\n1;2\n")).status_code == 202
    await sent(service)
    [answer] = rows(owner, "SELECT * FROM order_answer")
    assert answer.state == "refused"
    assert "has no columns" in answer.reason
    assert states(owner, order) == [("sent", None)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400), (b'{"outcomes": []}', 400), (b'{"outcomes": [{"line": 0, "outcome": "done"}]}', 400),
        (b'{"outcomes": [{"line": 1, "outcome": "cut"}]}', 400),
        (b'{"outcomes": [{"line": 1, "outcome": "done", "at": "2026-11-23T08:00:00"}]}', 400),
        (b'{"outcomes": [{"line": 1, "outcome": "done"}], "x": 1}', 400), (b"[" * 100_000, 400),
        (b" " * 300_000, 413),
        (b'{"outcomes": [{"line": 1, "outcome": "done"}]}', 404),
    ],
)  # fmt: skip
async def test_answers_that_cannot_be_used(http, viettel, body, status):
    headers = viettel | {"Content-Type": "application/json"}
    answer = await http.post(f"/v1/orders/{uuid.uuid4()}/outcomes", headers=headers, content=body)
    assert answer.status_code == status, answer.text


async def test_orders_need_their_scopes(http, token_of):
    reads = await token_of("viettel", "orders:read")
    order = uuid.uuid4()
    assert (await http.get("/v1/orders", headers=reads)).status_code == 200
    said = await http.post(f"/v1/orders/{order}/acknowledgement", headers=reads, json={"rows": 1})
    assert said.status_code == 403
    assert (
        await http.get("/v1/orders", headers=await token_of("viettel", "batches:read"))
    ).status_code == 403
