from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from simcheck import clock
from simcheck.access import tokens
from simcheck.errors import NotAuthenticatedError, UnavailableError

pytestmark = pytest.mark.anyio
HERE = "https://simcheck.example"


@pytest.fixture
def edge(service):
    return lambda: service.database.transaction("test", ministry=True)


async def load(edge, service) -> tokens.TokenKeys:
    async with edge() as session:
        return await tokens.load_keys(session, service.keyring, HERE)


@pytest.fixture
async def keys(edge, service) -> tokens.TokenKeys:
    async with edge() as session:
        await tokens.ensure_key(session, service.keyring)
        await tokens.ensure_key(session, service.keyring)
    return await load(edge, service)


async def test_a_token_says_whose_it_is(keys):
    claims = keys.read(keys.issue("viettel-1", ["b", "a"], 60))
    assert (claims.client, claims.scopes) == ("viettel-1", {"a", "b"})
    assert 58 <= claims.expires - clock.now().timestamp() <= 60


async def test_it_ends(keys):
    token = keys.issue("viettel-1", [], 60)
    with clock.fixed(clock.now() + timedelta(seconds=59)):
        keys.read(token)
    for moment in (timedelta(seconds=61), timedelta(days=-1)):
        with clock.fixed(clock.now() + moment), pytest.raises(NotAuthenticatedError):
            keys.read(token)


async def test_forged_tokens(keys):
    kid = keys.current.kid
    claims = {"iss": HERE, "aud": HERE, "sub": "x", "iat": 0, "exp": 2**40, "scope": "a"}
    stranger = OKPKey.generate_key("Ed25519", {"kid": kid})
    sign = keys.current
    head, body, signature = keys.issue("x", [], 60).split(".")
    other = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "y"}).encode()).decode().rstrip("=")

    def made(key=sign, header=None, **changed):
        return jwt.encode({"alg": "Ed25519", "kid": kid, "typ": "at+jwt", **(header or {})},
                          {**claims, **changed}, key, algorithms=["Ed25519"])  # fmt: skip

    keys.read(made())
    forged = [
        "", "x", "a.b.c", "." * 5000, made(stranger), made(header={"kid": "t0"}), made(header={"typ": "JWT"}),
        made(iss="https://other.example"), made(aud="https://other.example"), made(exp=1), made(exp="x"),
        made(iat=2**41), f"{head}.{other}.{signature}", f"{head}.{body}.", f"eyJhbGciOiJub25lIn0.{body}.",
    ]  # fmt: skip
    for token in forged:
        with pytest.raises(NotAuthenticatedError, match="access token is not good"):
            keys.read(token)


async def test_rotation_keeps_living_tokens_good(edge, service, keys):
    before = keys.issue("viettel-1", [], 600)
    async with edge() as session:
        kid = await tokens.rotate(session, service.keyring)
    rotated = await load(edge, service)
    assert rotated.current.kid == kid != keys.current.kid
    assert rotated.read(before).client == "viettel-1"
    with clock.fixed(clock.now() + tokens.KEPT + timedelta(seconds=1)):
        async with edge() as session:
            await tokens.forget_retired(session)
    assert list((await load(edge, service)).known) == [kid]


async def test_private_keys_are_sealed(keys, owner):
    private = keys.current.as_dict(private=True)["d"]
    stored = owner.execute("SELECT private, public::text FROM signing_key").fetchall()
    assert len(stored) == 1
    assert private.encode() not in stored[0][0]
    assert '"d"' not in stored[0][1]


async def test_without_a_key_nothing_is_issued(edge, service):
    keys = await load(edge, service)
    with pytest.raises(UnavailableError, match="simcheck keys rotate --tokens"):
        keys.issue("viettel-1", [], 60)
