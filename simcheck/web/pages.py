"""Templates become answers with their headers; the files beside pages."""

from __future__ import annotations

import hashlib
from functools import cached_property
from importlib.resources import files
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, Template
from jinja2.environment import TemplateModule
from jinja2.runtime import Context
from starlette.responses import Response

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
# Beside these: a page whose script asks us for more.
CONNECTING = {"Content-Security-Policy": f"{POLICY}; connect-src 'self'"}

_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


class Page(Template):
    """A template as a page. What its templates import with context is put together once, and leaves nothing
    for the garbage collector, which would stop a page in a few.
    """

    def render(self, *values: Any, **more: Any) -> str:
        """See `jinja2.Template.render`."""
        imported: dict[str | None, tuple[Context, TemplateModule]] = {}
        try:
            return super().render(*values, **more, imported=imported)
        finally:
            for context, _ in imported.values():
                context.vars.clear()  # they hold macros, and those hold the context
            imported.clear()

    def make_module(self, values: dict[str, Any] | None = None, *more: Any) -> TemplateModule:
        """See `jinja2.Template.make_module`: what an import with context calls."""
        imported = (values or {}).get("imported", {})
        if self.name not in imported:
            context = self.new_context(values, *more)
            imported[self.name] = context, TemplateModule(self, context)
        module: TemplateModule = imported[self.name][1]
        return module


def templates(loader: BaseLoader) -> Environment:
    """Templates that escape whatever is put in, and fail where something is missing."""
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # or the files of a page's templates are looked at for every page
    )
    environment.template_class = Page
    return environment


class Assets:
    """The files in the `assets` folders of some packages, under names that change with their content.

    `root` is the path that they are served under.
    """

    def __init__(self, root: str, *packages: str) -> None:
        self.root, self.packages = root, packages

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
            for package in self.packages
            if (folder := files(package).joinpath("assets")).is_dir()
            for file in folder.iterdir()
            if file.name.partition(".")[2] in _KINDS
        }

    def path(self, plain: str) -> str:
        """Where a file is served."""
        return self.root + self.names[plain]

    def answer(self, name: str) -> Response | None:
        """A file as an answer, by the name that it is served under; None where there is none."""
        found = self.by_name.get(name)
        if found is None:
            return None
        content, kind = found
        kept = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(content, media_type=kind, headers=HEADERS | kept)
