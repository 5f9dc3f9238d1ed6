"""A walk through every page, as a holder goes it: with a keyboard and a mouse, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.browsing import ROWS_EACH, Site


def prove(site: Site, page: Any, number: int, prefix: str = "") -> Iterator[str]:
    """From the start page to the record of a subscription."""
    page.goto(f"{site.address}{prefix}/")
    page.fill("#code", site.code(number).lower())
    page.fill("#number", f"0{900_000_000 + number}")
    page.click("main button")
    yield "code"
    page.fill("#digits", "000 000")
    page.click("main button")
    yield "code-wrong"
    page.fill("#digits", site.digits())
    page.click("main button")
    page.wait_for_url("**/record")


def fill(page: Any, id_number: str, full_name: str, born: str) -> None:
    """The form of a correction."""
    page.fill("#id_number", id_number)
    page.fill("#full_name", full_name)
    for name, value in zip(("day", "month", "year"), born.split("/"), strict=True):
        page.fill(f"#{name}", value)


def of_a_number(site: Site, page: Any, at: int, prefix: str = "") -> Iterator[str]:
    """Correct one number, disown another, be wrong about a third; `at` says which of the people walks."""
    person, first = site.people[at], at * ROWS_EACH
    born = "/".join(reversed(person.date_of_birth.split("-")))
    page.goto(f"{site.address}{prefix}/")
    yield "start"
    page.click("main button")
    yield "start-faults"
    yield from prove(site, page, first, prefix)
    yield "record"
    page.click("a[href$='/record/correct']")
    yield "correct"
    fill(page, "12345", "An 2", "31/2/1988")
    page.click("main form button")
    yield "correct-faults"
    fill(page, person.id_number, "Lê Thị Bình", born)
    page.click("main form button")
    yield "preview"
    page.click("button[name=change]")
    assert page.input_value("#full_name") == "Lê Thị Bình"
    page.click("main form button")
    page.click("form[action$='/send'] button")
    page.wait_for_url("**/record/done")
    yield "done-agrees"
    page.click("main .choices a >> nth=0")
    yield "record-agrees"
    yield from prove(site, page, first + 1, prefix)
    page.click("a[href$='/not-mine']")
    yield "not-mine"
    page.click("main form button")
    yield "done-disowned"
    yield from prove(site, page, first + 3, prefix)
    page.click("a[href$='/record/correct']")
    fill(page, person.id_number, "Trần Thị Khác", born)
    page.click("main form button")
    page.click("form[action$='/send'] button")
    yield "done-differs"
    page.click("main .choices a >> nth=0")
    yield "record-with-staff"
    page.goto(f"{site.address}{prefix}/data")
    yield "data"
    page.click("main form button")
    yield "data-faults"
    page.check("#kind-erase")
    page.click("main form button")
    yield "data-one"
    page.click(".leave button")
    page.wait_for_url(f"**{prefix}/")


def of_a_person(site: Site, page: Any, at: int, prefix: str = "") -> Iterator[str]:
    """Sign in, confirm a number, disown another."""
    page.goto(f"{site.address}{prefix}/my")
    yield "my-start"
    page.click("a[href$='/my/sign-in']")
    page.fill("input[name=sub]", f"person-{at}")
    page.click("button:text-is('Authorize')")
    page.wait_for_url(f"{site.address}{prefix}/my")
    yield "my"
    page.click("form[action$='/confirm'] button >> nth=0")
    yield "my-confirmed"
    page.click("a[href$='/not-mine'] >> nth=-1")
    yield "my-not-mine"
    page.click("main form button")
    yield "my-disowned"
    page.click(".leave button")


def of_a_question(site: Site, page: Any, at: int, prefix: str = "") -> Iterator[str]:
    """Ask, and look how far it is."""
    page.goto(f"{site.address}{prefix}/help")
    yield "help"
    page.click("main form button >> nth=0")
    yield "help-faults"
    page.fill("#text", "Số của tôi bị khóa.\nTôi phải làm gì?")
    page.fill("#number", f"0{900_000_000 + at * ROWS_EACH}")
    page.click("main form button >> nth=0")
    yield "question-asked"
    page.click("main p a")
    page.fill("#question", "H-000001-2")
    page.click("form[action$='/look'] button")
    yield "help-look-faults"


def aside_of_the_way(site: Site, page: Any, prefix: str = "") -> Iterator[str]:
    """What is seldom seen."""
    seldom = {
        "/privacy": "privacy",
        "/data": "data-start",
        "/nowhere": "trouble",
        "/record": "trouble-signed-out",
    }
    for path, name in seldom.items():
        page.goto(site.address + prefix + path)
        yield name


def everywhere(site: Site, page: Any, at: int, prefix: str = "") -> Iterator[str]:
    """Every page, once."""
    yield from of_a_number(site, page, at, prefix)
    yield from of_a_person(site, page, at, prefix)
    yield from of_a_question(site, page, at, prefix)
    yield from aside_of_the_way(site, page, prefix)
