"""A text with its values in it: an SMS with its parts counted, or an email in text and HTML."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from simcheck.messages.alphabets import clean, gsm, without_marks
from simcheck.messages.segments import GSM, UCS2, count
from simcheck.messages.templates import COMMON, OF_KIND, layout, load, name_of
from simcheck.messages.words import NOTICES, Group, Kind, Language, Values

SHOWN_DATE = "%d/%m/%Y"
# First notices, and all that follow them: parts with marks and without.
MOST_PARTS = {True: 3, False: 2}


@dataclass(frozen=True)
class Sms:
    """A text, how many parts it has, in which SMPP data coding, and the template with its version."""

    text: str
    segments_count: int
    data_coding: int
    template: str


@dataclass(frozen=True)
class Email:
    """A letter; text and HTML say the same."""

    subject: str
    text: str
    html: str
    template: str


def sms(kind: Kind, group: Group | None, language: Language, marks: bool, values: Values) -> Sms:
    """Compose an SMS, with diacritics or without. `group` is needed for notices alone.

    A text without marks is in the default alphabet unless a value in it holds other characters. Raises
    KeyError where `values` lacks something that the text names.
    """
    frame = _frame(kind, _asked(kind, group), language, marks, values.own)
    text = clean(frame.format_map(_words(kind, language, values)), lines=kind not in NOTICES)
    if not marks:
        text = without_marks(text)
    return Sms(text, count(text), UCS2 if gsm(text) is None else GSM, name_of(kind, group, language))


def email(kind: Kind, group: Group | None, language: Language, values: Values) -> Email:
    """Compose an email. Raises as `sms`."""
    told, texts, words = _asked(kind, group), load(language), _words(kind, language, values)
    letter = texts.email[kind]
    facts: list[tuple[str, str]] = []
    steps: list[str] = []
    if told is not None:
        shown = {**words, "wrong": texts.wrong[told]}
        names = [
            name
            for name, label in texts.labels.items()
            if name in shown and (name != "deadline" or values.deadline)
        ]
        facts = [(texts.labels[name], shown[name]) for name in names]
        by_sms = texts.sms_own if values.own else texts.sms_other
        steps = [texts.todo[told], *(step.format_map(words) for step in (texts.online, by_sms))]
    content = {
        "language": language.value, "labels": texts.labels, "facts": facts, "steps": steps,
        "heading": clean(letter.heading.format_map(words)),
        "paragraphs": [clean(each.format_map(words), lines=True) for each in letter.paragraphs],
    }  # fmt: skip
    return Email(
        clean(letter.subject.format_map(words)), layout("email.txt").render(content),
        layout("email.html").render(content), name_of(kind, group, language),
    )  # fmt: skip


def validate(values: Values) -> list[str]:
    """Compose everything there is with these values, the longest that there will be; each fault in a line.

    Every kind, group and language has a text, which names nothing unknown, and notices keep to `MOST_PARTS`.
    """
    faults: list[str] = []
    for language in Language:
        for kind in Kind:
            allowed = COMMON | OF_KIND.get(kind, frozenset())
            letter = load(language).email[kind]
            for group in Group if kind in NOTICES else (None,):
                where = f"{language}/{kind}/{group}"
                frames = [load(language).sms_of(kind, group, own=own) for own in (True, False)]
                named = _named(*frames, letter.subject, letter.heading, *letter.paragraphs)
                faults += [f"{where}: names {name}" for name in sorted(named - allowed)]
                if not named <= allowed:
                    continue
                email(kind, group, language, values)
                faults += _too_long(where, kind, group, language, values)
    return faults


def _too_long(where: str, kind: Kind, group: Group | None, language: Language, values: Values) -> list[str]:
    faults = []
    for own in (True, False):
        for marks, most in MOST_PARTS.items():
            made = sms(kind, group, language, marks, replace(values, own=own))
            if kind in NOTICES and made.segments_count > most:
                faults.append(f"{where}: {made.segments_count} parts, marks {marks}, own {own}")
            if kind in NOTICES and not marks and made.data_coding != GSM:
                faults.append(f"{where}: a letter that the default alphabet lacks")
    return faults


def _asked(kind: Kind, group: Group | None) -> Group | None:
    """The group, where the kind tells of one."""
    if kind not in NOTICES:
        return None
    if group is None:
        raise KeyError(f"a message of the kind {kind} tells what is wrong")
    return group


@cache
def _frame(kind: Kind, group: Group | None, language: Language, marks: bool, own: bool) -> str:
    text = load(language).sms_of(kind, group, own=own)
    return text if marks else without_marks(text)


def _words(kind: Kind, language: Language, values: Values) -> Mapping[str, str]:
    """What the names in a text stand for."""
    words = load(language).words
    deadline = values.deadline.strftime(SHOWN_DATE) if values.deadline else ""
    found = {
        "number": clean(values.number_masked),
        "code": clean(values.code_shown),
        "address": clean(values.address),
        "short_code": clean(values.short_code),
        "hotline": clean(values.hotline or words["carrier"]),
        "deadline": deadline,
        "until": words["until"].format(deadline=deadline) if deadline else words["now"],
    }
    for name in OF_KIND.get(kind, ()):
        found[name] = clean(values.extra[name], lines=name == "text")
    return found


def _named(*texts: str) -> set[str]:
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name is not None}
