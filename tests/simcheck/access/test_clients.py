from __future__ import annotations

import time

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from simcheck.access import clients
from simcheck.access.clients import Proof
from simcheck.errors import ConflictError, NotAuthenticatedError, NotFoundError, UsageError

pytestmark = pytest.mark.anyio
HERE = ["https://simcheck.example", "https://simcheck.example/oauth/token"]
KEY = ECKey.generate_key("P-256", {"kid": "one"})
PUBLIC = {"keys": [KEY.as_dict(private=False)]}


@pytest.fixture
def edge(service):
    return lambda: service.database.transaction("test", ministry=True)


async def add(edge, client="viettel-1", carrier="viettel", **more):
    async with edge() as session:
        return await clients.add(
            session, client, client, carrier=carrier, scopes=["kyc-match:match"], **more
        )  # fmt: skip


async def prove(edge, **proof):
    async with edge() as session:
        return (await clients.authenticate(session, Proof(**proof), HERE)).id


async def test_a_client_with_a_secret(edge, owner):
    secret = await add(edge)
    assert len(secret) >= 40
    assert await prove(edge, client="viettel-1", secret=secret) == "viettel-1"
    stored = owner.execute("SELECT row_to_json(client)::text FROM client").fetchone()[0]
    assert secret not in stored
    assert "$argon2id$" in stored
    acts = owner.execute("SELECT act, subject FROM audit").fetchall()
    assert acts == [("client.added", "client/viettel-1")]


@pytest.mark.parametrize(
    "proof",
    [{"client": "viettel-1", "secret": "wrong"}, {"client": "viettel-1", "secret": ""},
     {"client": "viettel-1"}, {"client": "nobody", "secret": "x"}, {"client": "viettel\0", "secret": "x"}, {},
     {"assertion": "x"}, {"assertion": "a.b.c"}, {"assertion": ""}],
)  # fmt: skip
async def test_whatever_is_wrong_is_told_in_the_same_words(edge, proof):
    await add(edge)
    with pytest.raises(NotAuthenticatedError, match=clients._WRONG):
        await prove(edge, **proof)


async def test_a_revoked_client_is_nobody(edge):
    secret = await add(edge)
    async with edge() as session:
        await clients.revoke(session, "viettel-1")
    with pytest.raises(NotAuthenticatedError):
        await prove(edge, client="viettel-1", secret=secret)
    async with edge() as session:
        assert await clients.standing(session) == {}
        with pytest.raises(NotFoundError):
            await clients.revoke(session, "viettel-1")


async def test_an_id_is_taken_once(edge):
    await add(edge)
    with pytest.raises(ConflictError, match="already"):
        await add(edge, carrier="mobifone")


@pytest.mark.parametrize("client", ["", "A", "x" * 65, "0912345678", "a-0912345678", "a b", "ă"])
async def test_ids_that_are_refused(edge, client):
    with pytest.raises(UsageError, match="client's id"):
        await add(edge, client)


async def test_a_relying_service_has_no_carrier(edge):
    await add(edge, "vneid", None)
    await add(edge)
    async with edge() as session:
        standing = await clients.standing(session)
    assert standing["vneid"].carrier is None
    assert standing["viettel-1"].carrier == "viettel"
    assert standing["vneid"].scopes == {"kyc-match:match"}


async def test_a_carrier_sees_its_own_clients_alone(service, edge):
    await add(edge)
    await add(edge, "mobifone-1", "mobifone")
    await add(edge, "vneid", None)
    async with service.database.transaction("test", "viettel") as session:
        assert list(await clients.standing(session)) == ["viettel-1"]


def assertion(key=KEY, alg="ES256", header=None, **changed) -> str:
    now = int(time.time())
    claims = {
        "iss": "viettel-1",
        "sub": "viettel-1",
        "aud": HERE[1],
        "iat": now,
        "exp": now + 60,
        "jti": "j1",
    }
    claims |= changed
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": "one", **(header or {})}, claims, key, algorithms=[alg])


@pytest.mark.parametrize("audience", [HERE[0], HERE[1], [HERE[0], "https://other.example"]])
async def test_a_signed_assertion(edge, audience):
    assert await add(edge, public_keys=PUBLIC) is None
    assert await prove(edge, assertion=assertion(aud=audience)) == "viettel-1"
    assert await prove(edge, client="viettel-1", assertion=assertion(jti="j2")) == "viettel-1"


@pytest.mark.parametrize(("key", "alg"), [
    (OKPKey.generate_key("Ed25519", {"kid": "one"}), "Ed25519"),
    (RSAKey.generate_key(2048, {"kid": "one"}), "PS256"),
])  # fmt: skip
async def test_other_kinds_of_keys(edge, key, alg):
    await add(edge, public_keys={"keys": [key.as_dict(private=False)]})
    assert await prove(edge, assertion=assertion(key, alg)) == "viettel-1"


async def test_an_assertion_is_good_once(edge):
    await add(edge, public_keys=PUBLIC)
    once = assertion()
    assert await prove(edge, assertion=once) == "viettel-1"
    with pytest.raises(NotAuthenticatedError):
        await prove(edge, assertion=once)
    with pytest.raises(NotAuthenticatedError):
        await prove(edge, assertion=assertion(exp=int(time.time()) + 61))  # the same jti


@pytest.mark.parametrize("changed", [
    {"iss": "mobifone-1"}, {"sub": "mobifone-1"}, {"sub": None}, {"sub": 7}, {"aud": "https://other.example"},
    {"aud": None}, {"exp": None}, {"exp": 1}, {"exp": int(time.time()) + 86400}, {"exp": "soon"},
    {"jti": None}, {"jti": ""}, {"jti": "x" * 201}, {"jti": 5}, {"nbf": int(time.time()) + 86400},
    {"iat": int(time.time()) + 86400},
    {"exp": 1e400}, {"exp": 10**30}, {"jti": "a\0"},
])  # fmt: skip
async def test_assertions_that_are_not_good(edge, changed):
    await add(edge, public_keys=PUBLIC)
    await add(
        edge, "mobifone-1", "mobifone", public_keys={"keys": [ECKey.generate_key("P-256").as_dict(False)]}
    )
    with pytest.raises(NotAuthenticatedError, match=clients._WRONG):
        await prove(edge, assertion=assertion(**changed))


async def test_an_assertion_of_another_key_or_none(edge):
    await add(edge, public_keys=PUBLIC)
    forged = assertion(ECKey.generate_key("P-256", {"kid": "one"}))
    head, body, _ = assertion().split(".")
    unsigned = f"eyJhbGciOiJub25lIn0.{body}."
    shared = OctKey.import_key(KEY.as_dict(private=False)["x"] * 2, {"kid": "one"})  # what everybody knows
    confused = jwt.encode({"alg": "HS256", "kid": "one"}, {"sub": "viettel-1"}, shared, algorithms=["HS256"])
    for each in (forged, unsigned, confused, f"{head}.{body}.", f"{head}.{body}.AAAA"):
        with pytest.raises(NotAuthenticatedError):
            await prove(edge, assertion=each)


async def test_a_client_with_a_secret_cannot_assert(edge):
    await add(edge)
    with pytest.raises(NotAuthenticatedError):
        await prove(edge, assertion=assertion())


@pytest.mark.parametrize("keys", [
    {}, {"keys": []}, {"keys": [{"kty": "EC"}]}, {"keys": [KEY.as_dict(private=True)]},
    {"keys": [OctKey.generate_key(256).as_dict(private=True)]},
])  # fmt: skip
async def test_key_sets_that_are_refused(edge, keys):
    with pytest.raises(UsageError, match="key"):
        await add(edge, public_keys=keys)


async def test_used_assertions_are_forgotten_when_they_are_no_good(edge, owner):
    await add(edge, public_keys=PUBLIC)
    await prove(edge, assertion=assertion())
    async with edge() as session:
        await clients.forget_expired(session)
    assert owner.execute("SELECT count(*) FROM client_assertion").fetchone() == (1,)
    owner.execute("UPDATE client_assertion SET expires_at = now() - interval '1 second'")
    async with edge() as session:
        await clients.forget_expired(session)
    assert owner.execute("SELECT count(*) FROM client_assertion").fetchone() == (0,)
