"""Texts in two languages out of a package's `words.toml`, table by table: for files, pages and answers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files

from simcheck.errors import InvalidError
from simcheck.messages.words import Language

Text = Mapping[Language, str]


class Texts:
    """What the `words.toml` of `package` says. `needed` names, by table, the keys that it must have."""

    def __init__(self, package: str, needed: Mapping[str, set[str]]) -> None:
        self.package, self.needed = package, needed

    @cached_property
    def _tables(self) -> Mapping[str, Mapping[str, Text]]:
        read = tomllib.loads(files(self.package).joinpath("words.toml").read_text("utf-8"))
        tables = {
            name: {key: {each: text[each.value] for each in Language} for key, text in table.items()}
            for name, table in read.items()
        }
        for name, keys in self.needed.items():
            if missing := keys - set(tables.get(name, {})):
                raise ValueError(f"{self.package}, words.toml: {name} lacks {sorted(missing)}")
        return tables

    def group(self, name: str) -> Mapping[str, Text]:
        """The texts of a table. Raises ValueError where the file lacks one that is needed."""
        return self._tables[name]

    def say(self, name: str, key: str, language: Language) -> str:
        """A text of a table; the key itself where it has none."""
        return self.group(name).get(key, {}).get(language, key)

    def require(self, name: str, key: str) -> str:
        """The key, if the table has it. Raises `InvalidError`, which lists those that it has."""
        if key not in self.group(name):
            raise InvalidError(f"{name}: choose one of {', '.join(self.group(name))}.")
        return key
