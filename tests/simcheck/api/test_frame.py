from __future__ import annotations

import asyncio
import io
import json
import logging
import uuid
from collections.abc import AsyncIterator

import pytest
from fastapi import Request

from simcheck import log
from simcheck.api import frame

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"body_seconds": 0.2})


@pytest.fixture(autouse=True)
def routes(app):
    @app.post("/try/body")
    async def body(request: Request) -> int:
        return len(await request.body())

    @app.post("/try/json")
    async def parsed(content: dict[str, int]) -> dict[str, int]:
        return content

    @app.post("/v1/batches/try")
    async def large(request: Request) -> int:
        return len(await request.body())

    @app.get("/try/people/{number}")
    async def person(number: str) -> str:
        raise RuntimeError(number)


async def test_every_answer_has_an_id_and_its_headers(http):
    answer = await http.get("/healthz")
    assert uuid.UUID(answer.headers["x-request-id"])
    for name, value in frame.HEADERS.items():
        assert answer.headers[name] == value
    told = str(uuid.uuid4())
    assert (await http.get("/healthz", headers={"X-Request-Id": told})).headers["x-request-id"] == told
    other = await http.get("/healthz", headers={"X-Request-Id": "0912345678"})
    assert other.headers["x-request-id"] != "0912345678"


async def parts(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize("path", ["/try/body", "/try/json"])
async def test_a_body_that_is_too_large(http, service, path):
    limit = service.settings.body_bytes
    headers = {"Content-Type": "application/json"}
    for content in (b" " * (limit + 1), parts(b" " * limit, b" ")):
        answer = await http.post(path, content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert (await http.post("/try/body", content=b" " * limit)).json() == limit


async def test_uploads_have_a_larger_limit(http, service):
    size = service.settings.body_bytes * 3
    assert (await http.post("/v1/batches/try", content=b"x" * size)).json() == size


async def test_a_client_that_stops_sending(http):
    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(1)
        yield b"x"

    for path in ("/try/body", "/try/json"):
        answer = await http.post(path, content=slow(), headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (408, "slow_body")


@pytest.fixture
def lines():
    stream, root = io.StringIO(), logging.getLogger()
    before, level = root.handlers, root.level
    log.setup(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, root.level = before, level


async def test_a_defect_is_told_without_its_data_and_logged_without_it(http, lines):
    answer = await http.get("/try/people/0912345678?name=Hoa")
    assert (answer.status_code, answer.json()["code"]) == (500, "defect")
    defect, request = lines()
    assert (defect["event"], defect["error"]) == ("defect", "RuntimeError")
    assert defect["where"].startswith("test_frame.py:")
    assert (request["route"], request["status"], request["method"]) == ("/try/people/{number}", 500, "GET")
    assert request["request_id"] == defect["request_id"] == answer.headers["x-request-id"]
    for text in (answer.text, json.dumps(lines())):
        assert "0912345678" not in text
        assert "Hoa" not in text


async def test_a_path_that_does_not_exist_is_not_logged(http, lines):
    answer = await http.get("/v1/0912345678")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "0912345678" not in json.dumps(lines())


async def test_operators_questions_are_not_logged(http, lines):
    await http.get("/healthz")
    assert lines() == []


async def test_answers_are_counted_by_route(http):
    await http.get("/try/people/0912345678")
    await http.request("BREW", "/healthz")
    said = (await http.get("/metrics")).text
    assert 'simcheck_requests_total{method="GET",route="/try/people/{number}",status="500"} 1.0' in said
    assert 'method="other"' in said
    assert "0912345678" not in said
