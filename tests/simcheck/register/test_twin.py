from __future__ import annotations

import httpx
import pytest

from simcheck.register.importing import import_register
from simcheck.register.twin import Certificates, application, serving
from simcheck.register.wire import PATH
from tests.building import AS_OF, citizen, register

AN = citizen(1, "Trần An", old_id_number="012345678")
BINH = citizen(2, "Lê Bình", "1991-06", status="deceased")


@pytest.fixture
def url(tmp_path, store, keyring):
    path = register(tmp_path / "r.csv", [AN, BINH, citizen(3, "Lý Chi")])
    sealed = import_register(store, keyring, path, AS_OF, 1, 4)
    with serving(application(sealed)) as url:
        yield url


def test_only_who_was_asked_for_leaves(url):
    asked = {"numbers": ["012345678", BINH.id_number, "001090999999"]}
    reply = httpx.post(url + PATH, json=asked, trust_env=False)
    assert reply.status_code == 200
    assert reply.json() == {
        "id_number": [AN.id_number, BINH.id_number],
        "full_name": ["Trần An", "Lê Bình"],
        "date_of_birth": ["1990-05-25", "1991-06"],
        "status": ["active", "deceased"],
        "old_id_number": ["012345678", None],
        "previous_id_number": [None, None],
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"numbers": ["1"]}', 400),
        (b'{"numbers": [], "all": true}', 400),
        (b" " * (65 << 10), 413),
    ],
)
def test_an_odd_question_is_refused_without_a_word(url, body, status):
    reply = httpx.post(url + PATH, content=body, trust_env=False)
    assert (reply.status_code, reply.content) == (status, b"")


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/v1/citizens"])
def test_there_is_nothing_else(url, path):
    assert httpx.get(url + path, trust_env=False).status_code == 404
    assert httpx.get(url + PATH, trust_env=False).status_code == 405


def test_certificates_that_cannot_be_used(tmp_path):
    (tmp_path / "x.pem").write_bytes(b"no certificate")
    with pytest.raises(OSError), serving(None, Certificates(*[tmp_path / "x.pem"] * 3)):  # noqa: PT011
        pass


def test_it_ends_when_the_block_ends(tmp_path):
    async def nothing(scope, receive, send):
        pass

    with serving(nothing) as url:
        pass
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
