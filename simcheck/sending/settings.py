"""How links are set up: `SIMCHECK_SMS_LINKS`, a JSON list, or a file that holds one.

[{"name": "viettel-1", "host": "smsc.example.vn", "port": 2775, "system_id": "simcheck",
  "password": "…", "source": "SIMCHECK"},
 {"name": "aggregator", "kind": "http", "url": "https://sms.example.vn/send", "token": "…",
  "source": "SIMCHECK"}]
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from simcheck.config import Settings
from simcheck.errors import SettingsError
from simcheck.sending.senders.pdu import Bind

_WHERE = "SIMCHECK_SMS_LINKS"
_NAME = r"^[a-z0-9][a-z0-9-]{0,31}$"
_ASCII = r"^[\x21-\x7e]*$"


class _Link(BaseModel):
    """What every link has.

    `smsc` names the SMS centre: links with the same one share its ids of messages, so that a receipt may come
    in on another link than the part went out on. `rate` is in parts a second.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=_NAME)
    smsc: str = Field("", pattern=r"^[a-z0-9-]{0,32}$")
    rate: float = Field(1000, gt=0, le=100_000)
    window: int = Field(100, ge=1, le=1000)

    @property
    def centre(self) -> str:
        """The SMS centre's name."""
        return self.smsc or self.name


class SmppSettings(_Link):
    """A link by SMPP 3.4. `source` is what holders see: a short code, or up to 11 characters.

    `tls_authority` names who vouches for the other side (PEM; unset: the system's), `tls_certificate` and
    `tls_key` are ours, where it wants one. `validity_hours` is the longest that the other side is to try.
    With `references`, each part carries a number of ours that receipts may give back.
    """

    kind: Literal["smpp"] = "smpp"
    host: str = Field(min_length=1)
    port: int = Field(2775, ge=1, le=65535)
    system_id: str = Field(max_length=15, pattern=_ASCII)
    password: SecretStr = SecretStr("")
    system_type: str = Field("", max_length=12, pattern=_ASCII)
    bind: Bind = Bind.TRANSCEIVER
    source: str = Field("", max_length=20, pattern=r"^[\x20-\x7e]*$")
    source_ton: int | None = Field(None, ge=0, le=6)
    source_npi: int | None = Field(None, ge=0, le=18)
    service_type: str = Field("", max_length=5, pattern=_ASCII)
    tls: bool = False
    tls_authority: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    answer_seconds: float = Field(15, gt=0, le=50)
    enquire_seconds: float = Field(30, gt=0)
    validity_hours: float = Field(48, gt=0, le=720)
    references: bool = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.password.get_secret_value().isascii():
            raise ValueError("password: ASCII alone")
        if self.bind is not Bind.RECEIVER and not self.source:
            raise ValueError("source: say what holders see")
        if not self.source.isdigit() and len(self.source) > 11:
            raise ValueError("source: at most 11 characters")
        return self

    @property
    def source_type(self) -> tuple[int, int]:
        """TON and NPI of the source (5.2.5, 5.2.6): alphanumeric, short code, or international number."""
        if not self.source.isdigit():
            ton, npi = 5, 0
        else:
            ton, npi = (3, 0) if len(self.source) <= 8 else (1, 1)
        return (
            ton if self.source_ton is None else self.source_ton,
            npi if self.source_npi is None else self.source_npi,
        )


class AggregatorSettings(_Link):
    """A link to an HTTP aggregator (`senders.aggregator`). `id_field` is where it names the message."""

    kind: Literal["http"]
    url: AnyHttpUrl
    token: SecretStr
    source: str = Field(min_length=1, max_length=20, pattern=r"^[\x20-\x7e]*$")
    id_field: str = "id"
    tls_authority: Path | None = None
    answer_seconds: float = Field(15, gt=0, le=50)

    @model_validator(mode="after")
    def _is_protected(self) -> Self:
        if self.url.scheme != "https" and self.url.host not in {"127.0.0.1", "localhost", "[::1]"}:
            raise ValueError("url: https, unless it is on this machine")
        return self


LinkSettings = SmppSettings | AggregatorSettings
_KINDS = ("smpp", "http")
_LINKS: TypeAdapter[list[LinkSettings]] = TypeAdapter(
    list[
        Annotated[
            Annotated[SmppSettings, Tag("smpp")] | Annotated[AggregatorSettings, Tag("http")],
            Discriminator(lambda link: link.get("kind", "smpp") if isinstance(link, dict) else "smpp"),
        ]
    ]
)


def links_of(settings: Settings) -> list[LinkSettings]:
    """The links that are set up. Raises `SettingsError` with a line for every fault; none shows a value."""
    if settings.sms_links is None:
        return []
    given = settings.sms_links.get_secret_value().strip()
    if not given.startswith("["):
        try:
            given = Path(given).read_text("utf-8")
        except (OSError, UnicodeError, ValueError):
            raise SettingsError([f"{_WHERE}: write a JSON list, or the path of a file with one."]) from None
    try:
        links = _LINKS.validate_python(json.loads(given))
    except ValueError as error:
        raise SettingsError(_faults(error)) from None
    names = [link.name for link in links]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingsError([f"{_WHERE}: two links are called {name}." for name in twice])
    return links


def _faults(error: ValueError) -> list[str]:
    if not isinstance(error, ValidationError):
        return [f"{_WHERE}: not JSON. Write a list of links."]
    faults = error.errors(include_input=False, include_url=False)
    return [
        f"{_WHERE}: {_place(fault['loc'])}: {fault['msg'].replace('Value error, ', '')}" for fault in faults
    ]


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(each) for each in loc if each not in _KINDS)
