from __future__ import annotations

import re

import pytest

from simcheck.access.roles import Role
from tests.desking import account

pytestmark = pytest.mark.anyio
PAGE = "/portal/people"
NEW = {"username": "Binh.Le", "name": "Lê Bình", "email": "binh@carrier.example"}
SCRIPT = "<script>alert(1)</script>"


async def test_an_uploader_is_added_with_a_password_for_the_first_sign_in(manager, owner):
    answer = await manager.send(PAGE, NEW)
    assert answer.status_code == 200
    assert re.search(r"<dt>Mật khẩu</dt><dd>[a-z2-9-]{16,}</dd>", answer.text)
    found = owner.execute("SELECT carrier, roles, must_change FROM person WHERE username = 'binh.le'")
    assert found.fetchone() == ("viettel", ["uploader"], True)
    page = (await manager.get(PAGE)).text
    assert "Lê Bình" in page
    assert "binh@carrier.example" in page


async def test_what_is_wrong_with_a_form_is_told(manager):
    await manager.send(PAGE, NEW)
    for changed, status, words in (
        ({"username": "1x"}, 422, "Dùng 2 đến 64"), ({"name": ""}, 422, "Hãy ghi họ và tên"),
        ({}, 409, "Tên này đã có người dùng"), ({"username": "x.y", "email": "x"}, 422, "email không dùng"),
    ):  # fmt: skip
        answer = await manager.send(PAGE, NEW | changed)
        assert (answer.status_code, words in answer.text) == (status, True), changed
    await manager.send(PAGE, NEW | {"username": "x.z", "name": SCRIPT})
    assert SCRIPT not in (await manager.get(PAGE)).text


async def test_an_account_is_shut_and_its_sessions_end(manager, uploader):
    path = f"{PAGE}/uploader-viettel"
    assert (await manager.send(f"{path}/disable")).status_code == 303
    assert (await uploader.get("/portal/batches")).status_code == 303  # to sign in
    assert "Đã khóa" in (await manager.get(PAGE)).text
    assert (await manager.send(f"{path}/enable")).status_code == 303
    assert "Mật khẩu lần đầu" in (await manager.send(f"{path}/reset")).text


async def test_managers_and_others_people_are_not_a_managers_to_change(
    app, manager, stranger, service, owner
):
    await account(service, Role.MANAGER, name="second.manager")
    await account(service, Role.ADMINISTRATOR)
    for username, status in (
        ("second.manager", 403), ("manager-viettel", 403), ("manager-mobifone", 404), ("administrator", 404),
        ("nobody", 404), ("x%0d%0aa", 404),
    ):  # fmt: skip
        for act in ("disable", "enable", "reset"):
            answer = await manager.send(f"{PAGE}/{username}/{act}")
            assert answer.status_code == status, (username, act)
    assert owner.execute("SELECT count(*) FROM person WHERE disabled_at IS NOT NULL").fetchone() == (0,)
    page = (await manager.get(PAGE)).text
    assert "second.manager" in page
    assert "mobifone" not in page
    assert "administrator" not in page
    assert (await manager.http.post(PAGE, data=NEW)).status_code == 403


async def test_nobody_becomes_more_than_an_uploader(manager, uploader, owner):
    await manager.send(PAGE, NEW | {"roles": "manager", "role": "administrator", "carrier": "mobifone"})
    found = owner.execute("SELECT carrier, roles FROM person WHERE username = 'binh.le'").fetchone()
    assert found == ("viettel", ["uploader"])
    assert (await uploader.get(PAGE)).status_code == 403
    assert (await uploader.send(PAGE, NEW)).status_code == 403
