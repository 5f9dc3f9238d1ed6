from __future__ import annotations

import base64
import time

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from simcheck.access import clients
from simcheck.api.token import ASSERTION_TYPE
from tests.serving import ISSUER

pytestmark = pytest.mark.anyio
GRANT = {"grant_type": "client_credentials"}
KEY = ECKey.generate_key("P-256", {"kid": "one"})


@pytest.fixture
async def secret(service) -> str:
    async with service.database.transaction("test", ministry=True) as session:
        made = await clients.add(
            session, "viettel-1", "x", carrier="viettel", scopes=["batches:read", "batches:write"]
        )
        await clients.add(
            session, "vneid", "x", carrier=None, scopes=["otp-checks"],
            public_keys={"keys": [KEY.as_dict(private=False)]},
        )  # fmt: skip
    return made


def basic(client: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()}


async def test_a_secret_in_the_header_or_in_the_form(http, secret):
    in_header = await http.post("/oauth/token", data=GRANT, headers=basic("viettel-1", secret))
    in_form = await http.post(
        "/oauth/token", data={**GRANT, "client_id": "viettel-1", "client_secret": secret}
    )
    for answer in (in_header, in_form):
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        said = answer.json()
        assert (said["token_type"], said["expires_in"]) == ("Bearer", 600)
        assert said["scope"] == "batches:read batches:write"
        assert said["access_token"].count(".") == 2


async def test_fewer_scopes_than_one_has(http, secret, app):
    form = {**GRANT, "scope": "batches:read"}
    said = (await http.post("/oauth/token", data=form, headers=basic("viettel-1", secret))).json()
    assert said["scope"] == "batches:read"
    keys = await app.state.doorkeeper.keys()
    assert keys.read(said["access_token"]).scopes == {"batches:read"}


async def test_a_signed_assertion(http, secret):
    now = int(time.time())
    claims = {"iss": "vneid", "sub": "vneid", "aud": f"{ISSUER}/oauth/token", "exp": now + 60, "jti": "1"}
    signed = jwt.encode({"alg": "ES256", "kid": "one"}, claims, KEY)
    form = {**GRANT, "client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}
    first, again = [await http.post("/oauth/token", data=form) for _ in range(2)]
    assert (first.status_code, first.json()["scope"]) == (200, "otp-checks")
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(("form", "headers", "status", "error"), [
    ({}, {}, 400, "invalid_request"),
    ({"grant_type": "password"}, {}, 400, "unsupported_grant_type"),
    (GRANT, {}, 401, "invalid_client"),
    (GRANT, basic("viettel-1", "wrong"), 401, "invalid_client"),
    (GRANT, {"Authorization": "Basic ?"}, 401, "invalid_client"),
    (GRANT, {"Authorization": "Basic /w=="}, 401, "invalid_client"),
    ({**GRANT, "client_id": "viettel-1"}, {}, 401, "invalid_client"),
    ({**GRANT, "client_id": "viettel-1", "client_secret": "wrong"}, {}, 401, "invalid_client"),
    ({**GRANT, "client_secret": "x", "client_assertion": "y"}, {}, 401, "invalid_client"),
    ({**GRANT, "client_assertion": "y"}, {}, 400, "invalid_request"),
    ({**GRANT, "client_assertion": "y", "client_assertion_type": ASSERTION_TYPE}, {}, 401, "invalid_client"),
])  # fmt: skip
async def test_refusals_are_those_of_the_standard(http, secret, form, headers, status, error):
    answer = await http.post("/oauth/token", data=form, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert ("www-authenticate" in answer.headers) == (status == 401)


async def test_other_refusals(http, secret):
    mine = basic("viettel-1", secret)
    wide = await http.post("/oauth/token", data={**GRANT, "scope": "batches:read otp-checks"}, headers=mine)
    assert (wide.status_code, wide.json()["error"]) == (400, "invalid_scope")
    body = {"content": b"grant_type=client_credentials&grant_type=client_credentials"}
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    twice = await http.post("/oauth/token", **body, headers={**mine, **kind})
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")
    as_json = await http.post("/oauth/token", json=GRANT, headers=mine)
    assert (as_json.status_code, as_json.json()["error"]) == (400, "invalid_request")


async def test_each_token_is_an_audit_row_and_no_refusal_is(http, secret, owner):
    await http.post("/oauth/token", data=GRANT, headers=basic("viettel-1", secret))
    await http.post("/oauth/token", data=GRANT, headers=basic("viettel-1", "wrong"))
    found = owner.execute("SELECT stream, subject FROM audit WHERE act = 'token.issued'").fetchall()
    assert found == [("token/viettel", "client/viettel-1")]
