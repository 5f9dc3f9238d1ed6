"""How email is set up: `SIMCHECK_MAIL`, a JSON object, or a file that holds one.

{"host": "mail.example.vn", "port": 587, "user": "simcheck", "password": "…",
 "from": "thongbao@example.vn", "name": "Xác thực thuê bao",
 "dkim_selector": "k1", "dkim_key": "/run/secrets/dkim.pem", "bounces": "/var/mail/bounces"}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from simcheck.config import Settings
from simcheck.errors import SettingsError
from simcheck.privacy import Keyring
from simcheck.sending.mail import mime
from simcheck.sending.mail.smtp import MailServer, Sender, SmtpSender, Tls

_WHERE = "SIMCHECK_MAIL"


class MailSettings(BaseModel):
    """The mail server, who writes, who signs, and where bounces come back.

    `tls` is required, implicit, opportunistic or none; `trust` names who vouches for the server (PEM; unset:
    the system's). `bounces` is a Maildir into which our domain's mail server delivers `bounce+…` addresses.
    `rate` is in letters a second.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    host: str = Field(min_length=1)
    port: int = Field(587, ge=1, le=65535)
    tls: Tls = Tls.REQUIRED
    user: str | None = None
    password: SecretStr | None = None
    trust: Path | None = None
    greeting: str | None = Field(None, pattern=r"^[A-Za-z0-9.-]+$")
    mailbox: str = Field(alias="from")
    name: str = Field("simcheck", min_length=1, max_length=100)
    dkim_selector: str | None = Field(None, pattern=r"^[A-Za-z0-9.-]+$")
    dkim_key: Path | None = None
    bounces: Path | None = None
    window: int = Field(4, ge=1, le=100)
    rate: float = Field(50, gt=0, le=10_000)
    answer_seconds: float = Field(30, gt=0, le=600)

    @field_validator("mailbox")
    @classmethod
    def _is_a_mailbox(cls, mailbox: str) -> str:
        if mime.mailbox(mailbox) != mailbox:
            raise ValueError("write one mailbox, such as thongbao@example.vn")
        return mailbox

    @field_validator("name")
    @classmethod
    def _is_one_line(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("one line, without control characters")
        return name

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.dkim_key is None) != (self.dkim_selector is None):
            raise ValueError("dkim_key and dkim_selector go together")
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        return self


def mail_of(settings: Settings) -> MailSettings | None:
    """How email is set up, if it is. Raises `SettingsError`: a line for every fault; none shows a value."""
    if settings.mail is None:
        return None
    given = settings.mail.get_secret_value().strip()
    if not given.startswith("{"):
        try:
            given = Path(given).read_text("utf-8")
        except (OSError, UnicodeError, ValueError):
            raise SettingsError([f"{_WHERE}: write a JSON object, or the path of a file with one."]) from None
    try:
        return MailSettings.model_validate(json.loads(given))
    except ValidationError as error:
        raise SettingsError([_fault(each) for each in _listed(error)]) from None
    except ValueError:
        raise SettingsError([f"{_WHERE}: not JSON. Write an object."]) from None


def sender_of(mail: MailSettings, keyring: Keyring) -> SmtpSender:
    """What sends email. Raises `SettingsError` for a key that cannot be read."""
    signer = None
    if mail.dkim_key is not None and mail.dkim_selector is not None:
        try:
            key = mail.dkim_key.read_bytes()
        except OSError:
            raise SettingsError([f"{_WHERE}: dkim_key: {mail.dkim_key} cannot be read."]) from None
        signer = mime.Signer(mail.mailbox.rpartition("@")[2], mail.dkim_selector, key)
    password = mail.password.get_secret_value() if mail.password else None
    trust = str(mail.trust) if mail.trust else None
    server = MailServer(
        mail.host, mail.port, mail.tls, mail.user, password, trust, mail.greeting, mail.answer_seconds
    )
    return SmtpSender(server, Sender(mail.name, mail.mailbox, signer), keyring, mail.window)


def _listed(error: ValidationError) -> list[tuple[str, str]]:
    return [
        (".".join(str(each) for each in fault["loc"]), fault["msg"].replace("Value error, ", ""))
        for fault in error.errors(include_input=False, include_url=False)
    ]


def _fault(fault: tuple[str, str]) -> str:
    where, what = fault
    return f"{_WHERE}: {where}: {what}" if where else f"{_WHERE}: {what}"
