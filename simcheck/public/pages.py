"""Templates become answers: a page, its headers, the cookies that it changes; and the files beside pages."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from simcheck.messages.words import Language
from simcheck.public.cookies import Jar
from simcheck.public.words import PREFIX, Words

# Nothing but our own style sheet, script and icon; forms go to us; nobody frames us.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    # Without a referrer to ourselves, browsers send the forms of our own pages as from nowhere.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}

_TEMPLATES = Environment(
    loader=PackageLoader("simcheck.public"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip


class Assets:
    """The files beside the pages, under names that change with their content."""

    @cached_property
    def by_name(self) -> dict[str, tuple[bytes, str]]:
        """Content and media type, by name."""
        return {name: self._read[plain] for plain, name in self.names.items()}

    @cached_property
    def names(self) -> dict[str, str]:
        """The name under which a file is served, by its own."""
        return {
            plain: f"-{hashlib.sha256(content).hexdigest()[:12]}.".join(plain.split("."))
            for plain, (content, _) in self._read.items()
        }

    @cached_property
    def _read(self) -> dict[str, tuple[bytes, str]]:
        return {
            file.name: (file.read_bytes(), _KINDS[file.name.partition(".")[2]])
            for file in files("simcheck.public").joinpath("assets").iterdir()
            if file.name.partition(".")[2] in _KINDS
        }


ASSETS = Assets()


def page(
    words: Words, jar: Jar, path: str, name: str, values: Mapping[str, Any], status: int = 200
) -> HTMLResponse:  # fmt: skip
    """A page as an answer. `path` is the page's own, without the language's prefix."""
    language = words.language

    def at(where: str) -> str:
        return words.prefix + where

    html = _TEMPLATES.get_template(f"{name}.html").render(
        say=words, language=language.value, at=at, path=path, section=_section(path), asset=_asset_path,
        other=words.other, other_path=words.other.prefix + path, **values,
    )  # fmt: skip
    response = HTMLResponse(html, status, HEADERS | {"Content-Language": language.value})
    jar.onto(response)
    return response


def _section(path: str) -> str:
    """The entry of the menu that a page belongs to."""
    first = "/" + path.split("/")[1]
    return first if first in {"/my", "/help", "/privacy"} else "/"


def _asset_path(plain: str) -> str:
    return f"/assets/{ASSETS.names[plain]}"


def asset(name: str) -> Response | None:
    """An asset as an answer; None where there is none of this name."""
    found = ASSETS.by_name.get(name)
    if found is None:
        return None
    content, kind = found
    kept = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, media_type=kind, headers=HEADERS | kept)


def language_of(path: str) -> Language:
    """The language that an address is in."""
    english = PREFIX[Language.EN]
    inside = path == english or path.startswith(f"{english}/")
    return Language.EN if inside else Language.VI


def without_language(path: str) -> str:
    """An address without its language's prefix."""
    return path.removeprefix(PREFIX[language_of(path)]) or "/"
