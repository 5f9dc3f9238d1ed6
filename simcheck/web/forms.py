"""What somebody typed into a form: read within limits, as clean text of one Unicode form; and whose form it
is.
"""

from __future__ import annotations

import base64
import hmac
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.requests import Request

from simcheck.errors import InvalidError, MediaTypeError, NotAllowedError
from simcheck.privacy import Keyring

MOST_FIELDS = 20
TOKEN = "form_token"  # the field of every form that holds its token  # noqa: S105
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

    def secret(self, name: str, most: int = 200) -> str:
        """A password or the like as it was typed, in NFC. Raises `InvalidError` beyond `most`."""
        return _within(name, unicodedata.normalize("NFC", self.fields.get(name, "")), most)


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


class FormExpiredError(NotAllowedError):
    """A form without the token of this browser and session: too old, from before a sign-in, or not ours."""

    code = "form_expired"


def token(keyring: Keyring, bound_to: str) -> str:
    """The token of the forms that belong to `bound_to`: a browser, a session."""
    return base64.urlsafe_b64encode(keyring.token("form", bound_to)).decode().rstrip("=")


def require_ours(request: Request, form: Form, expected: str) -> None:
    """Raise `FormExpiredError` unless the form holds this token, and the browser says that it stood on a page
    of ours (`Sec-Fetch-Site`, where it says anything).
    """
    elsewhere = request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}
    told = form.fields.get(TOKEN, "")
    if elsewhere or not hmac.compare_digest(told.encode(), expected.encode()):
        raise FormExpiredError("The form is too old. Open the page again.")
