"""A carrier's people fetch an order's file, acknowledge it, and send it back filled in."""

from __future__ import annotations

import gzip

import pytest

from simcheck import clock
from simcheck.access.roles import Role
from tests.desking import at_desk
from tests.ordering import NOON, a_wrong_country, batches, ordered, sent, states

pytestmark = pytest.mark.anyio


async def test_an_order_is_fetched_acknowledged_and_sent_back(app, service, owner, tmp_path):
    with clock.fixed(NOON):
        await a_wrong_country(service, tmp_path)
        order = await ordered(service, owner, 2)
        async with at_desk(app, Role.MANAGER) as desk, at_desk(app, Role.MANAGER, "mobifone") as other:
            at = f"/portal/orders/{order}"
            assert "Không có lệnh nào" in (await other.get("/portal/orders")).text
            assert (await other.get(at)).status_code == 404
            assert at in (await desk.get("/portal/orders")).text
            assert "Xác nhận đã nhận 2 dòng" in (await desk.get(at)).text
            file = await desk.get(f"{at}/file")
            text = gzip.decompress(file.content).decode()
            assert (await desk.send(f"{at}/acknowledge", {"rows": "3"})).status_code == 409
            assert (await desk.send(f"{at}/acknowledge", {"rows": "2"})).status_code == 303
            assert batches(owner)[0].state == "acknowledged"
            header, first, second = text.splitlines()
            back = "\n".join([header, f"{first.removesuffix(';;')};Đã thực hiện;", f"{second}", ""])
            token = {"form_token": await desk.form_token()}
            bad = await desk.http.post(f"{at}/outcomes", data=token, files={"file": ("a.csv", b"")})
            assert bad.status_code == 400
            assert "Hãy chọn tệp" in bad.text
            files = {"file": ("a.csv", back.encode())}
            assert (await desk.http.post(f"{at}/outcomes", data=token, files=files)).status_code == 303
            assert "Đang đọc" in (await desk.get(at)).text
            await sent(service)
            assert states(owner, order) == [("done", "done"), ("sent", None)]
            page = await desk.get(f"{at}?lang=en")
            assert "Read" in page.text
            assert (await desk.get("/portal/orders?show=all")).status_code == 200
