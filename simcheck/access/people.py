"""Accounts of people at the desks: adding, changing, disabling them. They are never removed.

    added = await people.add(session, service, New("an.nguyen", "Nguyễn Văn An", ["reviewer"]))
    added.password  # what was drawn for the first sign-in, shown once

A change of somebody's password or roles ends their sessions, in the same transaction. Nobody changes their
own rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.access import passwords, roles, staff_sessions
from simcheck.access.clients import CARRIER_CODE
from simcheck.access.models import Account, Carrier, Means
from simcheck.access.roles import Permission, Role
from simcheck.db.engine import actor_of
from simcheck.errors import ConflictError, NotAllowedError, NotFoundError, UsageError
from simcheck.privacy import Keyring
from simcheck.service import Service

# No run of seven digits: a user name stands in addresses and in the audit chain, a phone number may not.
USERNAME = re.compile(r"(?!.*\d{7})[a-z][a-z0-9._-]{1,63}")
_MOST_NAME, _MOST_EMAIL, _MOST_CLAIM = 100, 200, 200
# Whoever takes an administrator away waits for others who do: two who shut each other out at once come one
# after the other, and the second one is refused.
ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtext('simcheck administrators'))")
ADMINISTRATORS = sa.text("""
SELECT count(*) FROM person WHERE 'administrator' = ANY(roles) AND disabled_at IS NULL AND username <> :but
""")

_COLLEAGUES = (
    sa.select(Account.username, Account.name)
    .where(
        Account.carrier.is_(None), Account.disabled_at.is_(None),
        Account.roles.overlap(sa.bindparam("able", type_=Account.roles.type)),
    )
    .order_by(Account.username)
)  # fmt: skip


class LastAdministratorError(ConflictError):
    """Without this one nobody could give rights any more."""

    code = "last_administrator"


@dataclass(frozen=True)
class New:
    """An account to be. Without `carrier` it is the ministry's. With `claim`, somebody signs in at the
    identity provider, which says this of them; else with `password`, or one that is drawn.
    """

    username: str
    name: str = field(repr=False)
    roles: Sequence[str]
    carrier: str | None = None
    email: str | None = field(default=None, repr=False)
    claim: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Listed:
    """An account as lists show it."""

    username: str
    name: str = field(repr=False)
    email: str | None = field(repr=False)
    carrier: str | None
    roles: tuple[Role, ...]
    means: Means
    enrolled: bool
    added_at: datetime
    signed_in_at: datetime | None
    disabled_at: datetime | None


async def add(session: AsyncSession, service: Service, new: New) -> str | None:
    """Add an account. Gives the password that was drawn, which is shown once and has to be changed at the
    first sign-in; None where one was given, or the person signs in at a provider.

    Raises `UsageError` for what cannot be, `ConflictError` for a user name or claim that is taken,
    `WeakPasswordError`.
    """
    _require_usable(new)
    wanted = roles.chosen(new.roles, new.carrier)
    drawn = passwords.draw() if new.claim is None and new.password is None else None
    password = new.password or drawn
    if new.password is not None:
        passwords.require_good(new.password, new.username)
    if new.carrier:
        carrier = pg.insert(Carrier).values(code=new.carrier, added_at=clock.now()).on_conflict_do_nothing()
        await session.execute(carrier)
    ring, now = service.keyring, clock.now()
    row = {
        "username": new.username, "carrier": new.carrier, "roles": wanted, "added_at": now, "changed_at": now,
        "means": Means.LOCAL if new.claim is None else Means.OIDC, "must_change": drawn is not None,
        "name": ring.seal(" ".join(new.name.split()).encode(), Account.place("name", new.username)),
        "email": ring.seal(new.email.encode(), Account.place("email", new.username)) if new.email else None,
        "claim_token": None if new.claim is None else claim_token(ring, new.claim),
        "password_hash": None if password is None else await passwords.hashed(service.settings, password),
    }  # fmt: skip
    inserted = pg.insert(Account).values(row).on_conflict_do_nothing().returning(Account.username)
    if await session.scalar(inserted) is None:
        raise ConflictError(f"{new.username}: this user name, or what the provider says, is taken.")
    detail = {"carrier": new.carrier, "roles": list(wanted), "means": row["means"]}
    audit.record(session, "person.added", f"person/{new.username}", detail)
    return drawn


def _require_usable(new: New) -> None:
    if not USERNAME.fullmatch(new.username):
        raise UsageError(
            f"{new.username!r}: a user name is 2 to 64 of a-z, 0-9, '.', '_' and '-', begins with a letter "
            "and has no run of 7 digits"
        )
    if not 0 < len(new.name.strip()) <= _MOST_NAME:
        raise UsageError(f"{new.username}: give the person's name, of at most {_MOST_NAME} characters")
    if new.carrier is not None and not CARRIER_CODE.fullmatch(new.carrier):
        raise UsageError(f"{new.carrier}: not a carrier's code")
    if new.email and (
        len(new.email) > _MOST_EMAIL or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", new.email)
    ):
        raise UsageError(f"{new.username}: the email address cannot be used")
    if new.claim is not None and not 0 < len(new.claim) <= _MOST_CLAIM:
        raise UsageError(f"{new.username}: what the provider says has 1 to {_MOST_CLAIM} characters")


async def find(session: AsyncSession, username: str, *, locked: bool = False) -> Account:
    """An account that this session may see, `locked` until it ends. Raises `NotFoundError`."""
    wanted = sa.select(Account).where(Account.username == username)
    wanted = wanted.with_for_update() if locked else wanted
    account = await session.scalar(wanted) if USERNAME.fullmatch(username) else None
    if account is None:
        raise NotFoundError(f"{username[:64]}: there is no such account")
    return account


async def listed(session: AsyncSession, keyring: Keyring, carrier: str | None = None) -> list[Listed]:
    """All accounts that this session may see, by user name; of one carrier where it is named."""
    wanted = sa.select(Account).order_by(Account.username)
    if carrier is not None:
        wanted = wanted.where(Account.carrier == carrier)
    return [shown(keyring, account) for account in await session.scalars(wanted)]


def shown(keyring: Keyring, account: Account) -> Listed:
    """An account as lists show it."""
    email = account.email
    return Listed(
        account.username, name_of(keyring, account),
        None if email is None else keyring.open(email, Account.place("email", account.username)).decode(),
        account.carrier, tuple(Role(role) for role in account.roles), Means(account.means),
        account.totp_secret is not None, account.added_at, account.signed_in_at, account.disabled_at,
    )  # fmt: skip


async def names(session: AsyncSession, keyring: Keyring, usernames: Iterable[str]) -> dict[str, str]:
    """What these people are called, by user name, as far as this session may see them."""
    wanted = sa.select(Account).where(Account.username.in_(list(usernames)))
    return {each.username: name_of(keyring, each) for each in await session.scalars(wanted)}


async def colleagues(
    session: AsyncSession, keyring: Keyring, permission: Permission
) -> list[tuple[str, str]]:  # fmt: skip
    """The ministry's people who may do this and whose account is not disabled: user name and name, by user
    name."""
    able = [role.value for role, permissions in roles.MAY.items() if permission in permissions]
    found = await session.execute(_COLLEAGUES, {"able": able})
    return [(username, _opened(keyring, username, name)) for username, name in found]


def name_of(keyring: Keyring, account: Account) -> str:
    """What the person is called."""
    return _opened(keyring, account.username, account.name)


def _opened(keyring: Keyring, username: str, name: bytes) -> str:
    return keyring.open(name, Account.place("name", username)).decode()


async def disable(session: AsyncSession, username: str) -> None:
    """Shut an account; its sessions end. Raises `NotFoundError`, `NotAllowedError` for one's own,
    `LastAdministratorError`.
    """
    await session.execute(ONE_AT_A_TIME)
    account = await _others(session, username)
    if account.disabled_at is None:
        await _require_another(session, account)
        account.disabled_at = account.changed_at = clock.now()
        await staff_sessions.revoke_all(session, username)
        audit.record(session, "person.disabled", f"person/{username}")


async def enable(session: AsyncSession, username: str) -> None:
    """Open an account again. Raises `NotFoundError`, `NotAllowedError` for one's own."""
    account = await _others(session, username)
    if account.disabled_at is not None:
        account.disabled_at, account.changed_at = None, clock.now()
        audit.record(session, "person.enabled", f"person/{username}")


async def set_roles(session: AsyncSession, username: str, wanted: Iterable[str]) -> None:
    """Give an account these roles in place of its own; its sessions end.

    Raises `NotFoundError`, `UsageError` for roles that it cannot have, `NotAllowedError` for one's own,
    `LastAdministratorError`.
    """
    await session.execute(ONE_AT_A_TIME)
    account = await _others(session, username)
    new, old = list(roles.chosen(wanted, account.carrier)), list(account.roles)
    if new != old:
        if Role.ADMINISTRATOR not in new:
            await _require_another(session, account)
        account.roles, account.changed_at = [str(role) for role in new], clock.now()
        await staff_sessions.revoke_all(session, username)
        audit.record(session, "person.roles_changed", f"person/{username}", {"from": old, "to": list(new)})


async def reset(session: AsyncSession, service: Service, username: str, password: str | None = None) -> str:
    """Give a local account a new password, or a drawn one, to be changed at the next sign-in, and let it
    enrol its second step anew. Gives the password. Its sessions end.

    Raises `NotFoundError`, `UsageError` for an account of the provider, `WeakPasswordError`,
    `NotAllowedError` for one's own.
    """
    account = await _others(session, username)
    if account.means != Means.LOCAL:
        raise UsageError(f"{username}: signs in at the identity provider, and has no password here")
    if password is not None:
        passwords.require_good(password, username)
    chosen = password or passwords.draw()
    account.password_hash = await passwords.hashed(service.settings, chosen)
    account.must_change, account.changed_at = True, clock.now()
    account.totp_secret, account.totp_step, account.recovery = None, None, []
    await staff_sessions.revoke_all(session, username)
    audit.record(session, "person.reset", f"person/{username}")
    return chosen


async def change_password(
    session: AsyncSession, service: Service, username: str, old: str, new: str
) -> bool:  # fmt: skip
    """Take a new password in place of the old one; all sessions of the account end. False: the old one was
    not right. Raises `WeakPasswordError` for one that is too easy or the same, `NotFoundError`.
    """
    account = await find(session, username, locked=True)
    if not await passwords.is_right(service.settings, account.password_hash, old):
        audit.record(session, "person.password_refused", f"person/{username}")
        return False
    passwords.require_good(new, username)
    if new == old:
        raise passwords.WeakPasswordError("Choose another password than the one before.")
    account.password_hash = await passwords.hashed(service.settings, new)
    account.must_change, account.changed_at = False, clock.now()
    await staff_sessions.revoke_all(session, username)
    audit.record(session, "person.password_changed", f"person/{username}")
    return True


async def _require_another(session: AsyncSession, account: Account) -> None:
    """Raise `LastAdministratorError` where nobody else administers: the lock is held."""
    if Role.ADMINISTRATOR in account.roles and account.disabled_at is None:
        left = await session.scalar(ADMINISTRATORS, {"but": account.username})
        if not left:
            raise LastAdministratorError(
                f"{account.username} is the last administrator. Make somebody else one first."
            )


def claim_token(keyring: Keyring, claim: str) -> bytes:
    """What finds an account by what the identity provider says."""
    return keyring.token("staff_claim", claim)


async def _others(session: AsyncSession, username: str) -> Account:
    """An account that is not the one who acts."""
    if actor_of(session) == f"person:{username}":
        raise NotAllowedError("Nobody changes the rights of their own account. Ask another administrator.")
    return await find(session, username, locked=True)
