"""What a text message asks for. Pure: text in, command out; in any case, with or without Vietnamese marks.

`TTTB` and `TTTB <ID>` are those of 1414; there may be a space, an underscore, a dash or nothing before the
ID. Only whole answers count: KHONG disowns a number, and "khong dung" (not right) must not.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from simcheck.holders.registered import plain


class Command(StrEnum):
    """What a holder can ask for."""

    RECORD = "record"  # what is registered for my number?
    CHECK = "check"  # is my number registered under this ID?
    CONFIRM = "confirm"
    DISOWN = "disown"
    ASK = "ask"
    HELP = "help"


@dataclass(frozen=True)
class Asked:
    """A command; `text` is the ID of a CHECK (digits and letters alone) and the question of an ASK, else
    empty."""

    command: Command
    text: str = ""


_WORDS = {
    "TTTB": Command.RECORD, "DUNG": Command.CONFIRM, "KHONG": Command.DISOWN, "KO": Command.DISOWN,
    "KHONG PHAI TOI": Command.DISOWN, "HELP": Command.HELP, "HD": Command.HELP,
}  # fmt: skip
_CHECK = re.compile(r"TTTB[\s_:.-]*(\d[\s\w.-]*)")
_ASK = re.compile(r"HOI[\s_:,.-]+(?=\S)")
_AROUND = " \t\"'.,;:!?*-_()[]<>“”"


def read(text: str) -> Asked:
    """The command of a message; help for whatever is none."""
    said = plain(text)
    bare = without_marks(said).upper()
    if found := _WORDS.get(bare.strip(_AROUND)):
        return Asked(found)
    if check := _CHECK.fullmatch(bare.strip(_AROUND)):
        return Asked(Command.CHECK, re.sub(r"[\W_]", "", check[1]))
    start = len(said) - len(said.lstrip(_AROUND))
    if ask := _ASK.match(bare[start:]):
        return Asked(Command.ASK, said[start + ask.end() :])
    return Asked(Command.HELP)


def without_marks(text: str) -> str:
    """Text in NFC without Vietnamese marks, letter for letter."""
    return "".join(_BARE.get(each) or unicodedata.normalize("NFD", each)[0] for each in text)


_BARE = {"đ": "d", "Đ": "D", "Ð": "D", "ð": "d"}
