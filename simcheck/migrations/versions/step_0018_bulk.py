"""Decisions about many cases at once, with what is in each; and cases that are judged a second time."""

from __future__ import annotations

from alembic import op

from simcheck.migrations.tenancy import serve, tenant

revision = "0018"
down_revision = "0017"

# Whoever proposes never approves, and what suspends or disowns always has a second person: whatever a
# program says, since it can neither change the proposer nor what is proposed (see the privileges below).
BULK_PROPOSAL = """
CREATE TABLE bulk_proposal (
    id uuid CONSTRAINT bulk_proposal_pkey PRIMARY KEY,
    query text NOT NULL,
    decision text NOT NULL,
    reason text NOT NULL,
    note bytea,
    cases integer NOT NULL,
    sample uuid[] NOT NULL,
    second boolean NOT NULL,
    state text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    approved_by text,
    begun_at timestamptz,
    settled_by text,
    settled_at timestamptz,
    why text,
    batches integer NOT NULL DEFAULT 0,
    decided integer NOT NULL DEFAULT 0,
    skipped integer NOT NULL DEFAULT 0,
    CONSTRAINT bulk_proposal_state_check CHECK (state IN
        ('draft', 'proposed', 'approved', 'done', 'refused', 'withdrawn', 'expired', 'stopped')),
    CONSTRAINT bulk_proposal_four_eyes_check CHECK (approved_by <> proposed_by),
    CONSTRAINT bulk_proposal_second_check CHECK (second OR decision NOT IN ('suspend', 'not_the_holder')),
    CONSTRAINT bulk_proposal_approved_check CHECK
        (state NOT IN ('approved', 'done', 'stopped') OR approved_by IS NOT NULL OR NOT second),
    CONSTRAINT bulk_proposal_begun_check CHECK
        ((begun_at IS NOT NULL) = (state IN ('approved', 'done', 'stopped'))),
    CONSTRAINT bulk_proposal_settled_check CHECK
        ((settled_at IS NULL) = (state IN ('draft', 'proposed', 'approved')))
);
CREATE INDEX bulk_proposal_proposed_at_id_idx ON bulk_proposal (proposed_at, id);
CREATE INDEX bulk_proposal_open_idx ON bulk_proposal (state) WHERE settled_at IS NULL
"""
# `outcome` is null until a batch has come to the case.
BULK_CASE = """
CREATE TABLE bulk_case (
    proposal_id uuid NOT NULL,
    case_id uuid NOT NULL,
    version integer NOT NULL,
    outcome text,
    batch integer,
    CONSTRAINT bulk_case_pkey PRIMARY KEY (proposal_id, case_id),
    CONSTRAINT bulk_case_proposal_id_fkey FOREIGN KEY (proposal_id) REFERENCES bulk_proposal (id),
    CONSTRAINT bulk_case_batch_check CHECK ((outcome IS NULL) = (batch IS NULL))
);
CREATE INDEX bulk_case_left_idx ON bulk_case (proposal_id, case_id) WHERE outcome IS NULL
"""
# What a case was when it was decided; `first_also` approved what `first_by` proposed.
DOUBLE_REVIEW = """
CREATE TABLE double_review (
    id uuid CONSTRAINT double_review_pkey PRIMARY KEY,
    case_id uuid NOT NULL,
    carrier text NOT NULL,
    version integer NOT NULL,
    state_then text NOT NULL,
    verdict smallint NOT NULL,
    reasons bigint NOT NULL,
    answer text,
    batch_id uuid,
    bucket integer,
    row bigint,
    first_by text NOT NULL,
    first_also text,
    first_decision text NOT NULL,
    first_reason text NOT NULL,
    first_at timestamptz NOT NULL,
    claimed_by text,
    claimed_until timestamptz,
    second_by text,
    second_decision text,
    second_reason text,
    second_at timestamptz,
    note bytea,
    agrees boolean GENERATED ALWAYS AS (first_decision = second_decision) STORED,
    right_one text,
    settled_by text,
    settled_at timestamptz,
    CONSTRAINT double_review_case_id_version_key UNIQUE (case_id, version),
    CONSTRAINT double_review_right_one_check CHECK (right_one IN ('first', 'second', 'neither')),
    CONSTRAINT double_review_place_check CHECK (num_nonnulls(batch_id, bucket, row) IN (0, 3)),
    CONSTRAINT double_review_claimed_check CHECK (num_nonnulls(claimed_by, claimed_until) IN (0, 2)),
    CONSTRAINT double_review_judged_check CHECK
        (num_nonnulls(second_by, second_decision, second_reason, second_at) IN (0, 4)),
    CONSTRAINT double_review_settled_check CHECK
        (num_nonnulls(right_one, settled_by, settled_at) IN (0, 3) AND (settled_by IS NULL OR NOT agrees)),
    CONSTRAINT double_review_other_eyes_check CHECK
        (claimed_by <> first_by AND claimed_by <> coalesce(first_also, '')),
    CONSTRAINT double_review_blind_check CHECK
        (second_by <> first_by AND second_by <> coalesce(first_also, '')),
    CONSTRAINT double_review_third_check CHECK
        (settled_by <> first_by AND settled_by <> coalesce(first_also, '') AND settled_by <> second_by)
);
CREATE INDEX double_review_waiting_idx ON double_review (first_at, id) WHERE second_by IS NULL;
CREATE INDEX double_review_apart_idx ON double_review (second_at, id)
    WHERE second_by IS NOT NULL AND NOT agrees AND settled_by IS NULL;
CREATE INDEX double_review_first_at_idx ON double_review (first_at) WHERE second_by IS NOT NULL
"""


def upgrade() -> None:
    """Add the tables. What was proposed and by whom, and who judged first and how, cannot be rewritten."""
    for change in (BULK_PROPOSAL, BULK_CASE, DOUBLE_REVIEW):
        op.execute(change)
    serve(
        "bulk_proposal", "INSERT",
        "UPDATE (state, approved_by, begun_at, expires_at, settled_by, settled_at, why, batches, decided, "
        "skipped)",
    )  # fmt: skip
    serve("bulk_case", "INSERT", "UPDATE (outcome, batch)", "DELETE")
    tenant(
        "double_review", "INSERT",
        "UPDATE (claimed_by, claimed_until, second_by, second_decision, second_reason, second_at, note, "
        "right_one, settled_by, settled_at)",
    )  # fmt: skip
