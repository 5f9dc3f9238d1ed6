from __future__ import annotations

import pytest
from pydantic import Field

from simcheck import errors
from simcheck.api import problems
from simcheck.api.bodies import Strict

pytestmark = pytest.mark.anyio


class Question(Strict):
    msisdn: str = Field(max_length=12)
    count: int = 1


@pytest.fixture(autouse=True)
def routes(app):
    @app.post("/try/strict")
    async def strict(question: Question) -> int:
        return question.count

    @app.get("/try/{error}")
    async def fails(error: str) -> None:
        kind = getattr(errors, error)
        made = {"FileRefusedError": ("f.csv", "is empty", "Send it again."), "TooManyError": ("Wait.", 2.5),
                "SettingsError": (["SIMCHECK_X: secret"],)}  # fmt: skip
        raise kind(*made.get(error, ("What happened, and what to do.",)))


def every_error() -> list[type[errors.SimcheckError]]:
    return [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.SimcheckError)
    ]


@pytest.mark.parametrize("kind", every_error())
async def test_every_error_is_a_problem_document(http, kind):
    answer = await http.get(f"/try/{kind.__name__}")
    said = answer.json()
    assert answer.status_code == said["status"] == kind.http_status
    assert answer.headers["content-type"] == problems.MEDIA_TYPE
    assert (said["code"], said["retry"]) == (kind.code, kind.retry)
    assert said["detail"]
    assert "secret" not in answer.text


async def test_codes_tell_errors_apart():
    codes = [kind.code for kind in every_error()]
    assert len(set(codes)) == len(codes)


async def test_too_many_says_when(http):
    assert (await http.get("/try/TooManyError")).headers["retry-after"] == "3"


@pytest.mark.parametrize(("body", "named"), [
    ({"msisdn": "0912345678", "national_id": "001099012345"}, "body.national_id (extra_forbidden)"),
    ({"msisdn": "091234567800000"}, "body.msisdn (string_too_long)"),
    ({"msisdn": 912345678}, "body.msisdn (string_type)"),
    ({"msisdn": "0912345678", "count": "001099012345"}, "body.count (int_type)"),
    ({}, "body.msisdn (missing)"),
    ([], "body (model_attributes_type)"),
])  # fmt: skip
async def test_a_wrong_body_is_named_by_its_fields(http, body, named):
    answer = await http.post("/try/strict", json=body)
    said = answer.json()
    assert (answer.status_code, said["code"]) == (422, "invalid")
    assert named in said["detail"]
    for value in ("0912345678", "001099012345", "912345678"):
        assert value not in answer.text


async def test_a_body_that_is_no_json(http):
    answer = await http.post(
        "/try/strict", content=b'{"msisdn": 09', headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
