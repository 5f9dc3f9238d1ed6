"""Every setting of the service: environment variables `SIMCHECK_*`, read once, at the start.

A process that is set up wrongly does not start: `settings()` names every fault, a line each.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import AnyHttpUrl, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from simcheck.errors import SettingsError

PREFIX = "SIMCHECK_"
# Variables of that prefix that are no settings of the service.
_NOT_SETTINGS = {"SIMCHECK_DEBUG", "SIMCHECK_URL", "SIMCHECK_CLIENT", "SIMCHECK_CLIENT_SECRET"}


class Settings(BaseSettings):
    """What the service can be told. Field `x` is the environment variable `SIMCHECK_X`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, env_ignore_empty=True)

    home: Path = Field(Path(".simcheck"), description="Folder for what the service keeps on this machine.")
    database_url: SecretStr | None = Field(
        None, description="postgresql://… of a PostgreSQL 15 or newer. Unset: an embedded one under the home."
    )
    database_connections: int = Field(10, ge=2, le=200, description="Connections a process may hold.")
    keys: SecretStr | None = Field(None, description="The content of the key file, in place of a file.")
    keys_file: Path | None = Field(None, description="The key file. Unset: keys.json in the home.")

    lake: str | None = Field(
        None, description="Folder, or URI such as s3://bucket/lake, of the lake. Unset: lake in the home."
    )
    buckets: int = Field(16, ge=1, le=512, description="Parts that a new register snapshot is cut into.")
    drop: Path | None = Field(
        None, description="Folder with one folder a carrier, from which files are taken."
    )
    register_url: AnyHttpUrl | None = Field(
        None, description="An online register. Unset: the current snapshot answers."
    )
    register_authority: Path | None = Field(None, description="Who vouches for the online register (PEM).")
    register_certificate: Path | None = Field(None, description="Our certificate for it (PEM).")
    register_key: Path | None = Field(None, description="That certificate's key (PEM).")

    listen: str = Field("127.0.0.1:8080", description="HOST:PORT to serve on.")
    public_url: AnyHttpUrl = Field(
        AnyHttpUrl("http://127.0.0.1:8080"),
        description="The address that clients use: issuer of tokens, audience of client assertions.",
    )
    token_seconds: int = Field(600, ge=30, le=3600, description="How long an access token is good.")

    client_rate: float = Field(
        50, gt=0, description="Requests a second that a client may make, unless its own rate says otherwise."
    )
    body_bytes: int = Field(64 << 10, ge=1 << 10, description="Largest body of an ordinary request.")
    upload_bytes: int = Field(8 << 30, ge=1 << 10, description="Largest subscriber file in an upload.")
    body_seconds: float = Field(30, gt=0, description="Longest pause of a client that sends a body.")
    fault: str | None = Field(
        None, pattern=r"^(record:.+|[^#]+(#[1-9]\d*)?)$", description="For tests alone: where to be killed."
    )

    # Uploads.
    body_rate: int = Field(
        1024, ge=0, description="Least bytes a second of a file's body, after its first minute."
    )
    batch_rows: int = Field(200_000_000, ge=1, description="Most rows that a subscriber file may have.")
    upload_hours: float = Field(
        24, gt=0, description="How long a resumable upload is kept after its last bytes."
    )
    raw_days: float = Field(7, gt=0, description="How long a file is kept as it came, after its check.")
    load_lease_seconds: float = Field(
        60, gt=0, description="Without a sign of life for so long, a batch that is being read is taken over."
    )
    drop_seconds: float = Field(
        10, ge=0, description="A file in the drop folder is taken when it did not change for so long."
    )

    # Cases, feedback, webhooks.
    referral_days: int = Field(
        30, ge=1, le=365, description="Days that the register's owner has to answer a referred case."
    )
    feedback_days: int = Field(
        30, ge=1, le=3650, description="Days that an acknowledged feedback file is kept."
    )
    webhooks_private: bool = Field(
        False, description="Let webhooks go to private addresses and over plain HTTP. For trials only."
    )

    # The gate: the OTP question, KYC Match.
    otp_register_hours: float = Field(
        168, gt=0, description="Greatest age of the register that a yes may rest on."
    )
    otp_recheck_hours: float = Field(
        6, ge=0, description="How long after a new register a carrier's rows may rest on the one before."
    )
    otp_carrier_days: float = Field(35, gt=0, description="Greatest age of the carrier's file.")
    otp_sim_days: float = Field(3, ge=0, description="Days after a change of the SIM without a yes.")
    otp_device_days: float = Field(3, ge=0, description="Days after a change of the handset without a yes.")
    otp_variants: bool = Field(False, description="Whether a badly written record of the person is enough.")
    number_guesses: int = Field(10, ge=1, description="Wrong questions about a number in a day.")
    client_guesses: int = Field(1000, ge=1, description="Wrong questions of a client in an hour.")

    # Holders: their pages, their replies, the help desk.
    proxies: int = Field(
        0, ge=0, le=10, description="Reverse proxies of ours in front: X-Forwarded-For tells who asks."
    )
    oidc_issuer: AnyHttpUrl | None = Field(
        None, description="The OpenID Connect provider with which holders sign in. Unset: they cannot."
    )
    oidc_client_id: str | None = Field(None, validate_default=True, description="Our name at the provider.")
    oidc_client_secret: SecretStr | None = Field(None, validate_default=True, description="Our secret there.")
    oidc_scope: str = Field("openid", pattern=r"^openid( \S+)*$", description="What we ask the provider for.")
    oidc_id_claim: str = Field("id_number", description="The claim that carries the ID number.")
    holder_asks: int = Field(
        60, ge=1, description="One-time codes that are asked for from an address in an hour."
    )
    correction_tries: int = Field(
        5, ge=1, description="Corrections that a holder may try for a number in a day."
    )
    questions_a_day: int = Field(5, ge=1, description="Questions that one number or email may ask in a day.")
    question_hours: float = Field(48, gt=0, description="Hours within which a question is to be answered.")
    question_days: float = Field(14, gt=0, description="Days after its answer that a question is closed.")
    question_kept_days: float = Field(
        365, gt=0, description="Days that the words of a closed question are kept."
    )
    replies_a_day: int = Field(20, ge=1, description="Messages of a number that are answered in a day.")

    # People at the desks: the ministry's staff, carriers' people.
    staff_idle_minutes: float = Field(
        30, ge=1, le=480, description="Minutes without a sign of life after which somebody is signed out."
    )
    staff_hours: float = Field(
        10, gt=0, le=24, description="Hours after which somebody is signed out in any case."
    )
    staff_sign_ins: int = Field(
        60, ge=1, description="Tries to sign in at a desk from one address in an hour."
    )
    staff_oidc_issuer: AnyHttpUrl | None = Field(
        None, description="The OpenID Connect provider with which staff sign in. Unset: they cannot."
    )
    staff_oidc_client_id: str | None = Field(None, validate_default=True, description="Our name there.")
    staff_oidc_client_secret: SecretStr | None = Field(
        None, validate_default=True, description="Our secret there."
    )
    staff_oidc_scope: str = Field(
        "openid", pattern=r"^openid( \S+)*$", description="What we ask that provider for."
    )
    staff_oidc_username_claim: str = Field(
        "preferred_username", description="The claim that says whose account it is."
    )
    staff_local: bool = Field(
        True, description="Let people sign in with a password and a one-time code beside the provider."
    )
    password_rounds: int = Field(3, ge=1, le=20, description="Passes of argon2id over its memory.")
    password_kib: int = Field(64 << 10, ge=8, le=1 << 20, description="Memory of argon2id, in KiB.")

    # The desk.
    claim_minutes: float = Field(
        15, gt=0, le=480, description="How long a case stays with a reviewer who does nothing."
    )
    undo_seconds: float = Field(
        10, ge=0, le=600, description="How long a decision can be undone before it binds."
    )
    bulk_cap: int = Field(
        100_000, ge=1, le=1_000_000, description="The most cases that one bulk decision may be about."
    )
    bulk_alone_cases: int = Field(
        50, ge=0, description="Bulk decisions about more cases than this need a second person."
    )
    bulk_alone_severity: Literal["light", "ordinary", "grave"] = Field(
        "ordinary", description="And so do those with a case that is graver than this."
    )
    bulk_hours: float = Field(
        72, gt=0, description="How long a proposed bulk decision waits for its second person."
    )
    bulk_batch: int = Field(
        2000, ge=1, le=20_000, description="Cases of a bulk decision that are decided in one transaction."
    )
    double_per_mille: int = Field(
        20, ge=0, le=1000, description="Of 1000 decided cases, how many are judged by a second reviewer."
    )

    # The country's figures.
    small_group: int = Field(
        10, ge=0, le=1000,
        description="Groups of fewer SIMs than this are hidden from those who may not see small ones.",
    )  # fmt: skip
    target_share: float = Field(
        1, gt=0, le=1, description="The share of real SIMs that the country is to reach, 0 to 1."
    )
    target_on: date | None = Field(
        None, description="The day by which it is to be reached (YYYY-MM-DD). Unset: as soon as may be."
    )

    # What holders are told.
    official_address: str | None = Field(
        None, pattern=r"^[A-Za-z0-9.:/-]{1,40}$",
        description="The one address that messages name, without https://. Unset: that of public_url.",
    )  # fmt: skip
    short_code: str = Field("1414", pattern=r"^\d{3,8}$", description="The number that holders answer to.")
    notices_policy: Path | None = Field(
        None, description="A policy of notices in place of the one that is shipped (policy.toml)."
    )
    notices_hold: bool = Field(False, description="Let notices of new cases wait for a campaign.")

    # Messages to people.
    sms_links: SecretStr | None = Field(
        None, description="Links to SMS centres: a JSON list, or the path of a file with it. Unset: none."
    )
    sms_unknown_seconds: float = Field(
        180, gt=0, description="How long a part that nobody answered waits for its receipt."
    )
    sms_resends: int = Field(1, ge=0, le=3, description="How often such a part is then sent again.")
    sms_receipt_hours: float = Field(
        72, gt=0, description="How long a receipt is waited for; after that, sent is all that is known."
    )
    sending_refusals: int = Field(
        6, ge=0, le=20, description="How often what was refused for now is tried again."
    )
    sending_lease_seconds: float = Field(
        60, gt=0, description="How long a message that was claimed stays with a sender that says nothing."
    )
    sender_metrics: str | None = Field(
        None, description="HOST:PORT on which a sender process tells its figures. Unset: it does not."
    )
    message_days: float = Field(
        90, gt=0, description="Days that a message's words and address are kept once it is settled."
    )

    mail: SecretStr | None = Field(
        None, description="The mail server: a JSON object, or the path of a file with it. Unset: no email."
    )

    # Orders to carriers.
    orders_lines: int = Field(
        20_000, ge=1, le=1_000_000, description="The most lines of one order; sending it locks their cases."
    )
    orders_hours: float = Field(72, gt=0, description="How long a proposal waits for its second person.")
    orders_register_hours: float = Field(
        168, gt=0, description="Greatest age of the register that an order may rest on."
    )
    orders_carrier_days: float = Field(
        35, gt=0, description="Greatest age of the carrier's file that an order may rest on."
    )
    orders_acknowledged_hours: float = Field(
        4, gt=0, description="Within how many hours a carrier says that it has an order."
    )
    orders_done_hours: float = Field(
        24, gt=0, description="And within how many after that, what became of it."
    )
    orders_restore_hours: float = Field(2, gt=0, description="The same two, of what undoes a suspension.")
    appeal_working_days: int = Field(
        5, ge=1, le=60, description="Within how many working days an appeal against an order is answered."
    )
    appeal_days: float = Field(
        730, gt=0, description="Days that an appeal's words are kept once it is decided."
    )
    orders_reminders: int = Field(
        2, ge=0, le=20, description="How often a carrier is reminded before people are told."
    )

    # Runs and the register.
    lease_seconds: float = Field(
        60, gt=0, description="How long a bucket stays with a worker that gives no sign of life."
    )
    retry_seconds: float = Field(
        60, gt=0, description="Pause before a step of a run that failed is tried again; it doubles each time."
    )
    kept_days: float = Field(
        30, ge=0, description="Days that rows of the lake are kept when newer ones have taken their place."
    )

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url and urlsplit(url.get_secret_value()).scheme not in {"postgresql", "postgres"}:
            raise ValueError("write postgresql://USER@HOST:PORT/DATABASE")
        return url

    @field_validator("listen", "sender_metrics")
    @classmethod
    def _is_an_address(cls, listen: str | None) -> str | None:
        if listen is None:
            return None
        host, _, port = listen.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError("write HOST:PORT, such as 127.0.0.1:8080")
        return listen

    @field_validator("oidc_issuer", "staff_oidc_issuer")
    @classmethod
    def _is_safe_to_ask(cls, issuer: AnyHttpUrl | None) -> AnyHttpUrl | None:
        if issuer and issuer.scheme != "https" and issuer.host not in {"127.0.0.1", "localhost", "[::1]"}:
            raise ValueError("write https://…")
        return issuer

    @field_validator("oidc_client_id", "oidc_client_secret")
    @classmethod
    def _is_there_with_a_provider(cls, value: Any, told: ValidationInfo) -> Any:
        if told.data.get("oidc_issuer") and value is None:
            raise ValueError("the provider of SIMCHECK_OIDC_ISSUER asks for it: set it too")
        return value

    @field_validator("staff_oidc_client_id", "staff_oidc_client_secret")
    @classmethod
    def _is_there_with_staffs_provider(cls, value: Any, told: ValidationInfo) -> Any:
        if told.data.get("staff_oidc_issuer") and value is None:
            raise ValueError("the provider of SIMCHECK_STAFF_OIDC_ISSUER asks for it: set it too")
        return value

    @field_validator("staff_local")
    @classmethod
    def _lets_somebody_in(cls, local: bool, told: ValidationInfo) -> bool:
        if not local and told.data.get("staff_oidc_issuer") is None:
            raise ValueError("without SIMCHECK_STAFF_OIDC_ISSUER nobody could sign in at the desks")
        return local

    @property
    def host_and_port(self) -> tuple[str, int]:
        """The two halves of `listen`."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def issuer(self) -> str:
        """The public address without a slash at its end."""
        return str(self.public_url).rstrip("/")

    @property
    def address_shown(self) -> str:
        """The official address, as messages name it."""
        return self.official_address or self.issuer.partition("://")[2]

    @property
    def lake_location(self) -> str:
        """Where the lake is."""
        return self.lake or str(self.home / "lake")

    @property
    def keys_path(self) -> Path:
        """Where the key file is, whether or not it is used."""
        return self.keys_file or self.home / "keys.json"


def settings() -> Settings:
    """Read the settings from the environment.

    Raises `SettingsError` with one line for each variable that is wrong or unknown. No line shows a
    variable's value: it may be a secret.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields} | _NOT_SETTINGS
    faults = [
        f"{name}: there is no such setting. Remove it, or correct its name."
        for name in sorted(os.environ)
        if name.upper().startswith(PREFIX) and name.upper() not in known
    ]
    try:
        read = Settings()
    except ValidationError as error:
        faults += [
            f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsError(faults) from None
    if faults:
        raise SettingsError(faults)
    return read
