"""A real OpenID Connect provider for tests, on loopback: `identities` is a fixture of every test."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest


@dataclass(frozen=True)
class Identities:
    """The provider, and the people whom it knows."""

    issuer: str

    def add(self, who: str, **claims: str) -> None:
        """Let somebody be known there, with these claims."""
        put = httpx.put(f"{self.issuer}/users/{who}", json=claims, trust_env=False)
        assert put.status_code == 204, put.text


@pytest.fixture
def identities() -> Iterator[Identities]:
    """The provider, running."""
    with provider() as running:
        yield running


@contextmanager
def provider() -> Iterator[Identities]:
    """The provider, inside the block."""
    with warnings.catch_warnings():  # the provider is built on modules that are to go
        import authlib.deprecate  # noqa: F401  (which lets its own warnings through)

        warnings.simplefilter("ignore")
        from oidc_provider_mock import run_server_in_thread

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with run_server_in_thread(require_nonce=True) as server:
        yield Identities(f"http://localhost:{server.server_port}")
