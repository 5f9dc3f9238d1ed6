"""What holders' pages say, in each language: `words.toml`, read once.

say = WORDS[Language.VI]
say("start.title")
"""

from __future__ import annotations

from dataclasses import dataclass

from simcheck.messages.words import Language
from simcheck.web import words

# What stands in front of every path in a language.
PREFIX = {Language.VI: "", Language.EN: "/en"}


@dataclass(frozen=True)
class Words(words.Words):
    """The texts of one language, and where its pages stand."""

    @property
    def prefix(self) -> str:
        """What stands in front of every path in this language."""
        return PREFIX[self.language]

    @property
    def other(self) -> Words:
        """The language that a page offers instead."""
        return WORDS[words.OTHER[self.language]]


WORDS = words.read(Words, "simcheck.public")
