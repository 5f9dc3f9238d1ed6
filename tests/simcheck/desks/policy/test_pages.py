from __future__ import annotations

import pytest

from simcheck.access.roles import Role
from simcheck.enforcement import policy
from tests.desking import at_desk

pytestmark = pytest.mark.anyio
AT = "/desk/policy"
TEXT = policy.shipped()


async def test_from_a_text_to_a_policy_in_force(app):
    async with (
        at_desk(app, Role.SUPERVISOR) as desk,
        at_desk(app, Role.ADMINISTRATOR) as other,
        at_desk(app, Role.AUDITOR) as auditor,
    ):
        page = await desk.get(AT)
        assert "Chưa có chính sách nào có hiệu lực" in page.text
        assert "D163_2024" in page.text  # the text to begin with
        assert "<textarea" not in (await auditor.get(AT)).text
        wrong = await desk.send(f"{AT}?lang=en", {"text": TEXT.replace("after = 15", "after = 0", 1)})
        assert wrong.status_code == 422
        assert "it has to be from 1" in wrong.text
        kept = await desk.send(AT, {"text": TEXT.replace("\n", "\r\n")})
        at = kept.headers["location"]
        assert at == f"{AT}/2026.11.1"
        page = await desk.get(f"{at}?lang=en")
        for words in ("somebody else has to approve", "60 days from one-way suspension", "nothing follows"):
            assert words in page.text, words
        assert f"{at}/approve" not in page.text
        refused = await desk.send(f"{at}/approve")
        assert refused.status_code == 403
        assert (await auditor.send(f"{at}/approve")).status_code == 403
        assert (await other.send(f"{at}/approve")).headers["location"] == at
        assert "Đang có hiệu lực" in (await auditor.get(at)).text
        assert (await desk.send(f"{at}/withdraw")).status_code == 409
        again = await desk.send(AT, {"text": TEXT.replace("after = 15", "after = 16", 1)})
        assert again.status_code == 422
        draft = TEXT.replace("2026.11.1", "later").replace(
            "valid_from = 2026-11-23", "valid_from = 2090-01-01"
        )
        assert (await desk.send(AT, {"text": draft})).status_code == 303
        assert (await desk.send(f"{AT}/later/withdraw")).status_code == 303
        assert "Withdrawn" in (await desk.get(AT)).text
