"""What the demo shows of holders: one reads the notice, proves to have the number, puts the record right.

As a person would: the SMS is read in the trial inbox of the twins, the pages are those that everybody gets.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import carriers.registry
from simcheck.errors import UnavailableError
from simcheck.normalise import phones
from simcheck.terminal import Language
from simcheck.tls import trusted

WRITES_FROM = "somebody-{}@holders.simcheck.example"  # where answers go
PATIENCE = 300.0  # seconds that a message may take
_CODE = re.compile(r"\b([2-9A-HJKMNP-Z]{5}-[2-9A-HJKMNP-Z]{5})\b")
_NUMBER = re.compile(r"\bH-\d{6,}-[0-9A-Z]\b")  # a question's
_DIGITS = re.compile(r"^(\d{6})\b")
_THANKS = re.compile(r"(Cảm ơn|Thank you)")
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_WRONG = {"dob.digit_slip", "dob.different"}


@dataclass(frozen=True)
class Person:
    """Whose record names a wrong birth date, and what the register knows of them. Nobody real."""

    msisdn: str
    id_number: str
    full_name: str
    born: str

    @property
    def form(self) -> dict[str, str]:
        """What they type on the page."""
        year, month, day = self.born.split("-")
        card = {"id_number": self.id_number, "full_name": self.full_name}
        return {**card, "day": day, "month": month, "year": year}


def people(country: Path, of: str | None = None) -> Iterator[Person]:
    """Holders of the country (or of one carrier) whose birth date alone is wrong, one after the other."""
    truth = pq.read_table(country / "truth.parquet", columns=["carrier", "file", "row", "kinds", "verdict"])
    citizens = pq.read_table(country / "citizens.parquet")
    wrong = truth.filter(pc.equal(truth["verdict"], "mismatch")).to_pylist()
    for carrier in dict.fromkeys(each["carrier"] for each in wrong if of in {None, each["carrier"]}):
        its = {
            each["row"]: country / each["file"] for each in wrong
            if each["carrier"] == carrier and set(each["kinds"]) & _WRONG
            and set(each["kinds"]) <= {*_WRONG, "case.upper", "msisdn.zero"}
        }  # fmt: skip
        for file in set(its.values()):
            for batch in carriers.registry.adapter(carrier).read(file, ("msisdn", "id_number", "status")):
                yield from _of(batch, [row for row in its if its[row] == file], citizens)


def _of(batch: pa.RecordBatch, rows: list[int], citizens: pa.Table) -> Iterator[Person]:
    here = batch.filter(pc.is_in(batch["row"], pa.array(rows, pa.int64())))
    numbers = phones.normalise(here["msisdn"]).national
    for national, id_number in zip(numbers, here["id_number"].to_pylist(), strict=True):
        for known in citizens.filter(pc.equal(citizens["id_number"], id_number)).to_pylist():
            born = str(known["date_of_birth"])
            if national and known["status"] == "active" and len(born) == len("1988-02-03"):
                yield Person(f"+84{national}", id_number, known["full_name"], born)


class Inbox:
    """The trial inbox of the twins at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=30)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def texts(self, to: str) -> list[str]:
        """What came for an address, the newest first."""
        found = self._http.get("/messages.json", params={"to": to}).json()
        return [each["text"] for each in found]

    def wait(self, to: str, what: re.Pattern[str]) -> str:
        """The first thing of this kind that a message to an address says. Raises `UnavailableError`."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            for text in self.texts(to):
                found = what.search(text)
                if found:
                    return found[1]
            time.sleep(0.3)
        raise UnavailableError("no message came. The logs are in the demo's folder.")

    def code(self, person: Person) -> str:
        """The case code in a person's notice."""
        return self.wait(person.msisdn, _CODE)


class Browser:
    """Somebody on the pages: keeps cookies, and sends forms as they stand there."""

    def __init__(self, url: str, language: Language = Language.EN) -> None:
        self._http = httpx.Client(base_url=url, follow_redirects=True, timeout=60, verify=trusted())
        self._prefix = "" if language is Language.VI else f"/{language}"
        self.page = self._http.get(f"{self._prefix}/").text

    def send(self, path: str, fields: dict[str, str]) -> str:
        """Fill in and send the form that goes to `path`; the page that follows."""
        forms = re.findall(
            rf'<form[^>]*action="{self._prefix}{path}"[^>]*>(.*?)</form>', self.page, re.DOTALL
        )
        hidden = {name: unescape(value) for name, value in _HIDDEN.findall(forms[0])} if forms else {}
        self.page = self._http.post(f"{self._prefix}{path}", data={**hidden, **fields}).text
        return self.page

    def see(self, path: str) -> str:
        """Open a page."""
        self.page = self._http.get(f"{self._prefix}{path}").text
        return self.page


def put_right(url: str, inbox: Inbox, person: Person) -> str:
    """Read the notice, prove the number, correct the record, ask for a copy of one's data, be thanked; the
    case's code.

    Raises `UnavailableError` where one of the messages does not come.
    """
    code, browser = inbox.code(person), Browser(url)
    browser.send("/", {"code": code, "number": person.msisdn})
    browser.send("/code", {"digits": inbox.wait(person.msisdn, _DIGITS)})
    browser.see("/record/correct")
    browser.send("/record/correct", person.form)
    browser.send("/record/correct/send", {})
    browser.see("/data")
    browser.send("/data", {"kind": "copy", "words": ""})
    inbox.wait(person.msisdn, _THANKS)
    return code


def ask(url: str, text: str, language: Language, writer: int, person: Person | None = None) -> bool:
    """Ask the help desk, about a person's number if one is given; whether the question was taken. `writer` is
    who asks: nobody may ask much.
    """
    browser = Browser(url, language)
    browser.see("/help")
    number = person.msisdn if person else ""
    page = browser.send(
        "/help", {"text": text, "number": number, "back": "email", "email": WRITES_FROM.format(writer)}
    )
    return bool(_NUMBER.search(page))
