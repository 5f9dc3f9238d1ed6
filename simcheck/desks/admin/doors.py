"""The administration's pages together, and what leads to them."""

from __future__ import annotations

from fastapi import APIRouter

from simcheck.access.roles import Permission
from simcheck.desks.admin import (
    chain,
    clients,
    failed,
    links,
    one_question,
    people,
    person,
    policies,
    questions,
    texts,
)
from simcheck.desks.frame.menu import Entry

ROUTERS: tuple[APIRouter, ...] = (
    people.router, person.router, clients.router, policies.router, texts.router, links.router,
    chain.router, failed.router, questions.router, one_question.router,
)  # fmt: skip
MENU = (
    Entry(questions.LIST, "admin.questions", Permission.QUESTION_SEE),
    Entry(people.LIST, "admin.people", Permission.PEOPLE_MANAGE),
    Entry(clients.LIST, "admin.clients", Permission.CLIENT_MANAGE),
    Entry(policies.POLICIES, "admin.policies", Permission.POLICY_SEE),
    Entry(chain.AUDIT, "admin.audit", Permission.AUDIT_SEE),
    Entry(failed.FAILED, "admin.failed", Permission.JOB_MANAGE),
)
