"""Holders hear of a wrong record and answer, each their own way, through everything as it runs: a server, a
worker, a sender with a real SMPP session and a real SMTP dialogue, and the twins that show what arrived.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from simcheck.commands.demo_holder import Browser, Inbox
from simcheck.notices.policy import at_any_hour, shipped
from tests.building import Citizen, citizen
from tests.living import Country, running, soon

BINH = citizen(2, "Lê Thị Bình", "1988-02-03", "F")
CHI = citizen(3, "Đặng Ngọc Chi", "1975-11-30", "F")
DUNG = citizen(4, "Hoàng Đình Dũng", "2001-07-07")
OANH = citizen(5, "Phạm Thị Oanh", "1969-04-12", "F")
PEOPLE = (BINH, CHI, DUNG, OANH)
NUMBERS = {BINH: "+84900000001", CHI: "+84900000002", DUNG: "+84900000003", OANH: "+84900000004"}
EMAIL = "oanh@example.vn"

CODE = re.compile(r"\b([2-9A-HJKMNP-Z]{5}-[2-9A-HJKMNP-Z]{5})\b")
DIGITS = re.compile(r"\b(\d{6})\b")
COLUMNS = "msisdn,id_number,full_name,date_of_birth,gender,id_type,activated_on,email,status,row_ref"
STATES = 'SELECT state, close_reason, decision FROM "case" WHERE code = %s'


def declared(holder: Citizen, **changed: str) -> str:
    """A line of the carrier's file; as the register has it but for what is `changed`."""
    cells = {
        "msisdn": NUMBERS[holder], "id_number": holder.id_number, "full_name": holder.full_name,
        "date_of_birth": holder.date_of_birth, "gender": holder.gender, "id_type": "cccd",
        "activated_on": "2020-01-01", "email": "", "status": "active", "row_ref": NUMBERS[holder][-4:],
    }  # fmt: skip
    return ",".join((cells | changed).values())


WRONG = [
    declared(BINH, date_of_birth="1988-12-03"),
    declared(CHI, full_name="Nguyễn Hữu Sai"),
    declared(DUNG, full_name="Trần Văn Khác"),
    declared(OANH, date_of_birth="1969-04-21", email=EMAIL, status="khoá hai chiều"),
]


class Service(Country):
    """The processes, and the twins that take what is sent."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        self.ports = dict(
            zip(("smsc", "smtp", "page"), (each.getsockname()[1] for each in held), strict=True)
        )
        for each in held:
            each.close()
        policy = folder / "policy.toml"
        policy.write_text(at_any_hour(shipped()), "utf-8")
        link = {
            "name": "twin",
            "host": "127.0.0.1",
            "port": self.ports["smsc"],
            "system_id": "t",
            "source": "1414",
        }
        mail = {"host": "127.0.0.1", "port": self.ports["smtp"], "tls": "none", "from": "us@simcheck.example"}
        super().__init__(
            environment, SIMCHECK_SMS_LINKS=json.dumps([link]), SIMCHECK_MAIL=json.dumps(mail),
            SIMCHECK_NOTICES_POLICY=str(policy),
        )  # fmt: skip
        self.folder, self.inbox = folder, Inbox(f"http://127.0.0.1:{self.ports['page']}")

    def begin(self) -> None:
        """Start every process, with a register and one carrier's client."""
        register = self.folder / "citizens.csv"
        lines = [",".join(str(cell or "") for cell in each) for each in PEOPLE]
        register.write_text("\n".join([",".join(Citizen._fields), *lines]) + "\n", "utf-8")
        self.call("register", "import", str(register), "--quiet")
        said = self.call("clients", "add", "generic-x", "--carrier", "generic")
        self.secrets["generic"] = said.split()[-1]
        ports = [word for name, port in self.ports.items() for word in (f"--{name}", str(port))]
        self.running["twins"] = subprocess.Popen(
            [sys.executable, "-m", "simcheck.cli", "twins", *ports], env=self.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for name in ("serve", "worker", "sender"):
            self.start(name)

    def upload(self, key: str, lines: list[str]) -> str:
        """Send the carrier's file; the batch's id, once it is done."""
        headers = self.token("generic") | {"Idempotency-Key": key}
        content = "\n".join([COLUMNS, *lines]) + "\n"
        answer = httpx.post(f"{self.url}/v1/batches", content=content.encode(), headers=headers, timeout=10)
        batch = answer.json()["id"]

        def done() -> bool:
            return self.ask("SELECT state FROM batch WHERE id = %s", [batch]) == [("done",)]

        soon(done, "the batch is not done")
        return batch

    def get(self, path: str) -> Any:
        """What the carrier reads."""
        return httpx.get(f"{self.url}{path}", headers=self.token("generic"), timeout=10)

    def code_for(self, to: str) -> str:
        """The case code in the notice to an address."""
        return self.inbox.wait(to, CODE)

    def proved(self, holder: Citizen, to: str) -> tuple[Browser, str]:
        """A browser whose holder has shown the one-time code that came to `to`, and the case's code."""
        code, browser = self.code_for(to), Browser(self.url)
        browser.send("/", {"code": code, "number": NUMBERS[holder]})
        before = len(self.inbox.texts(to))
        soon(
            lambda: len(self.inbox.texts(to)) > before or bool(DIGITS.search(self.inbox.texts(to)[0])),
            "no code",
        )
        browser.send("/code", {"digits": self.inbox.wait(to, DIGITS)})
        return browser, code

    def answered(self, to: str, text: str) -> str:
        """Send us an SMS as its holder; what comes back."""
        before = len(self.inbox.texts(to))
        said = httpx.post(f"{self.inbox.url}/answer", data={"number": to, "text": text}, timeout=10)
        assert said.headers["location"] == "/?said=sent"
        soon(lambda: len(self.inbox.texts(to)) > before, "no answer")
        return self.inbox.texts(to)[0]

    def case(self, code: str) -> tuple[Any, ...]:
        """State, reason of closing and decision of a case."""
        [found] = self.ask(STATES, [code.replace("-", "")])
        return found

    def thanked(self, to: str) -> None:
        """Wait for the thank-you."""
        soon(lambda: any("ảm ơn" in text for text in self.inbox.texts(to)), "no thank-you")


@pytest.fixture
def service(environment, tmp_path) -> Iterator[Service]:
    with running(Service(environment, tmp_path)) as country:
        country.begin()
        for url in (country.inbox.url, f"{country.url}/readyz"):
            soon(lambda url=url: _answers(url), f"{url} does not answer")
        yield country


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def corrected(page: Browser, holder: Citizen) -> None:
    """Type what stands on the holder's card, look at it, and send it."""
    year, month, day = holder.date_of_birth.split("-")
    page.see("/record/correct")
    page.send(
        "/record/correct",
        {
            "id_number": holder.id_number,
            "full_name": holder.full_name,
            "day": day,
            "month": month,
            "year": year,
        },
    )
    page.send("/record/correct/send", {})


def test_four_holders(service):
    batch = service.upload("first", WRONG)

    # One corrects the record on the pages; the carrier hears what to write, and is thanked for nothing: the
    # holder is.
    browser, code = service.proved(BINH, NUMBERS[BINH])
    assert BINH.full_name not in browser.page
    corrected(browser, BINH)
    service.thanked(NUMBERS[BINH])
    assert service.case(code) == ("closed", "corrected", "corrected")
    [correction] = service.get("/v1/corrections").json()["corrections"]
    assert (correction["batch"], correction["row"]) == (batch, 1)
    assert correction["corrected"]["date_of_birth"] == BINH.date_of_birth

    # One says on the pages that the number is not hers.
    browser, code = service.proved(CHI, NUMBERS[CHI])
    browser.see("/record/not-mine")
    browser.send("/record/not-mine", {})
    assert service.case(code) == ("disowned", None, "disowned")

    # One says so by SMS, after a look at what is registered.
    code = service.code_for(NUMBERS[DUNG])
    shown = service.answered(NUMBERS[DUNG], "tttb")
    assert code in shown
    assert "Khác" not in shown
    assert service.answered(NUMBERS[DUNG], "KHÔNG").startswith("Đã ghi")
    assert service.case(code) == ("disowned", None, "disowned")

    # One can be reached by email alone: notice, code and thank-you come that way.
    browser, code = service.proved(OANH, EMAIL)
    corrected(browser, OANH)
    service.thanked(EMAIL)
    assert service.case(code) == ("closed", "corrected", "corrected")
    assert service.inbox.texts(NUMBERS[OANH]) == []

    # The carrier's next feedback says what to write; its next file does, and both are in order.
    again = service.upload(
        "second", [declared(BINH), WRONG[1], WRONG[2], declared(OANH, email=EMAIL, status="khoá hai chiều")]
    )
    assert service.get(f"/v1/batches/{again}").json()["counts"]["verdicts"]["mismatch"] == 2
    parts = "SELECT state, count(*) FROM message_part GROUP BY state"
    soon(lambda: {state for state, _ in service.ask(parts)} <= {"delivered", "sent"}, "a part is open")
    assert len(service.ask("SELECT FROM receipt WHERE message_id IS NULL")) == 0
