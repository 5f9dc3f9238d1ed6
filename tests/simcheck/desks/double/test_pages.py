from __future__ import annotations

from dataclasses import replace

import pytest

from jobs import review as jobs
from simcheck.access.roles import Role
from simcheck.desks.double import agreement
from simcheck.review import claim, decide
from simcheck.review.decide import Choice
from tests.desking import at_desk
from tests.reviewing import acting, one_case

pytestmark = pytest.mark.anyio


@pytest.fixture
async def decided(app, owner, monkeypatch):
    """A case that `reviewer` closed, and that was drawn."""
    held = app.state.service
    settings = held.settings.model_copy(update={"double_per_mille": 1000, "undo_seconds": 0.0})
    service = replace(held, settings=settings)
    monkeypatch.setattr(app.state, "service", service)
    case = one_case(owner, answer="disowned")
    await acting(service, "reviewer", lambda s: claim.claim(s, service.settings, case, "reviewer"))
    choice = Choice("close", "duplicate", 1)
    await acting(service, "reviewer", lambda s: decide.decide(s, service, case, "reviewer", choice))
    await jobs.bind_due(service)
    return case


async def test_judged_blind_and_settled_by_a_third(app, decided, owner):
    async with (
        at_desk(app, Role.REVIEWER) as first, at_desk(app, Role.REVIEWER, name="chi") as second,
        at_desk(app, Role.SUPERVISOR) as supervisor,
    ):  # fmt: skip
        assert "Không có hồ sơ nào chờ" in (await first.get("/desk/double")).text
        assert (await first.send("/desk/double/next")).headers["location"] == "/desk/double"
        assert "Lấy hồ sơ tiếp theo" in (await second.get("/desk/double")).text
        at = (await second.send("/desk/double/next")).headers["location"]
        page = (await second.get(at)).text
        assert "Họ tên là của người khác." in page
        assert "Nói không phải số của mình" in page
        for leak in ("reviewer", "Trùng với hồ sơ khác</li>", str(decided), "Đã đóng"):
            assert leak not in page, leak
        assert (await first.get(at)).status_code == 409
        assert (await first.send(f"{at}/clear")).status_code == 409
        assert (await second.send(f"{at}/clear")).status_code == 200
        assert (await second.send(at, {"choice": "hold.court"})).status_code == 422
        answer = await second.send(at, {"choice": "suspend.fraud_suspected", "note": "khác"})
        assert answer.headers["location"] == "/desk/double"
        assert "Đã ghi đánh giá." in (await second.get("/desk/double")).text
        assert (await second.get("/desk/double/apart")).status_code == 403
        page = (await supervisor.get("/desk/double/apart")).text
        assert str(decided) in page
        assert "Nghi lừa đảo" in page
        assert (await supervisor.send(f"{at}/settle", {"right": "both"})).status_code == 400
        assert (await supervisor.send(f"{at}/settle", {"right": "first"})).status_code == 303
        assert "chờ phân xử" in (await supervisor.get("/desk/double/apart")).text
        for by in (*agreement.By, "nonsense"):
            page = (await supervisor.get(f"/desk/agreement?by={by}")).text
            assert "0,00" in page
    assert owner.execute("SELECT right_one FROM double_review").fetchone() == ("first",)


async def test_an_analyst_sees_figures_and_no_case(app):
    async with at_desk(app, Role.ANALYST) as desk:
        assert "Chưa có hồ sơ nào" in (await desk.get("/desk/agreement")).text
        assert (await desk.get("/desk/double")).status_code == 403
