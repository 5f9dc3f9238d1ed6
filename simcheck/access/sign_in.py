"""The steps of a sign-in at a desk: a password, then a one-time code; or what an identity provider says.

What is wrong is never told apart: an unknown name, a wrong password and a disabled account are answered the
same, in the same time. Tries are limited by account and by the client's address. The first step's success is
kept by the door, sealed in the browser, until the second: `Passed.since` is the account's state that it holds
for, so that a change of the account in between ends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import audit, clock
from simcheck.access import limits, passwords, people, totp
from simcheck.access.limits import Limit
from simcheck.access.models import Account, Means
from simcheck.errors import NotAuthenticatedError, TooManyError
from simcheck.service import Service

# By account from one address, by account from all of them (nobody is shut out by a stranger's few tries),
# and of the second step, where three codes of a million are right at a time.
_HERE = Limit("staff-account-here", rate=1 / 120, burst=10)
_ACCOUNT = Limit("staff-account", rate=20 / 3600, burst=50)
_SECOND = Limit("staff-second", rate=10 / 3600, burst=10)


class SignInRefusedError(NotAuthenticatedError):
    """Nobody was signed in, for whatever reason."""

    code = "sign_in_refused"


@dataclass(frozen=True)
class Passed:
    """Whose password was right, of the account as it was changed last at `since`. `enrolled`: a one-time code
    is asked for next; else the second step is to be enrolled.
    """

    username: str
    since: datetime
    enrolled: bool


async def take_try(session: AsyncSession, service: Service, username: str, client: str) -> None:
    """Count a try with a password. In a transaction of its own, before the password is looked at.

    `client` is the keyed token of the client's address. Raises `TooManyError`.
    """
    every = Limit(
        "staff-client", rate=service.settings.staff_sign_ins / 3600, burst=service.settings.staff_sign_ins
    )
    name = _subject(service, username)
    for limit, subject in ((every, client), (_HERE, f"{name}/{client}"), (_ACCOUNT, name)):
        await _take(session, limit, subject)


async def take_code(session: AsyncSession, service: Service, username: str) -> None:
    """Count a try with a one-time code. In a transaction of its own. Raises `TooManyError`."""
    await _take(session, _SECOND, _subject(service, username))


async def first(session: AsyncSession, service: Service, username: str, password: str) -> Passed | None:
    """Hold a password against an account's. None: it was not right, or there is no such account to sign in
    to.
    """
    account = await _open(session, Account.username == username, Means.LOCAL, locked=False)
    kept = account.password_hash if account else None
    right = await passwords.is_right(service.settings, kept, password)
    if account is None or not right:
        _refused(session, account, "password")
        return None
    assert kept is not None
    if passwords.is_old(service.settings, kept):
        account.password_hash = await passwords.hashed(service.settings, password)
    return Passed(account.username, account.changed_at, account.totp_secret is not None)


async def second(session: AsyncSession, service: Service, passed: Passed, code: str) -> Account | None:
    """Hold a one-time code, or a recovery code, against the account. None: it does not count (any more)."""
    account = await _of(session, passed)
    if account is None or account.totp_secret is None:
        _refused(session, account, "code")
        return None
    place = Account.place("totp_secret", account.username)
    step = totp.step_of(service.keyring.open(account.totp_secret, place).decode(), code, clock.now())
    if step is not None and (account.totp_step is None or step > account.totp_step):
        account.totp_step = step
        return account
    digest = totp.recovery_digest(service.keyring, account.username, code)
    if digest in account.recovery:
        account.recovery = [each for each in account.recovery if each != digest]
        audit.record(
            session, "person.recovery_used", f"person/{account.username}", {"left": len(account.recovery)}
        )
        return account
    _refused(session, account, "code")
    return None


async def enrol(
    session: AsyncSession, service: Service, passed: Passed, secret: str, code: str
) -> tuple[Account, list[str]] | None:
    """Take a secret as the account's second step, proved by a code of it. Gives the recovery codes, which are
    shown once. None: the code is not one of this secret, or the account has a second step by now.
    """
    account = await _of(session, passed)
    step = totp.step_of(secret, code, clock.now())
    if account is None or account.totp_secret is not None or step is None:
        return None
    account.totp_secret = service.keyring.seal(
        secret.encode(), Account.place("totp_secret", account.username)
    )
    account.totp_step = step
    codes = _new_codes(service, account)
    audit.record(session, "person.enrolled", f"person/{account.username}")
    return account, codes


async def renew_codes(
    session: AsyncSession, service: Service, username: str, password: str
) -> list[str] | None:
    """New recovery codes in place of all that somebody had. None: the password is not right.

    Raises `NotFoundError`.
    """
    account = await people.find(session, username, locked=True)
    if not await passwords.is_right(service.settings, account.password_hash, password):
        audit.record(session, "person.password_refused", f"person/{username}")
        return None
    codes = _new_codes(service, account)
    audit.record(session, "person.recovery_renewed", f"person/{username}")
    return codes


async def by_claim(session: AsyncSession, service: Service, claim: str) -> Account | None:
    """The account of whom the identity provider says this; None where nobody's is."""
    token = people.claim_token(service.keyring, claim)
    account = await _open(session, Account.claim_token == token, Means.OIDC)
    if account is None:
        _refused(session, None, "claim")
    return account


def _new_codes(service: Service, account: Account) -> list[str]:
    codes = totp.recovery_codes()
    account.recovery = [totp.recovery_digest(service.keyring, account.username, each) for each in codes]
    return codes


async def _of(session: AsyncSession, passed: Passed) -> Account | None:
    """The account whose password was right, unless it has changed since."""
    account = await _open(session, Account.username == passed.username, Means.LOCAL)
    return account if account is not None and account.changed_at == passed.since else None


async def _open(
    session: AsyncSession, which: sa.ColumnElement[bool], means: Means, *, locked: bool = True
) -> Account | None:
    """An account that somebody may sign in to. `locked`: two who send one code are judged one after the
    other; passwords are not, or many at once would tell by their time which names there are.
    """
    wanted = sa.select(Account).where(which, Account.means == means, Account.disabled_at.is_(None))
    return await session.scalar(wanted.with_for_update() if locked else wanted)


def _refused(session: AsyncSession, account: Account | None, what: str) -> None:
    """A row for whoever failed. A name that is nobody's is not kept: it may be a password in the wrong
    field.
    """
    subject = f"person/{account.username}" if account else "person"
    audit.record(session, "sign_in.refused", subject, {"what": what})


async def _take(session: AsyncSession, limit: Limit, subject: str) -> None:
    [grant] = await limits.take(session, limit, [subject])
    if not grant.granted:
        raise TooManyError("Too many tries to sign in. Wait, then try again.", grant.wait)


def _subject(service: Service, username: str) -> str:
    return service.keyring.token("staff_name", username).hex()
