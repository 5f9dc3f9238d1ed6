"""Decisions in words, as the pages of this room and of double review show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from simcheck.messages.words import Language
from simcheck.review import words
from simcheck.review.words import DecisionWords


class Choice(NamedTuple):
    """A decision and its reason, in words."""

    decision: str
    reason: str


def groups(
    known: Mapping[str, DecisionWords], language: Language
) -> list[tuple[str, list[tuple[str, str]]]]:  # fmt: skip
    """Decisions with their reasons, as a form offers them: the value is `decision.reason`."""
    return [
        (each.name[language], [(f"{code}.{key}", text[language]) for key, text in each.reasons.items()])
        for code, each in known.items()
    ]


def chosen(typed: str) -> tuple[str, str]:
    """The decision and the reason of such a value; what is none of them is refused where it is used."""
    decision, _, reason = typed.partition(".")
    return decision, reason


def choice(decision: str, reason: str, language: Language) -> Choice:
    """A decision and its reason in words."""
    known = words.decisions()[decision]
    return Choice(known.name[language], known.reasons[reason][language])


def names(known: Iterable[str], group: str, language: Language) -> dict[str, str]:
    """Texts of a group of the desk's words, by key."""
    table = words.group(group)
    return {each: table[each][language].rstrip(".") for each in known}
