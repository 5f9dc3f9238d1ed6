"""Every text is there in both languages, with the same values, and is used."""

from __future__ import annotations

import re
from importlib.resources import files
from string import Formatter

from simcheck.care.words import WORDS
from simcheck.messages.words import Language

PACKAGE = files("simcheck.care")
SOURCES = "\n".join(
    each.read_text("utf-8")
    for folder in (PACKAGE, PACKAGE.joinpath("templates"))
    for each in folder.iterdir()
    if each.name.endswith((".py", ".html"))
)


def values_of(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_everything_with_the_same_values():
    vietnamese, english = WORDS[Language.VI].texts, WORDS[Language.EN].texts
    assert vietnamese.keys() == english.keys()
    for key, text in vietnamese.items():
        assert values_of(text) == values_of(english[key]), key


def test_every_text_is_used():
    put_together = set(re.findall(r"""["']([a-z_]+(?:\.[a-z_]+)*\.)["'] ?[~+]""", SOURCES))
    put_together |= set(re.findall(r"""f["']([a-z_]+(?:\.[a-z_]+)*\.)\{""", SOURCES))
    for key in WORDS[Language.VI].texts:
        named = re.search(rf"""["']{re.escape(key)}["']""", SOURCES)
        assert named or any(key.startswith(each) for each in put_together), key
