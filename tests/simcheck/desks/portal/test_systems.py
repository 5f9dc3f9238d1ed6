from __future__ import annotations

import json
import re

import pytest
from joserfc.jwk import ECKey

from tests.holding import acts

pytestmark = pytest.mark.anyio
PAGE = "/portal/systems"
NEW = {"suffix": "nightly", "name": "Máy chủ nộp tệp", "scope-batches:write": "yes"}
SCRIPT = '"><script>alert(1)</script>'


def secret_in(answer) -> str:
    assert answer.status_code == 200, answer.text
    return re.search(r"<dt>Khóa bí mật</dt><dd>([\w-]{43})</dd>", answer.text)[1]


async def token(http, client, secret):
    form = {"grant_type": "client_credentials"}
    return await http.post("/oauth/token", data=form, auth=(client, secret))


@pytest.fixture
async def secret(manager):
    """The secret of a new system, viettel-nightly."""
    return secret_in(await manager.send(PAGE, NEW))


async def test_before_the_first_system_the_page_says_what_to_do(manager):
    page = (await manager.get(PAGE)).text
    assert "Chưa có hệ thống nào" in page
    assert "></textarea>" in page


async def test_a_new_system_gets_its_token_and_its_secret_is_shown_once(manager, http, secret, owner):
    answer = await token(http, "viettel-nightly", secret)
    assert answer.json()["scope"] == "batches:write"
    assert secret not in (await manager.get(PAGE)).text + (await manager.get(f"{PAGE}/viettel-nightly")).text
    assert owner.execute("SELECT carrier FROM client").fetchall() == [("viettel",)]


async def test_a_new_key_takes_the_place_of_the_old(manager, http, secret):
    new = secret_in(await manager.send(f"{PAGE}/viettel-nightly/rotate"))
    assert (await token(http, "viettel-nightly", secret)).status_code == 401
    assert (await token(http, "viettel-nightly", new)).status_code == 200


async def test_scopes_are_changed_and_a_system_is_switched_off(manager, http, secret, owner):
    path = f"{PAGE}/viettel-nightly"
    done = await manager.send(f"{path}/scopes", {"scope-feedback:read": "yes", "scope-otp-checks": "yes"})
    assert done.status_code == 303
    assert (await token(http, "viettel-nightly", secret)).json()["scope"] == "feedback:read"
    assert (await manager.send(f"{path}/scopes")).status_code == 422
    assert (await manager.send(f"{path}/end")).status_code == 303
    assert (await token(http, "viettel-nightly", secret)).status_code == 401
    assert "Đã tắt" in (await manager.get(path)).text
    assert (await manager.send(f"{path}/rotate")).status_code == 409
    assert [each for each in acts(owner) if each.startswith("client.")] == [
        "client.added", "client.changed", "client.revoked",
    ]  # fmt: skip


async def test_a_system_may_have_public_keys_of_its_own(manager, owner):
    key = ECKey.generate_key("P-256")
    for wrong in ("{", "[1]", json.dumps({"keys": [key.as_dict(private=True)]})):
        answer = await manager.send(PAGE, NEW | {"keys": wrong})
        assert (answer.status_code, "Không đọc được bộ khóa" in answer.text) == (422, True)
    public = json.dumps({"keys": [key.as_dict(private=False)]})
    assert (await manager.send(PAGE, NEW | {"keys": public})).status_code == 303
    assert "Khóa công khai riêng" in (await manager.get(f"{PAGE}/viettel-nightly")).text
    secret_in(await manager.send(f"{PAGE}/viettel-nightly/rotate"))
    assert owner.execute("SELECT public_keys FROM client").fetchone() == (None,)


async def test_what_is_wrong_with_a_form_is_told(manager, secret):
    for changed, status, words in (
        ({"suffix": ""}, 422, "Dùng chữ a–z"), ({"suffix": SCRIPT}, 422, "Dùng chữ a–z"),
        ({"suffix": "x1234567"}, 422, "không có 7 chữ số"), ({"name": ""}, 422, "Hãy ghi tên"),
        ({"scope-batches:write": ""}, 422, "Hãy chọn ít nhất một quyền"), ({}, 409, "Mã này đã có"),
    ):  # fmt: skip
        answer = await manager.send(PAGE, NEW | changed)
        assert (answer.status_code, words in answer.text) == (status, True), changed
        assert "<script>alert" not in answer.text


async def test_names_are_shown_as_names(manager):
    secret_in(await manager.send(PAGE, NEW | {"name": SCRIPT}))
    for path in (PAGE, f"{PAGE}/viettel-nightly"):
        assert "<script>alert" not in (await manager.get(path)).text


async def test_another_carriers_system_is_not_there(manager, stranger, uploader, http, secret):
    path = f"{PAGE}/viettel-nightly"
    assert (await stranger.get(path)).status_code == 404
    for act in ("scopes", "rotate", "end"):
        answer = await stranger.send(f"{path}/{act}", {"scope-webhooks": "yes"})
        assert answer.status_code == 404, act
        assert (await manager.http.post(f"{path}/{act}", data={"a": "b"})).status_code == 403, act
    assert (await token(http, "viettel-nightly", secret)).status_code == 200
    assert (await uploader.get(PAGE)).status_code == 403
