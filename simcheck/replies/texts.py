"""The answers' texts, out of the package's data."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from simcheck.messages.words import Language


@cache
def load() -> dict[Language, dict[str, str]]:
    """Every text by its name, in each language. Raises ValueError where a language lacks one."""
    data = tomllib.loads(files("simcheck.replies").joinpath("texts.toml").read_text("utf-8"))
    found: dict[Language, dict[str, str]] = {language: data[language] for language in Language}
    if len({frozenset(texts) for texts in found.values()}) > 1:
        raise ValueError("texts.toml: a text is missing in a language")
    return found


def say(language: Language, name: str, /, **values: str) -> str:
    """A text with its values; an empty value is said to be so."""
    texts = load()[language]
    return texts[name].format_map({key: value or texts["nothing"] for key, value in values.items()})
