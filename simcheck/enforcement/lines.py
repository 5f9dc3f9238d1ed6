"""On which line of a TOML text a thing stands, which the standard library's reader does not tell."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

Path = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=(.*)$""")
_UNCOUNTED = re.compile(r"""'{3}|"{3}|"(?:[^"\\]|\\.)*"|'[^']*'|#.*$""")


@dataclass(frozen=True)
class Lines:
    """The first line of every table and key."""

    first: dict[Path, int]

    def at(self, path: Path) -> int:
        """The line of what stands at `path` (names, and places in lists); else that of what it stands in."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.first:
                return self.first[path[:length]]
        return 1


def find(text: str) -> Lines:
    """The lines of a text that is good TOML. Values that span lines stand where they begin."""
    first: dict[Path, int] = {}
    counts: Counter[Path] = Counter()
    here: Path = ()
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        if depth == 0:
            header, key = _HEADER.match(line), _KEY.match(line)
            if header:
                here = _table(header[2], counts, listed=header[1] == "[[")
                first.setdefault(here, number)
                continue
            if key:
                first.setdefault((*here, *_names(key[1])), number)
        depth += _opened(key[2] if depth == 0 and key else line)
    return Lines(first)


def _table(header: str, counts: Counter[Path], *, listed: bool) -> Path:
    """The path of a table: the newest member of every list that it stands in."""
    names = _names(header)
    path: Path = ()
    for place, name in enumerate(names):
        path = (*path, name)
        if listed and place == len(names) - 1:
            counts[path] += 1
        if counts[path]:
            path = (*path, counts[path] - 1)
    return path


def _names(dotted: str) -> list[str]:
    return [each.strip().strip("\"'") for each in dotted.split(".")]


def _opened(line: str) -> int:
    """How many brackets are opened and not closed."""
    bare = _UNCOUNTED.sub("", line)
    return sum(bare.count(each) for each in "[{") - sum(bare.count(each) for each in "]}")
