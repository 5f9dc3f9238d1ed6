from __future__ import annotations

import concurrent.futures

import httpx
import pytest

from simcheck.api.app import PUBLIC


def test_a_real_server_answers(served):
    with httpx.Client(base_url=served) as http:
        assert http.get("/readyz").json() == {"status": "ok"}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(lambda _: http.get("/readyz").status_code, range(50)))
    assert statuses == [200] * 50


@pytest.mark.anyio
async def test_the_openapi_document_names_the_ways_to_a_token(http):
    document = (await http.get("/openapi.json")).json()
    assert set(document["paths"]) >= PUBLIC - {"/openapi.json"}
    assert (
        "application/x-www-form-urlencoded"
        in (document["paths"]["/oauth/token"]["post"]["requestBody"]["content"])
    )


@pytest.mark.anyio
async def test_no_page_is_loaded_from_elsewhere(http):
    for path in ("/docs", "/redoc"):
        assert (await http.get(path)).status_code == 404
