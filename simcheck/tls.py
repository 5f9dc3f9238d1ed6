"""Who vouches for the servers that we call."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def trusted() -> ssl.SSLContext:
    """The authorities that httpx trusts; read once, where it would read them for every client."""
    return httpx.create_ssl_context(trust_env=False)
