"""A day of a carrier's people in a real browser: an uploader and a manager, with and without JavaScript.

With SCREENSHOTS set to a folder, a picture of every page at every width is put there (`make screenshots`).
"""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe

from simcheck.access.roles import Role
from simcheck.desks.portal import uploads
from simcheck.helpdesk import questions
from simcheck.helpdesk.models import Back
from simcheck.helpdesk.questions import Asking
from tests.browsing import a_person, a_site, aside, fresh_home
from tests.building import row
from tests.desking import sit
from tests.holding import national, sent, wrong_name
from tests.running import work
from tests.uploading import file_of

CARRIER = "generic"
FIRST = 500  # the number of the carrier's first subscription
WIDTHS = (390, 1024, 1440)
AXE, PICTURES = Axe(), os.environ.get("SCREENSHOTS")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def site(postgres, keyring, run_folder):
    with a_site(postgres, keyring, fresh_home(run_folder), None, [a_person(at) for at in range(3)]) as made:
        yield made


@pytest.fixture
def file(site, tmp_path) -> Path:
    """A subscriber file of three rows: one agrees, one lost its marks, one has somebody else's name."""
    return a_file(site, tmp_path / "tháng 11.csv", FIRST)


def a_file(site: Any, path: Path, first: int, more: int = 0) -> Path:
    person = site.people[0]
    rows = [
        row(first, person),
        row(first + 1, person, full_name="LE THI BINH"),
        wrong_name(first + 2, person),
    ]
    path.write_bytes(file_of([*rows, *(row(first + 3 + each, person) for each in range(more))]))
    return path


def opened(site: Any, chromium: Any, role: Role, **more: Any) -> Any:
    """A page of a browser in which somebody of the carrier has signed in."""
    context = chromium.new_context(**({"viewport": {"width": 1440, "height": 900}} | more))
    sit(site, context, role, CARRIER)
    page = context.new_page()
    page.set_default_timeout(15_000)
    return page


def heard(page: Any) -> list[str]:
    """What the browser complains of from now on."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: said.type in {"error", "warning"} and complaints.append(said.text))
    return complaints


def look(page: Any, name: str, *, dark: bool = True) -> None:
    """Nothing for axe-core to find in light, colours that can be read in the dark, nothing too wide."""
    schemes = {"light": {"type": "tag", "values": RULES}, "dark": ["color-contrast"]}
    for scheme, only in schemes.items():
        if scheme == "dark" and not (dark or PICTURES):
            continue
        page.emulate_media(color_scheme=scheme)
        if PICTURES and scheme == "dark":
            page.screenshot(path=Path(PICTURES) / f"portal-{name}-dark.png", full_page=True)
        found = AXE.run(page, options={"runOnly": only, "resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{name}, {scheme}: {found.generate_report()}"
    page.emulate_media(color_scheme="light")
    for width in (320, *WIDTHS):
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} wide at {width}"
        if PICTURES and width in WIDTHS:
            page.screenshot(path=Path(PICTURES) / f"portal-{name}-{width}.png", full_page=True)


def at_work(site: Any) -> None:
    """Do the jobs that are due."""
    aside(lambda: site.as_service(work))


def ask(site: Any, text: str, number: int) -> None:
    """Somebody asks about a number of the carrier's."""

    async def asking(service: Any) -> None:
        asked = Asking(text, Back.SMS, f"+84{national(number)}", "vi", uuid.uuid4(), national(number))
        async with service.database.transaction("public", ministry=True) as session:
            await questions.open_question(session, service, asked)

    aside(lambda: site.as_service(asking))


@pytest.mark.slow
def test_before_anything_was_sent_every_page_says_what_to_do(site, chromium):
    page = opened(site, chromium, Role.MANAGER)
    complaints = heard(page)
    page.goto(f"{site.address}/portal")
    look(page, "start")
    names = (
        "batches", "feedback", "cases", "orders", "appeals", "questions", "figures", "systems", "people"
    )  # fmt: skip
    for at, name in enumerate(names):
        page.locator(f".masthead nav li >> nth={at} >> a").click()
        page.wait_for_url(f"**/portal/{name}")
        look(page, f"{name}-empty", dark=False)
        assert name == "people" or page.locator(".empty h2").count() == 1
    for path in ("uploads", "feedback/corrections", "systems/webhooks"):
        page.goto(f"{site.address}/portal/{path}")
        look(page, f"{path.replace('/', '-')}-empty", dark=False)
    assert complaints == []


def test_an_uploader_sends_a_file_and_sees_what_was_wrong(site, chromium, file, tmp_path):
    page = opened(site, chromium, Role.UPLOADER)
    complaints = heard(page)
    page.goto(f"{site.address}/portal/batches")
    page.keyboard.press("u")
    page.wait_for_url("**/portal/uploads")
    empty = tmp_path / "rỗng.csv"
    empty.touch()
    page.set_input_files("#file", [file, empty])
    page.get_by_role("button", name="Nộp", exact=True).click()
    page.locator("[data-part=batch]:visible").wait_for()
    assert "Tệp rỗng" in page.inner_text(".uploads")
    look(page, "uploads-done")
    page.click("[data-part=batch]:visible")
    page.wait_for_url("**/portal/batches/*")
    assert page.inner_text("h1") == "tháng 11.csv"
    look(page, "batch-waiting")
    at_work(site)
    page.get_by_text("Đã đối chiếu xong").wait_for()  # by itself
    assert "Họ tên không phải của người" in page.inner_text("main") or "NAME_DIFFERENT" in page.inner_text(
        "main"
    )
    page.reload()  # the file to be mended may come a moment after the check is told
    look(page, "batch")
    page.get_by_role("link", name="Đến tệp phản hồi").click()
    look(page, "feedback")
    with page.expect_download() as got:
        page.locator("[href*='format=csv'] >> nth=0").click()
    rows = Path(got.value.path()).read_text("utf-8-sig").splitlines()
    assert got.value.suggested_filename.startswith("feedback-")
    assert len(rows) == 3
    while page.get_by_role("button", name=re.compile("Đã nhận đủ")).count():
        page.get_by_role("button", name=re.compile("Đã nhận đủ")).first.click()
        page.get_by_role("status").get_by_text("Đã ghi nhận").wait_for()
    assert page.locator(".empty h2").count() == 1
    page.goto(f"{site.address}/portal/feedback?show=all")
    look(page, "feedback-all")
    page.goto(f"{site.address}/portal/people")
    assert page.inner_text("h1") == "Bạn không có quyền mở trang này"
    assert [each for each in complaints if "403" not in each] == []


def test_a_file_goes_on_where_it_stood_after_a_break_and_a_reload(site, chromium, tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "PIECE_BYTES", 4096)
    large = a_file(site, tmp_path / "lớn.csv", FIRST + 100, more=200)
    page = opened(site, chromium, Role.UPLOADER)
    sent_pieces: list[str] = []

    def meddle(route: Any) -> None:
        """The first piece arrives, the second one is lost."""
        if route.request.method == "PATCH":
            sent_pieces.append(route.request.headers["upload-offset"])
            if len(sent_pieces) == 2:
                route.abort()
                return
        route.continue_()

    page.route("**/portal/uploads/tus/*", meddle)
    page.goto(f"{site.address}/portal/uploads")
    page.set_input_files("#file", large)
    page.get_by_role("button", name="Nộp", exact=True).click()
    page.get_by_text("Mất kết nối, tự thử lại").wait_for()
    page.get_by_role("button", name="Tạm dừng").click()
    page.get_by_role("button", name="Nộp tiếp").wait_for()
    look(page, "uploads-paused")
    page.reload()
    assert "Chọn lại đúng tệp này" in page.inner_text(".uploads")
    look(page, "uploads-begun")
    page.set_input_files("#file", large)
    page.get_by_role("button", name="Nộp", exact=True).click()
    page.locator("[data-part=batch]:visible").wait_for()
    assert sent_pieces[:3] == ["0", "4096", "4096"]
    assert len(set(sent_pieces)) == -(-large.stat().st_size // 4096)
    [begun] = site.owner.execute("SELECT count(*) FROM upload WHERE length = %s", [large.stat().st_size])
    assert begun == (1,)
    at_work(site)
    page.check("#kind-delta")
    page.set_input_files("#file", large)
    page.get_by_role("button", name="Nộp", exact=True).click()
    page.get_by_text("đã được nộp dưới dạng khác").first.wait_for()
    page.get_by_role("button", name="Bỏ tệp này").click()
    assert page.locator(".uploads li").count() == 1


def test_a_manager_answers_and_makes_a_system(site, chromium, tmp_path):
    a_file(site, tmp_path / "a.csv", FIRST + 400)
    plain = opened(site, chromium, Role.MANAGER, java_script_enabled=False)
    send_plainly(site, plain, tmp_path / "a.csv")
    at_work(site)
    ask(site, "Số của tôi bị khóa.\n<b>Tôi</b> phải làm gì?", FIRST + 400)
    page = opened(site, chromium, Role.MANAGER)
    complaints = heard(page)
    page.goto(f"{site.address}/portal/questions")
    look(page, "questions")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/portal/questions/*")
    assert "<b>Tôi</b> phải làm gì?" in page.inner_text(".message")
    look(page, "question")
    page.fill("#text", "Mang thẻ căn cước đến cửa hàng gần nhất.")
    page.check("#close-yes")
    page.get_by_role("button", name="Gửi câu trả lời").click()
    page.get_by_role("status").get_by_text("Đã gửi câu trả lời").wait_for()
    assert any("cửa hàng gần nhất" in each.text for each in sent(site.owner, site.keyring))

    page.goto(f"{site.address}/portal/cases")
    look(page, "cases")
    page.locator("[data-row] a").first.click()
    look(page, "case")
    page.get_by_role("button", name="Gửi trả lời").click()
    assert "Hãy chọn một lý do" in page.inner_text("main")
    look(page, "case-faults")
    page.select_option("#answered-reason", "record_corrected")
    page.get_by_role("button", name="Gửi trả lời").click()
    page.get_by_role("status").get_by_text("Đã gửi trả lời").wait_for()

    page.goto(f"{site.address}/portal/figures")
    look(page, "figures")
    a_system(site, page)
    assert [each for each in complaints if "422" not in each] == []


def a_system(site: Any, page: Any) -> None:
    """Add one, and an address that is tried; an uploader; look at each page."""
    page.goto(f"{site.address}/portal/systems")
    page.fill("#suffix", "nightly")
    page.fill("#name", "Máy chủ nộp tệp")
    page.get_by_label("nộp tệp thuê bao").check()
    page.get_by_role("button", name="Thêm", exact=True).click()
    look(page, "system-secret")
    secret = page.locator(".facts dd >> nth=1").inner_text()
    answer = httpx.post(
        f"{site.address}/oauth/token", data={"grant_type": "client_credentials"},
        auth=("generic-nightly", secret),
    )  # fmt: skip
    assert answer.json()["scope"] == "batches:write"
    page.get_by_role("link", name="Tôi đã cất khóa").click()
    look(page, "system")
    page.goto(f"{site.address}/portal/systems")
    look(page, "systems")
    page.goto(f"{site.address}/portal/systems/webhooks")
    page.fill("#url", "https://carrier.example/simcheck")
    page.get_by_label("Đối chiếu xong một tệp").check()
    page.get_by_role("button", name="Thêm", exact=True).click()
    page.get_by_role("link", name="Tôi đã cất khóa").click()
    page.get_by_role("button", name="Gửi thử").click()
    page.get_by_role("status").get_by_text("Đang gửi thử").wait_for()
    look(page, "webhook")
    page.goto(f"{site.address}/portal/people")
    page.fill("#name", "Lê Bình")
    page.fill("#username", "binh.le")
    page.get_by_role("button", name="Thêm", exact=True).click()
    look(page, "password")
    page.get_by_role("link", name="Tôi đã ghi lại").click()
    look(page, "people")


def send_plainly(site: Any, page: Any, path: Path) -> None:
    """Without JavaScript, in English: one file at once, and a page that is loaded again by hand."""
    page.goto(f"{site.address}/portal/uploads?lang=en")
    page.get_by_role("button", name="Send", exact=True).click()
    assert "Choose a file that is not empty." in page.inner_text(".fault")
    page.set_input_files("#file", path)
    page.get_by_role("button", name="Send", exact=True).click()
    page.wait_for_url("**/portal/batches/*")
    at_work(site)
    page.get_by_role("link", name="Reload the page").click()
    assert "Checked" in page.inner_text(".badge >> nth=0")
    assert "What has to be mended, most frequent first" in page.inner_text("main")
    page.get_by_role("link", name="Go to the feedback file").click()
    page.get_by_role("button", name=re.compile("I have all 2 rows")).first.click()
    assert "Noted" in page.inner_text("[role=status]")
    page.goto(f"{site.address}/portal/people")
    assert page.locator("html").get_attribute("lang") == "en"
