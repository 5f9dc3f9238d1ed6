"""The portal's pages together, and what leads to them."""

from __future__ import annotations

from fastapi import APIRouter

from simcheck.access.roles import Permission
from simcheck.desks.frame.menu import Entry
from simcheck.desks.portal import (
    appeals,
    batches,
    cases,
    corrections,
    feedback,
    orders,
    overview,
    people,
    questions,
    systems,
    uploads,
    webhooks,
)

# Corrections before the files, and webhooks before the systems, that they stand under.
ROUTERS: tuple[APIRouter, ...] = (
    uploads.router, batches.router, corrections.router, feedback.router, cases.router, orders.router,
    appeals.router, questions.router, overview.router, webhooks.router, systems.router, people.router,
)  # fmt: skip
MENU = (
    Entry("/portal/batches", "portal.batches", Permission.BATCH_SEE),
    Entry("/portal/feedback", "portal.feedback", Permission.FEEDBACK_GET),
    Entry("/portal/cases", "portal.cases", Permission.OWN_CASES),
    Entry("/portal/orders", "portal.orders", Permission.ORDER_SEE),
    Entry("/portal/appeals", "portal.appeals", Permission.OWN_APPEALS),
    Entry("/portal/questions", "portal.questions", Permission.QUESTION_SEE),
    Entry("/portal/figures", "portal.figures", Permission.OWN_FIGURES),
    Entry("/portal/systems", "portal.systems", Permission.OWN_CLIENTS),
    Entry("/portal/people", "portal.people", Permission.OWN_PEOPLE),
)
