"""The ministry's desk: its columns in cases with their indexes, saved views, decisions that do not bind
yet."""

from __future__ import annotations

from alembic import op

from simcheck.migrations.tenancy import serve, tenant

revision = "0015"
down_revision = "0014"

# Cases that were there before begin their clock now. 100384: what is grave (deceased, revoked, claimed by
# another carrier, under age); 2: a mismatch.
CASE = """
ALTER TABLE "case"
    ADD COLUMN severity smallint,
    ADD COLUMN target_at timestamptz,
    ADD COLUMN clock_left interval,
    ADD COLUMN answer text,
    ADD COLUMN held boolean NOT NULL DEFAULT false,
    ADD COLUMN assignee text,
    ADD COLUMN escalated boolean NOT NULL DEFAULT false,
    ADD COLUMN snoozed_until timestamptz,
    ADD COLUMN claimed_by text,
    ADD COLUMN claimed_until timestamptz,
    ADD COLUMN pending boolean NOT NULL DEFAULT false;
UPDATE "case" SET
    severity = CASE WHEN reasons & 100384 <> 0 THEN 2 WHEN verdict = 2 THEN 1 ELSE 0 END;
UPDATE "case" SET
    target_at = CASE WHEN closed_at IS NULL AND acts = 'staff'
                     THEN now() + (ARRAY[interval '240 hours', '72 hours', '24 hours'])[severity + 1] END,
    clock_left = CASE WHEN closed_at IS NOT NULL OR acts <> 'staff'
                      THEN (ARRAY[interval '240 hours', '72 hours', '24 hours'])[severity + 1] END;
UPDATE "case" SET answer = said.answer FROM (
    SELECT DISTINCT ON (case_id) case_id, CASE
        WHEN move = 'disowned' OR reason LIKE 'by\\_%' THEN 'disowned'
        WHEN reason = 'holder_confirms' THEN 'confirmed'
        ELSE 'differs' END AS answer
    FROM case_event
    WHERE detail ->> 'who' = 'holder'
      AND (move = 'disowned' OR reason IN ('holder_confirms', 'does_not_agree') OR reason LIKE 'by\\_%')
    ORDER BY case_id, id DESC
) AS said WHERE said.case_id = "case".id;
ALTER TABLE "case"
    ALTER COLUMN severity SET NOT NULL,
    ADD CONSTRAINT case_answer_check CHECK (answer IN ('confirmed', 'differs', 'disowned', 'asked')),
    ADD CONSTRAINT case_clock_check CHECK (num_nonnulls(target_at, clock_left) = 1),
    ADD CONSTRAINT case_target_check CHECK ((target_at IS NOT NULL) = (closed_at IS NULL AND acts = 'staff')),
    ADD CONSTRAINT case_claimed_check CHECK (num_nonnulls(claimed_by, claimed_until) IN (0, 2))
"""
# A list in each order, and the usual ways to make it shorter. A run opens its cases in the order of their
# ids at one moment, so that most of these indexes grow at one place; those from the staff's on hold few of
# all cases.
CASE_INDEXES = """
DROP INDEX case_opened_at_idx;
CREATE INDEX case_age_idx ON "case" (opened_at, id) WHERE closed_at IS NULL;
CREATE INDEX case_deadline_idx ON "case"
    ((CASE WHEN target_at IS NULL THEN 'infinity'::timestamptz ELSE target_at END), id)
    WHERE closed_at IS NULL;
CREATE INDEX case_change_idx ON "case" (changed_at, id) WHERE closed_at IS NULL;
CREATE INDEX case_gravity_idx ON "case" (verdict, opened_at, id) WHERE closed_at IS NULL;
CREATE INDEX case_province_idx ON "case" (province, opened_at, id)
    WHERE province IS NOT NULL AND closed_at IS NULL;
CREATE INDEX case_staff_age_idx ON "case" (opened_at, id) WHERE target_at IS NOT NULL;
CREATE INDEX case_staff_change_idx ON "case" (changed_at, id) WHERE target_at IS NOT NULL;
CREATE INDEX case_staff_gravity_idx ON "case" (verdict, opened_at, id) WHERE target_at IS NOT NULL;
CREATE INDEX case_answer_age_idx ON "case" (answer, opened_at, id)
    WHERE answer IS NOT NULL AND closed_at IS NULL;
CREATE INDEX case_answer_deadline_idx ON "case"
    (answer, (CASE WHEN target_at IS NULL THEN 'infinity'::timestamptz ELSE target_at END), id)
    WHERE answer IS NOT NULL AND closed_at IS NULL;
CREATE INDEX case_answer_change_idx ON "case" (answer, changed_at, id)
    WHERE answer IS NOT NULL AND closed_at IS NULL;
CREATE INDEX case_answer_gravity_idx ON "case" (answer, verdict, opened_at, id)
    WHERE answer IS NOT NULL AND closed_at IS NULL;
CREATE INDEX case_assignee_idx ON "case" (assignee, opened_at, id)
    WHERE assignee IS NOT NULL AND closed_at IS NULL;
CREATE INDEX case_escalated_idx ON "case" (opened_at, id) WHERE escalated AND closed_at IS NULL
"""
# Every number under one person's ID, at all carriers.
SUBSCRIPTION = """
CREATE INDEX subscription_id_token_idx ON subscription USING hash (id_token) WHERE id_token IS NOT NULL
"""
# What a reviewer decided, for some seconds before it binds. One a case.
DESK_DECISION = """
CREATE TABLE desk_decision (
    id uuid CONSTRAINT desk_decision_pkey PRIMARY KEY,
    case_id uuid NOT NULL,
    carrier text NOT NULL,
    decision text NOT NULL,
    reason text NOT NULL,
    note bytea,
    version integer NOT NULL,
    state text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    binds_at timestamptz NOT NULL,
    settled_at timestamptz,
    why text,
    CONSTRAINT desk_decision_state_check CHECK (state IN ('pending', 'bound', 'undone', 'overtaken')),
    CONSTRAINT desk_decision_settled_check CHECK ((state = 'pending') = (settled_at IS NULL))
);
CREATE UNIQUE INDEX desk_decision_pending_idx ON desk_decision (case_id) WHERE state = 'pending';
CREATE INDEX desk_decision_case_id_idx ON desk_decision (case_id);
CREATE INDEX desk_decision_due_idx ON desk_decision (binds_at) WHERE state = 'pending';
CREATE INDEX desk_decision_made_by_made_at_idx ON desk_decision (made_by, made_at)
"""
# A filter and an order under a name: a person's own, or everybody's.
SAVED_VIEW = """
CREATE TABLE saved_view (
    id uuid CONSTRAINT saved_view_pkey PRIMARY KEY,
    owner text NOT NULL,
    name text NOT NULL,
    query text NOT NULL,
    sort text NOT NULL,
    shared boolean NOT NULL,
    made_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT saved_view_owner_name_key UNIQUE (owner, name)
);
CREATE UNIQUE INDEX saved_view_shared_idx ON saved_view (name) WHERE shared
"""


def upgrade() -> None:
    """Add columns, indexes and tables. A decision can be settled, not rewritten."""
    for change in (CASE, CASE_INDEXES, SUBSCRIPTION, DESK_DECISION, SAVED_VIEW):
        op.execute(change)
    tenant("desk_decision", "INSERT", "UPDATE (state, settled_at, why)")
    serve("saved_view", "INSERT", "UPDATE", "DELETE")
