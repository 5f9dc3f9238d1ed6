"""What somebody typed into a form: read within limits, as clean text of one Unicode form."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.requests import Request

from simcheck.errors import InvalidError, MediaTypeError

MOST_FIELDS = 20
KIND = "application/x-www-form-urlencoded"
# What no text of a person needs: controls, and what is not seen but changes what is (zero width, direction).
_UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs"}


@dataclass(frozen=True)
class Form:
    """The fields of a form, each once. A field that was not sent is empty."""

    fields: Mapping[str, str] = field(default_factory=dict)

    def line(self, name: str, most: int = 200) -> str:
        """A field's text on one line, without what cannot be seen. Raises `InvalidError` beyond `most`."""
        return _within(name, " ".join(clean(self.fields.get(name, "")).split()), most)

    def text(self, name: str, most: int) -> str:
        """A field's text with its lines."""
        lines = (clean(line).rstrip() for line in self.fields.get(name, "").splitlines())
        return _within(name, "\n".join(lines).strip(), most)


def clean(text: str) -> str:
    """A text in NFC, without controls, zero-width and bidirectional characters; tabs become spaces."""
    return unicodedata.normalize("NFC", "".join(_seen(text)))


def _seen(text: str) -> Iterator[str]:
    for character in text:
        if character.isspace():
            yield " "
        elif unicodedata.category(character) not in _UNSEEN:
            yield character


def _within(name: str, text: str, most: int) -> str:
    if len(text) > most:
        raise InvalidError(f"{name}: at most {most} characters.")
    return text


async def read(request: Request) -> Form:
    """The form of a request. Raises `MediaTypeError`, `InvalidError`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != KIND:
        raise MediaTypeError("Send the page's own form.")
    try:
        pairs = parse_qsl(
            (await request.body()).decode(),
            keep_blank_values=True,
            max_num_fields=MOST_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise InvalidError("The form cannot be read.") from None
    if len(dict(pairs)) < len(pairs):
        raise InvalidError("A field stands in the form twice.")
    return Form(dict(pairs))
