"""Every text is there in both languages, with the same values, and is used."""

from __future__ import annotations

import re
from importlib.resources import files
from string import Formatter

from simcheck.messages.words import Language
from simcheck.public.words import WORDS
from simcheck.web.words import table_of

PACKAGE = files("simcheck.public")
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
        assert text.strip() == text != "", key
        assert values_of(text) == values_of(english[key]), key
    assert len(table_of("simcheck.public")) == len(vietnamese) + len(
        english
    )  # nothing stands under a third name


def test_every_text_is_used():
    """By its name, or by the beginning of a name that is put together: say("trouble." ~ code ~ ".title")."""
    put_together = set(re.findall(r"""["']([a-z_]+(?:\.[a-z_]+)*\.)["'] ?[~+]""", SOURCES))
    put_together |= set(re.findall(r"""f["']([a-z_]+(?:\.[a-z_]+)*\.)\{""", SOURCES))
    assert put_together
    for key in WORDS[Language.VI].texts:
        named = re.search(rf"""["']{re.escape(key)}["']""", SOURCES)
        assert named or any(key.startswith(each) for each in put_together), key


def test_every_text_that_is_named_is_there():
    named = set(re.findall(r"""(?:say|words|other)\(["']([a-z_.]+)["'][,)]""", SOURCES))
    assert len(named) > 20
    assert named <= set(WORDS[Language.VI].texts)
