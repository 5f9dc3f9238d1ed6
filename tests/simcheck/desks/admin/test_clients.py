"""Client systems as the ministry keeps them."""

from __future__ import annotations

import json

import pytest
from joserfc.jwk import OKPKey

from simcheck.access import clients
from simcheck.access.clients import Proof
from simcheck.errors import NotAuthenticatedError
from tests.simcheck.desks.admin.test_people import EVIL, drawn

pytestmark = pytest.mark.anyio
NEW = {"id": "viettel-upload", "carrier": "viettel", "scope_batches:write": "yes", "rate": "2,5"}
KEY = OKPKey.generate_key("Ed25519", {"kid": "a"})
PUBLIC = json.dumps({"keys": [KEY.as_dict(private=False)]})


async def is_good(service, client: str, secret: str) -> bool:
    async with service.database.transaction("guard", ministry=True) as session:
        try:
            await clients.authenticate(session, Proof(client, secret), ["x"])
        except NotAuthenticatedError:
            return False
        return True


async def test_a_client_from_its_first_secret_to_its_end(admin, service, owner):
    assert "There is no client" in (await admin.get("/desk/clients")).text
    first = drawn(await admin.send("/desk/clients/_add", NEW))
    assert await is_good(service, "viettel-upload", first)
    assert first not in (await admin.get("/desk/clients/viettel-upload")).text
    second = drawn(await admin.send("/desk/clients/viettel-upload/rotate"))
    assert [await is_good(service, "viettel-upload", each) for each in (first, second)] == [False, True]
    fields = {"scope_batches:read": "yes", "scope_webhooks": "yes", "rate": ""}
    assert (await admin.send("/desk/clients/viettel-upload/change", fields)).status_code == 303
    row = owner.execute("SELECT scopes, rate FROM client").fetchone()
    assert row == (["batches:read", "webhooks"], None)
    assert (await admin.send("/desk/clients/viettel-upload/revoke")).status_code == 303
    assert not await is_good(service, "viettel-upload", second)
    assert ">viettel-upload<" not in (await admin.get("/desk/clients")).text
    assert "viettel-upload" in (await admin.get("/desk/clients?state=all")).text
    for path, fields in (("rotate", {}), ("change", NEW)):
        assert (await admin.send(f"/desk/clients/viettel-upload/{path}", fields)).status_code == 409
    assert (await admin.send("/desk/clients/viettel-upload/revoke")).status_code == 404
    said = owner.execute("SELECT act FROM audit WHERE subject = 'client/viettel-upload' ORDER BY at")
    assert [row[0].partition(".")[2] for row in said] == ["added", "rotated", "changed", "revoked"]


async def test_public_keys_in_place_of_a_secret(admin, service, owner):
    answer = await admin.send("/desk/clients/_add", NEW | {"keys": PUBLIC})
    assert answer.status_code == 303
    assert owner.execute("SELECT secret_hash, public_keys IS NULL FROM client").fetchone() == (None, False)
    drawn(await admin.send("/desk/clients/viettel-upload/rotate"))
    assert owner.execute("SELECT public_keys IS NULL FROM client").fetchone() == (True,)
    answer = await admin.send("/desk/clients/viettel-upload/rotate", {"keys": PUBLIC})
    assert answer.status_code == 303
    private = json.dumps({"keys": [KEY.as_dict(private=True)]})
    for wrong in (private, "[]", "{", '{"keys": []}', "[" * 9_000):
        for path in ("/desk/clients/viettel-upload/rotate", "/desk/clients/_add"):
            page = await admin.send(path, NEW | {"keys": wrong, "id": "another"})
            assert page.status_code == 422, (path, wrong[:10])
            assert 'id="keys-fault"' in page.text


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"id": "X y"}, "id"), ({"id": "../x"}, "id"), ({"name": "x" * 101}, "name"),
        ({"rate": "0"}, "rate"), ({"rate": "nan"}, "rate"), ({"rate": "1e9"}, "rate"),
        ({"scope_batches:write": "no"}, "scopes"), ({"scope_otp-checks": "yes"}, "scopes"),
        ({"carrier": ""}, "scopes"), ({"carrier": "nowhere"}, "carrier"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_told_at_its_field(admin, owner, fields, fault):
    page = await admin.send("/desk/clients/_add", NEW | fields)
    assert page.status_code == 422
    assert f'id="{fault}-fault"' in page.text
    assert owner.execute("SELECT count(*) FROM client").fetchone() == (0,)


async def test_lists_and_escapes(admin):
    await admin.send("/desk/clients/_add", NEW | {"name": EVIL})
    other = {"id": "bank", "scope_otp-checks": "yes"}
    drawn(await admin.send("/desk/clients/_add", other))
    assert (await admin.send("/desk/clients/_add", other)).status_code == 409
    found = {
        query: [name in (await admin.get(f"/desk/clients?{query}")).text.partition("<main")[2]
                for name in (">viettel-upload<", ">bank<")]
        for query in ("", "whose=viettel", "whose=services", "whose=itel")
    }  # fmt: skip
    assert list(found.values()) == [[True, True], [True, False], [False, True], [False, False]]
    for path in ("/desk/clients", "/desk/clients/viettel-upload"):
        assert EVIL not in (await admin.get(path)).text
    assert (await admin.get("/desk/clients/nobody")).status_code == 404
