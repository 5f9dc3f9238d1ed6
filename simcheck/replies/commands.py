"""What a text message asks for. Pure: text in, command out; in any case, with or without Vietnamese marks.

`TTTB` and `TTTB <ID>` are those of 1414; there may be a space, an underscore, a dash or nothing before the
ID. Only whole answers count: KHONG disowns a number, and "khong dung" (not right) must not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from simcheck.messages.alphabets import clean, without_marks
from simcheck.messages.words import Language


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
    empty.
    """

    command: Command
    text: str = ""
    language: Language = Language.VI


_WORDS = {
    "TTTB": Command.RECORD, "DUNG": Command.CONFIRM, "KHONG": Command.DISOWN, "KO": Command.DISOWN,
    "KHONG PHAI TOI": Command.DISOWN, "HELP": Command.HELP, "HD": Command.HELP,
}  # fmt: skip
_CHECK = re.compile(r"TTTB[\s_:.-]*(\d[\s\w.-]*)")
_ASK = re.compile(r"HOI[\s_:,.-]+(?=\S)")
_AROUND = " \t\"'.,;:!?*-_()[]<>“”"


def read(text: str) -> Asked:
    """The command of a message; help for whatever is none."""
    said = clean(text)
    bare = without_marks(said).upper()
    if found := _WORDS.get(bare.strip(_AROUND)):
        return Asked(found, language=Language.EN if bare.strip(_AROUND) == "HELP" else Language.VI)
    if check := _CHECK.fullmatch(bare.strip(_AROUND)):
        return Asked(Command.CHECK, re.sub(r"[\W_]", "", check[1]))
    start = len(said) - len(said.lstrip(_AROUND))
    if ask := _ASK.match(bare[start:]):
        return Asked(Command.ASK, said[start + ask.end() :])
    return Asked(Command.HELP)
