from __future__ import annotations

import pytest
from starlette.requests import Request

from simcheck.web import client


def request_from(host: str | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    return Request({"type": "http", "client": host and (host, 1), "headers": headers})


@pytest.mark.parametrize(
    ("host", "forwarded", "proxies", "address"),
    [
        ("192.0.2.1", ["203.0.113.9"], 0, "192.0.2.1"),
        ("10.0.0.1", ["192.0.2.1"], 1, "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.9, 192.0.2.1"], 1, "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.9", "192.0.2.1, 10.0.0.2"], 2, "192.0.2.1"),
        ("10.0.0.1", [], 1, "unknown"),
        ("10.0.0.1", ["x", ""], 1, "unknown"),
        (None, [], 0, "unknown"),
        ("10.0.0.1", [" 2001:db8::1 "], 1, "2001:db8::1"),
    ],
)
def test_whose_address_it_is(host, forwarded, proxies, address):
    assert client.address(request_from(host, *forwarded), proxies) == address


@pytest.mark.parametrize(
    ("told", "agent"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox, Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/156.0 Mobile Safari/537.36",
            "Chrome, Android",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0",
            "Edge, Windows",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari, iOS"),
        ("curl/8", ""),
        ("<script>alert(1)</script> 0912345678", ""),
        ("", ""),
    ],
)
def test_what_kind_of_browser_it_is_in_words_of_ours(told, agent):
    assert client.agent(Request({"type": "http", "headers": [(b"user-agent", told.encode())]})) == agent
