"""Against a real OpenID Connect provider over HTTP, and what a dishonest one or a stranger would send."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey
from pydantic import SecretStr

from simcheck.errors import UnavailableError
from simcheck.web.oidc import Pending, Provider, Registration, SignInError

pytestmark = pytest.mark.anyio
BACK = "http://127.0.0.1:8080/my/return"
NUMBER = "001085012345"


class Recording(httpx.AsyncHTTPTransport):
    """The real network, with a note of what was asked; `instead` answers some of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[httpx.Request] = []
        self.instead: dict[str, object] = {}

    async def handle_async_request(self, request):
        self.asked.append(request)
        for end, change in self.instead.items():
            if request.url.path.endswith(end):
                if not callable(change):
                    return httpx.Response(change[0], content=change[1])
                real = await super().handle_async_request(request)
                return httpx.Response(
                    200, json=change(httpx.Response(200, content=await real.aread()).json())
                )
        return await super().handle_async_request(request)


@pytest.fixture
def network():
    return Recording()


@pytest.fixture
def provider(identities, network):
    return provider_of(identities, network)


def provider_of(identities, network, **more):
    words = {
        "issuer": identities.issuer, "client_id": "simcheck", "client_secret": SecretStr("a secret+"),
        "scope": "openid", "claim": "id_number",
    }  # fmt: skip
    return Provider(Registration(**(words | more)), network)


async def consented(url: str, who: str) -> dict[str, str]:
    """What the browser comes back with when this person consents at the provider."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        answer = await browser.post(url, data={"sub": who})
    assert answer.status_code == 302, answer.text
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}


async def test_somebody_signs_in(provider, network, identities):
    identities.add("an", id_number=NUMBER)
    url, pending = await provider.start(BACK)
    asked = {name: value for name, [value] in parse_qs(urlsplit(url).query).items()}
    assert asked["response_type"] == "code"
    assert asked["scope"] == "openid"
    assert asked["redirect_uri"] == BACK
    assert (asked["state"], asked["nonce"]) == (pending.state, pending.nonce)
    assert (asked["code_challenge"], asked["code_challenge_method"]) == (pending.challenge, "S256")
    assert await provider.finish(await consented(url, "an"), pending) == NUMBER
    token = next(each for each in network.asked if each.url.path.endswith("/token"))
    sent = {name: value for name, [value] in parse_qs(token.content.decode()).items()}
    assert sent["code_verifier"] == pending.verifier
    assert token.headers["authorization"].startswith("Basic ")


def test_the_challenge_is_that_of_the_standard():
    """RFC 7636, appendix B."""
    pending = Pending("", "", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "")
    assert pending.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


async def test_metadata_and_keys_are_asked_for_once(provider, network, identities):
    identities.add("an", id_number=NUMBER)
    for _ in range(2):
        url, pending = await provider.start(BACK)
        await provider.finish(await consented(url, "an"), pending)
    paths = [each.url.path for each in network.asked]
    assert paths.count("/.well-known/openid-configuration") == paths.count("/jwks") == 1


async def test_a_code_is_good_once(provider, identities):
    identities.add("an", id_number=NUMBER)
    url, pending = await provider.start(BACK)
    back = await consented(url, "an")
    await provider.finish(back, pending)
    with pytest.raises(SignInError):
        await provider.finish(back, pending)


@pytest.mark.parametrize(
    "change", [{"state": "other"}, {"state": ""}, {"code": "invented"}, {"code": ""}, {"iss": "https://other"},
               {"error": "access_denied", "code": ""}],
)  # fmt: skip
async def test_what_comes_back_is_not_believed(provider, identities, change):
    identities.add("an", id_number=NUMBER)
    url, pending = await provider.start(BACK)
    with pytest.raises(SignInError):
        await provider.finish(await consented(url, "an") | change, pending)


async def test_the_token_of_another_sign_in(provider, identities):
    """The code of one sign-in, brought into another one: the nonce does not fit."""
    identities.add("an", id_number=NUMBER)
    url, _ = await provider.start(BACK)
    _, mine = await provider.start(BACK)
    with pytest.raises(SignInError):
        await provider.finish(await consented(url, "an") | {"state": mine.state}, mine)


async def test_somebody_without_an_id_number(provider, identities):
    identities.add("nobody")
    url, pending = await provider.start(BACK)
    with pytest.raises(SignInError):
        await provider.finish(await consented(url, "nobody"), pending)


async def test_an_id_number_that_only_userinfo_tells(identities, network):
    """A claim of a scope that is not in the ID token."""
    provider = provider_of(identities, network)
    identities.add("an")
    network.instead["/userinfo"] = lambda said: said | {"id_number": NUMBER}
    url, pending = await provider.start(BACK)
    assert await provider.finish(await consented(url, "an"), pending) == NUMBER
    network.instead["/userinfo"] = lambda said: said | {"id_number": NUMBER, "sub": "binh"}
    url, pending = await provider.start(BACK)
    with pytest.raises(SignInError):
        await provider.finish(await consented(url, "an"), pending)


def unsigned(said):
    """The same token, with the algorithm `none`."""
    _, body, _ = said["id_token"].split(".")
    return said | {"id_token": f"eyJhbGciOiJub25lIn0.{body}."}


def tampered(said):
    head, body, signature = said["id_token"].split(".")
    return said | {"id_token": f"{head}.{body}.{signature[:-8]}AAAAAAAA"}


@pytest.mark.parametrize("change", [unsigned, tampered, lambda said: said | {"id_token": "x"}, lambda _: {}])
async def test_a_token_that_is_not_the_providers(provider, network, identities, change):
    identities.add("an", id_number=NUMBER)
    network.instead["/token"] = change
    url, pending = await provider.start(BACK)
    with pytest.raises(SignInError):
        await provider.finish(await consented(url, "an"), pending)


async def test_a_token_for_another_client(provider, identities, network):
    other = provider_of(identities, network, client_id="other")
    identities.add("an", id_number=NUMBER)
    url, pending = await other.start(BACK)
    back = await consented(url, "an")
    other.client_id = "simcheck"  # what is asked for stays the other's
    with pytest.raises(SignInError):
        await other.finish(back, pending)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/openid-configuration", (500, b"")),
        ("/openid-configuration", (200, b"no JSON")),
        ("/openid-configuration", (200, b"[]")),
        ("/openid-configuration", (200, b"{}")),
        ("/openid-configuration", lambda said: said | {"issuer": "https://other"}),
        ("/openid-configuration", (200, b" " * (2 << 20))),
        ("/jwks", (503, b"")),
        ("/jwks", (200, b'{"keys": [{"kty": "odd"}]}')),
    ],
)
async def test_a_provider_that_does_not_work(provider, network, path, answer):
    network.instead[path] = answer
    with pytest.raises(UnavailableError):
        await provider.start(BACK)


async def test_a_provider_that_is_not_there(network, identities):
    provider = provider_of(identities, network, issuer="http://127.0.0.1:9")
    with pytest.raises(UnavailableError):
        await provider.start(BACK)


async def test_keys_that_were_changed(provider, network, identities):
    """A new key at the provider is found by asking for the keys once more."""
    identities.add("an", id_number=NUMBER)
    network.instead["/jwks"] = lambda said: {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}
    url, pending = await provider.start(BACK)
    del network.instead["/jwks"]
    assert await provider.finish(await consented(url, "an"), pending) == NUMBER
