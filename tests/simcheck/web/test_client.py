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
