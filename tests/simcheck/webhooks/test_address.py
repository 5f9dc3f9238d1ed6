from __future__ import annotations

import asyncio
import socket

import pytest

from simcheck.errors import InvalidError
from simcheck.webhooks.address import AddressRefusedError, is_public, require_usable, resolve

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "url",
    [
        "http://carrier.example/hook", "ftp://carrier.example/", "https://", "https:///x", "carrier.example",
        "", "https://user:word@carrier.example/", "https://carrier.example/#x", "https://carrier.example:22/",
        "https://carrier.example:99999/", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.8/hook",
        "https://169.254.169.254/latest/meta-data", "https://[::ffff:10.0.0.1]/", "https://nhà.example/",
        "https://carrier.example/a b", "https://carrier.example/\r\nX: y", "https://[::1",
        "//carrier.example/x",
    ],
)  # fmt: skip
async def test_events_do_not_go_to(url):
    with pytest.raises(InvalidError):
        require_usable(url, private=False)


async def test_events_go_to_public_hosts():
    require_usable("https://carrier.example/hook?x=1", private=False)
    require_usable("https://carrier.example:8443", private=False)
    require_usable("http://127.0.0.1:5555/", private=True)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("2001:4860:4860::8888", True), ("127.0.0.1", False), ("10.1.2.3", False),
        ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False),
        ("0.0.0.0", False), ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False), ("::", False),
        ("fe80::1", False), ("fe80::1%eth0", False), ("fc00::1", False), ("ff02::1", False),
        ("::ffff:127.0.0.1", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False),
        ("64:ff9b::808:808", True),
    ],
)  # fmt: skip
async def test_what_is_public(address, public):
    assert is_public(address) is public


async def test_one_private_address_of_a_name_is_enough_to_refuse_it(monkeypatch):
    """What the resolver says is the one thing that a test has to stand in for."""

    def answers(*addresses: str):
        async def look(host, port, **_):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look)

    answers("8.8.8.8")
    assert tuple(await resolve("https://carrier.example/x", private=False)) == (
        "carrier.example", "8.8.8.8", 443,
    )  # fmt: skip
    answers("8.8.8.8", "127.0.0.1")
    with pytest.raises(AddressRefusedError):
        await resolve("https://carrier.example/x", private=False)
    answers()
    with pytest.raises(AddressRefusedError):
        await resolve("https://carrier.example/x", private=True)


async def test_a_name_that_leads_to_this_machine_is_refused():
    with pytest.raises(AddressRefusedError):
        await resolve("https://localhost/x", private=False)
    assert (await resolve("http://localhost:81/x", private=True)).port == 81
