"""Templates become answers: a page in its language, its headers, the cookies that it changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import PackageLoader
from starlette.responses import HTMLResponse

from simcheck.messages.words import Language
from simcheck.public.words import PREFIX, Words
from simcheck.web.cookies import Jar
from simcheck.web.pages import HEADERS, Assets, templates

_TEMPLATES = templates(PackageLoader("simcheck.public"))
ASSETS = Assets("/assets/", "simcheck.public")


def page(
    words: Words, jar: Jar, path: str, name: str, values: Mapping[str, Any], status: int = 200
) -> HTMLResponse:  # fmt: skip
    """A page as an answer. `path` is the page's own, without the language's prefix."""
    language = words.language

    def at(where: str) -> str:
        return words.prefix + where

    html = _TEMPLATES.get_template(f"{name}.html").render(
        say=words, language=language.value, at=at, path=path, section=_section(path), asset=ASSETS.path,
        other=words.other, other_path=words.other.prefix + path, **values,
    )  # fmt: skip
    response = HTMLResponse(html, status, HEADERS | {"Content-Language": language.value})
    jar.onto(response)
    return response


def _section(path: str) -> str:
    """The entry of the menu that a page belongs to."""
    first = "/" + path.split("/")[1]
    return first if first in {"/my", "/help", "/privacy", "/data", "/open-data"} else "/"


def language_of(path: str) -> Language:
    """The language that an address is in."""
    english = PREFIX[Language.EN]
    inside = path == english or path.startswith(f"{english}/")
    return Language.EN if inside else Language.VI


def without_language(path: str) -> str:
    """An address without its language's prefix."""
    return path.removeprefix(PREFIX[language_of(path)]) or "/"
