"""The texts themselves, out of the package's data: versioned, in each language; the carriers' hotlines."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import jinja2

from simcheck.messages.words import NOTICES, Group, Kind, Language

_PACKAGE = files("simcheck.messages")
# What a text may name, of every kind and of some.
COMMON = frozenset({"number", "code", "address", "short_code", "hotline", "until", "deadline"})
OF_KIND = {
    Kind.CODE: frozenset({"digits", "minutes"}),
    Kind.REPLY: frozenset({"text"}),
    Kind.ANSWER: frozenset({"question", "text"}),
}


@dataclass(frozen=True)
class Letter:
    """An email's own texts; the rest of it is the same for all."""

    subject: str
    heading: str
    paragraphs: list[str]


@dataclass(frozen=True)
class Texts:
    """Everything that is written in one language, with `{names}` where values go."""

    version: str
    words: dict[str, str]
    wrong: dict[Group, str]
    todo: dict[Group, str]
    sms: dict[Kind, str]
    labels: dict[str, str]
    online: str
    sms_own: str
    sms_other: str
    email: dict[Kind, Letter]

    def sms_of(self, kind: Kind, group: Group | None, *, own: bool) -> str:
        """The SMS of a kind with the words for the group and for its reader put in."""
        text = self.sms[kind]
        whose = "own" if own else "other"
        text = text.replace("{answer}", self.words[f"answer_{whose}"])
        text = text.replace("{urgent}", self.words[f"urgent_{whose}"])
        return text.replace("{wrong}", self.wrong[group]) if group is not None else text


@cache
def load(language: Language) -> Texts:
    """The texts of a language. Raises ValueError where a kind or a group has none."""
    data = tomllib.loads(_PACKAGE.joinpath(f"{language}.toml").read_text("utf-8"))
    letters = {name: part for name, part in data["email"].items() if isinstance(part, dict)}
    whole = (
        ("wrong", data["wrong"], Group), ("todo", data["todo"], Group), ("sms", data["sms"], Kind),
        ("email", letters, Kind),
    )  # fmt: skip
    for part, texts, needed in whole:
        differ = set(texts) ^ {each.value for each in needed}
        if differ:
            raise ValueError(f"{language}.toml: {part} and what it is about differ in {sorted(differ)}")
    return Texts(
        version=data["version"],
        words=data["words"],
        wrong={Group(name): text for name, text in data["wrong"].items()},
        todo={Group(name): text for name, text in data["todo"].items()},
        sms={Kind(name): text for name, text in data["sms"].items()},
        labels=data["labels"],
        online=data["email"]["online"],
        sms_own=data["email"]["sms_own"],
        sms_other=data["email"]["sms_other"],
        email={Kind(name): Letter(**letter) for name, letter in letters.items()},
    )


def version() -> str:
    """The version of all texts together."""
    found = {load(language).version for language in Language}
    if len(found) > 1:
        raise ValueError("the languages' texts have different versions")
    return found.pop()


def name_of(kind: Kind, group: Group | None, language: Language) -> str:
    """What a message's template is called, with its version."""
    told = f"/{group}" if group is not None and kind in NOTICES else ""
    return f"{load(language).version}/{language}/{kind}{told}"


@cache
def layout(name: str) -> jinja2.Template:
    """The frame of every email: `email.html`, `email.txt`."""
    environment = jinja2.Environment(
        autoescape=name.endswith(".html"), undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    return environment.from_string(_PACKAGE.joinpath(name).read_text("utf-8"))


@cache
def hotlines() -> dict[str, str]:
    """The carriers' numbers for customers, by carrier code."""
    data = tomllib.loads(_PACKAGE.joinpath("hotlines.toml").read_text("utf-8"))
    return {carrier: entry["number"] for carrier, entry in data["of"].items()}
