"""What people at the desks may do: one table, from roles to permissions. Everything that asks, asks here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from simcheck.errors import UsageError


class Side(StrEnum):
    """For whom somebody works. What the one does, the other never sees."""

    MINISTRY = "ministry"
    CARRIER = "carrier"


class Role(StrEnum):
    """What somebody is there for. A person may have several, all of one side."""

    REVIEWER = "reviewer"
    SUPERVISOR = "supervisor"
    ANALYST = "analyst"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    UPLOADER = "uploader"
    MANAGER = "manager"

    @property
    def side(self) -> Side:
        """For whom people of this role work."""
        return Side.CARRIER if self in {Role.UPLOADER, Role.MANAGER} else Side.MINISTRY


class Permission(StrEnum):
    """One thing that can be allowed: `thing.verb`."""

    # What everybody at a desk has.
    DESK_ENTER = "desk.enter"
    PORTAL_ENTER = "portal.enter"
    OWN_ACCOUNT = "own.account"

    # The ministry's.
    QUEUE_SEE = "queue.see"
    CASE_SEE = "case.see"
    CASE_UNMASK = "case.unmask"
    CASE_CLAIM = "case.claim"
    CASE_DECIDE = "case.decide"
    CASE_ASSIGN = "case.assign"
    BULK_PROPOSE = "bulk.propose"
    BULK_APPROVE = "bulk.approve"
    DOUBLE_JUDGE = "double.judge"
    DOUBLE_SEE = "double.see"
    DOUBLE_SETTLE = "double.settle"
    COUNTRY_SEE = "country.see"
    COUNTRY_SMALL = "country.small"  # figures of groups so small that they may point at somebody
    EXPORT = "export"
    PATTERN_SEE = "pattern.see"
    POLICY_SEE = "policy.see"
    POLICY_WRITE = "policy.write"
    POLICY_APPROVE = "policy.approve"  # another's alone
    ORDERS_SEE = "orders.see"
    ORDER_PROPOSE = "order.propose"
    ORDER_APPROVE = "order.approve"  # another's alone
    BRAKE_RELEASE = "brake.release"  # and pulling it
    HOLDS_SEE = "holds.see"  # what stands in the way of orders: appeals, legal holds, protected lines
    APPEAL_MAKE = "appeal.make"  # for somebody
    APPEAL_DECIDE = "appeal.decide"  # about what others ordered
    HOLD_WRITE = "hold.write"  # asking, and confirming another's
    TEMPLATE_SEE = "template.see"
    LINK_SEE = "link.see"
    PEOPLE_MANAGE = "people.manage"
    AUDIT_SEE = "audit.see"
    CLIENT_MANAGE = "client.manage"
    JOB_MANAGE = "job.manage"  # work that failed: seeing it and having it done again
    CARE_SEE = "care.see"  # data protection: requests (without their words), retention, processing
    CARE_ANSWER = "care.answer"  # people's requests about their data
    CARE_PRESERVE = "care.preserve"  # orders by which nothing of somebody may be removed

    # A carrier's.
    BATCH_SEE = "batch.see"
    BATCH_UPLOAD = "batch.upload"
    FEEDBACK_GET = "feedback.get"
    FEEDBACK_ACKNOWLEDGE = "feedback.acknowledge"
    OWN_CASES = "own.cases"
    ORDER_SEE = "order.see"
    ORDER_ANSWER = "order.answer"
    OWN_APPEALS = "own.appeals"  # objecting for one's own subscribers, and what becomes of it
    OWN_FIGURES = "own.figures"
    OWN_CLIENTS = "own.clients"
    OWN_PEOPLE = "own.people"

    # Holders' questions: staff's, or a carrier's own.
    QUESTION_SEE = "question.see"
    QUESTION_ANSWER = "question.answer"


_P = Permission
_STAFF = frozenset({_P.DESK_ENTER, _P.OWN_ACCOUNT})
_REVIEWER = _STAFF | {
    _P.QUEUE_SEE, _P.CASE_SEE, _P.CASE_UNMASK, _P.CASE_CLAIM, _P.CASE_DECIDE, _P.DOUBLE_JUDGE,
    _P.QUESTION_SEE, _P.QUESTION_ANSWER, _P.HOLDS_SEE, _P.APPEAL_MAKE,
}  # fmt: skip
_UPLOADER = frozenset(
    {_P.PORTAL_ENTER, _P.OWN_ACCOUNT, _P.BATCH_SEE, _P.BATCH_UPLOAD, _P.FEEDBACK_GET, _P.FEEDBACK_ACKNOWLEDGE}
)

MAY: Mapping[Role, frozenset[Permission]] = {
    Role.REVIEWER: _REVIEWER,
    Role.SUPERVISOR: _REVIEWER | {
        _P.CASE_ASSIGN, _P.BULK_PROPOSE, _P.BULK_APPROVE, _P.DOUBLE_SEE, _P.DOUBLE_SETTLE,
        _P.COUNTRY_SEE, _P.COUNTRY_SMALL, _P.EXPORT, _P.PATTERN_SEE, _P.CARE_SEE, _P.CARE_ANSWER,
        _P.CARE_PRESERVE,
        _P.POLICY_SEE, _P.POLICY_WRITE, _P.POLICY_APPROVE, _P.ORDERS_SEE, _P.ORDER_PROPOSE,
        _P.ORDER_APPROVE, _P.BRAKE_RELEASE, _P.APPEAL_DECIDE, _P.HOLD_WRITE,
    },
    # Figures, not people: an analyst opens no case and sees no small group.
    Role.ANALYST: _STAFF | {_P.COUNTRY_SEE, _P.EXPORT, _P.PATTERN_SEE, _P.DOUBLE_SEE},
    # Looks at everything, changes nothing, and sees personal data masked.
    Role.AUDITOR: _STAFF | {
        _P.QUEUE_SEE, _P.CASE_SEE, _P.DOUBLE_SEE, _P.COUNTRY_SEE, _P.COUNTRY_SMALL, _P.PATTERN_SEE,
        _P.POLICY_SEE, _P.TEMPLATE_SEE, _P.LINK_SEE, _P.AUDIT_SEE, _P.QUESTION_SEE, _P.ORDERS_SEE,
        _P.CARE_SEE,
        _P.HOLDS_SEE,
    },
    # Runs the service, and has no case to decide: who gives the rights does not use them.
    Role.ADMINISTRATOR: _STAFF | {
        _P.PEOPLE_MANAGE, _P.CLIENT_MANAGE, _P.JOB_MANAGE, _P.POLICY_SEE, _P.POLICY_WRITE,
        _P.POLICY_APPROVE, _P.TEMPLATE_SEE, _P.LINK_SEE, _P.AUDIT_SEE, _P.CARE_SEE,
    },
    Role.UPLOADER: _UPLOADER,
    Role.MANAGER: _UPLOADER | {
        _P.OWN_CASES, _P.ORDER_SEE, _P.ORDER_ANSWER, _P.OWN_APPEALS, _P.OWN_FIGURES, _P.OWN_CLIENTS,
        _P.OWN_PEOPLE, _P.QUESTION_SEE, _P.QUESTION_ANSWER,
    },
}  # fmt: skip


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """Everything that these roles allow together."""
    return frozenset().union(*(MAY[role] for role in roles))


def chosen(wanted: Iterable[str], carrier: str | None) -> list[Role]:
    """The wanted roles, in the table's order. Raises `UsageError` for one that is unknown or of the other
    side, and for none at all.
    """
    side = Side.CARRIER if carrier else Side.MINISTRY
    possible = [role for role in Role if role.side is side]
    named = set(wanted)
    for name in sorted(named):
        if name not in possible:
            whose = "a carrier's people" if carrier else "the ministry's people"
            raise UsageError(f"{name}: no role of {whose}. There are {', '.join(possible)}")
    if not named:
        raise UsageError(f"Choose a role: {', '.join(possible)}")
    return [role for role in possible if role in named]
