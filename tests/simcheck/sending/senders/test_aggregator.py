from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response

from simcheck import clock
from simcheck.register.twin import serving
from simcheck.sending.senders import NotSent, Part, Rejected, SendError, Throttled, Unknown
from simcheck.sending.senders.aggregator import AggregatorLink
from simcheck.sending.settings import AggregatorSettings

pytestmark = pytest.mark.anyio
TEXT = "Số thuê bao ******678 chưa khớp"


def a_part() -> Part:
    later = clock.now() + timedelta(hours=1)
    return Part(uuid.uuid4(), 1, 2, "84912345678", b"", 8, True, TEXT, 7, later, False)


class Aggregator:
    """A real HTTP server that answers as it is told."""

    def __init__(self) -> None:
        self.app, self.came, self.answers = FastAPI(), {}, []
        self.app.add_api_route("/send", self.send, methods=["POST"])

    async def send(self, request: Request):
        answer = self.answers.pop(0) if self.answers else 200
        if answer == "silence":
            await asyncio.sleep(1)
        if isinstance(answer, Response):
            return answer
        if isinstance(answer, int) and answer >= 300:
            return JSONResponse({"error": "no"}, answer)
        came = await request.json(), request.headers["authorization"]
        self.came[request.headers["idempotency-key"]] = came
        return JSONResponse({"id": 4711})


@pytest.fixture
def aggregator():
    return Aggregator()


@asynccontextmanager
async def linked(url: str):
    settings = AggregatorSettings(
        name="http", kind="http", url=f"{url}/send", token="hunter2", source="SIMCHECK", answer_seconds=0.3
    )
    link = AggregatorLink(settings)
    running = asyncio.create_task(link.run())
    await asyncio.sleep(0)
    yield link
    running.cancel()
    await asyncio.wait([running])


async def test_a_whole_message_is_handed_over(aggregator):
    part = a_part()
    with serving(aggregator.app) as url:
        async with linked(url) as link:
            assert link.whole
            assert (await link.submit(part)).smsc_id == "4711"
    [(key, (body, authorization))] = aggregator.came.items()
    assert (key, authorization) == (part.key, "Bearer hunter2")
    assert body.pop("ttl") in range(3500, 3601)
    assert body == {"to": "+84912345678", "from": "SIMCHECK", "text": TEXT, "reference": part.key}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (400, (Rejected, "http_400")), (422, (Rejected, "http_422")), (409, (Rejected, "http_409")),
        (401, (NotSent, "http_401")), (429, (Throttled, "http_429")), (503, (Throttled, "http_503")),
        (500, (Unknown, "http_500")), (504, (Unknown, "http_504")), ("silence", (Unknown, "no_answer")),
        (302, (Unknown, "http_302")),
    ],
)  # fmt: skip
async def test_every_answer_has_a_meaning(aggregator, answer, outcome):
    aggregator.answers = [answer]
    with serving(aggregator.app) as url:
        async with linked(url) as link:
            with pytest.raises(SendError) as error:
                await link.submit(a_part())
    assert (type(error.value), error.value.code) == outcome
    assert not isinstance(error.value, Rejected) or error.value.permanent == (answer in {400, 422})


@pytest.mark.parametrize(
    "answer", [Response("nonsense"), JSONResponse([1]), JSONResponse({"id": None}), Response()]
)
async def test_taken_without_a_name(aggregator, answer):
    aggregator.answers = [answer]
    with serving(aggregator.app) as url:
        async with linked(url) as link:
            assert (await link.submit(a_part())).smsc_id == ""


async def test_nobody_is_there_and_nobody_is_asked_for_a_while(aggregator):
    with serving(aggregator.app) as url:
        pass
    async with linked(url) as link:
        assert link.up
        with pytest.raises(NotSent, match="no_connection"):
            await link.submit(a_part())
        assert not link.up


def test_a_token_goes_over_https_alone():
    with pytest.raises(ValueError, match="https"):
        AggregatorSettings(name="a", kind="http", url="http://sms.example.vn/", token="x", source="S")
