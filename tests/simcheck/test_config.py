from __future__ import annotations

import pytest

from simcheck.config import settings
from simcheck.errors import SettingsError


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    import os

    for name in list(os.environ):
        if name.startswith("SIMCHECK_"):
            monkeypatch.delenv(name)


def test_nothing_has_to_be_set():
    read = settings()
    assert str(read.home) == ".simcheck"
    assert read.database_url is None
    assert read.host_and_port == ("127.0.0.1", 8080)
    assert read.keys_path.as_posix() == ".simcheck/keys.json"


def test_every_fault_is_named_at_once_without_its_value(monkeypatch):
    faulty = {
        "SIMCHECK_LISTEN": "everywhere",
        "SIMCHECK_DATABASE_URL": "mysql://root:secret@db/x",
        "SIMCHECK_TOKEN_SECONDS": "a-week",
        "SIMCHECK_DATABSE_CONNECTIONS": "5",
    }
    for name, value in faulty.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        settings()
    lines = raised.value.lines
    assert len(lines) == len(faulty)
    for name, value in faulty.items():
        assert [line for line in lines if line.startswith(f"{name}: ")], name
        assert value not in str(raised.value)
    assert "HOST:PORT" in str(raised.value)


def test_secrets_do_not_show(monkeypatch):
    monkeypatch.setenv("SIMCHECK_DATABASE_URL", "postgresql://simcheck:hush@db/simcheck")
    monkeypatch.setenv("SIMCHECK_KEYS", '{"data": "hush"}')
    assert "hush" not in repr(settings())


def test_a_provider_is_spoken_to_safely_and_with_our_name(monkeypatch):
    monkeypatch.setenv("SIMCHECK_OIDC_ISSUER", "https://id.example.vn")
    with pytest.raises(SettingsError) as raised:
        settings()
    assert [line.partition(":")[0] for line in raised.value.lines] == [
        "SIMCHECK_OIDC_CLIENT_ID", "SIMCHECK_OIDC_CLIENT_SECRET",
    ]  # fmt: skip
    monkeypatch.setenv("SIMCHECK_OIDC_CLIENT_ID", "simcheck")
    monkeypatch.setenv("SIMCHECK_OIDC_CLIENT_SECRET", "secret")
    assert settings().oidc_client_id == "simcheck"
    monkeypatch.setenv("SIMCHECK_OIDC_ISSUER", "http://id.example.vn")
    with pytest.raises(SettingsError) as raised:
        settings()
    assert raised.value.lines == ("SIMCHECK_OIDC_ISSUER: write https://…",)


def test_somebody_can_always_sign_in_at_the_desks(monkeypatch):
    monkeypatch.setenv("SIMCHECK_STAFF_LOCAL", "false")
    with pytest.raises(SettingsError) as raised:
        settings()
    assert raised.value.lines == (
        "SIMCHECK_STAFF_LOCAL: without SIMCHECK_STAFF_OIDC_ISSUER nobody could sign in at the desks",
    )
    monkeypatch.setenv("SIMCHECK_STAFF_OIDC_ISSUER", "https://id.example.vn")
    with pytest.raises(SettingsError) as raised:
        settings()
    assert len(raised.value.lines) == 2  # the client's id and secret
    monkeypatch.setenv("SIMCHECK_STAFF_OIDC_CLIENT_ID", "desks")
    monkeypatch.setenv("SIMCHECK_STAFF_OIDC_CLIENT_SECRET", "secret")
    assert not settings().staff_local


def test_an_empty_variable_is_as_if_it_were_not_set(monkeypatch):
    monkeypatch.setenv("SIMCHECK_DATABASE_URL", "")
    assert settings().database_url is None


def test_an_ipv6_address(monkeypatch):
    monkeypatch.setenv("SIMCHECK_LISTEN", "[::1]:80")
    assert settings().host_and_port == ("::1", 80)
