"""Filters and decisions in words, as the pages of this room and of double review show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from simcheck.messages.words import Language
from simcheck.normalise import provinces
from simcheck.review import words
from simcheck.review.words import DecisionWords
from simcheck.web.words import Words


class Condition(NamedTuple):
    """A part of a filter: the field's words, and its value's."""

    label: str
    value: str


class Choice(NamedTuple):
    """A decision and its reason, in words."""

    decision: str
    reason: str


def conditions(query: str, say: Words) -> list[Condition]:
    """A filter (as `filters.write` writes it), condition by condition."""
    return [
        Condition(say(f"bulk.field.{name}"), ", ".join(_value(name, each, say) for each in value.split(",")))
        for name, value in parse_qsl(query)
    ]


def _value(name: str, value: str, say: Words) -> str:
    if name == "reason":
        return words.group("reason")[value][say.language].rstrip(".")
    if name == "state":
        return words.group("state")[value][say.language]
    if name == "province" and value in provinces.names():
        return provinces.names()[value]
    if value in {"yes", "no"}:
        return say(f"bulk.yes_no.{value}")
    if value.endswith("d") and value[:-1].isdigit():
        return say("bulk.days", n=say.number(int(value[:-1])))
    key = f"bulk.value.{value}"
    return say(key) if say.has(key) else value


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


def person(actor: str | None) -> str | None:
    """The user name of an actor."""
    return actor and actor.removeprefix("person:")


def names(known: Iterable[str], group: str, language: Language) -> dict[str, str]:
    """Texts of a group of the desk's words, by key."""
    table = words.group(group)
    return {each: table[each][language].rstrip(".") for each in known}
