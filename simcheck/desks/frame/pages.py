"""Templates, words and files of all rooms, found at the start: a room is a package of simcheck.desks."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, PackageLoader, PrefixLoader
from markupsafe import Markup, escape

import simcheck.desks
from simcheck.messages.words import Language
from simcheck.web import words
from simcheck.web.pages import Assets, templates
from simcheck.web.words import Words

FRAME = "simcheck.desks.frame"
ROOMS = {
    each.name: f"simcheck.desks.{each.name}"
    for each in pkgutil.iter_modules(simcheck.desks.__path__)
    if each.ispkg
}

WORDS: dict[Language, Words] = words.read(
    Words, *(package for package in ROOMS.values() if files(package).joinpath("words.toml").is_file())
)
ASSETS = Assets("/desk/assets/", *ROOMS.values())

_TEMPLATES = templates(
    ChoiceLoader(
        [
            PrefixLoader(
                {
                    room: PackageLoader(package)
                    for room, package in ROOMS.items()
                    if files(package).joinpath("templates").is_dir()
                }
            ),
            PackageLoader(FRAME),
        ]
    )
)


def attributes(given: dict[str, Any]) -> Markup:
    """HTML attributes: a name with True stands alone, with False or None not at all; `_` becomes `-`."""
    said = [
        f" {_attribute(name)}" if value is True else f' {_attribute(name)}="{escape(value)}"'
        for name, value in given.items()
        if value is not None and value is not False
    ]
    return Markup("".join(said))  # noqa: S704 (names and values are escaped)


@cache
def _attribute(name: str) -> str:
    return str(escape(name.rstrip("_").replace("_", "-")))


_TEMPLATES.filters["attributes"] = attributes


def render(name: str, say: Words, **values: Any) -> str:
    """A template as HTML: `room/name`, or a name of the frame's own."""
    template, other = _TEMPLATES.get_template(f"{name}.html"), WORDS[words.OTHER[say.language]]
    return template.render(say=say, language=say.language.value, asset=ASSETS.path, other=other, **values)
