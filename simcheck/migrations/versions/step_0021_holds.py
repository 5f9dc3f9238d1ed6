"""Events that carriers tell have ids; what stands in the way of orders: bars and appeals."""

from __future__ import annotations

from alembic import op

from simcheck.migrations.tenancy import serve, tenant

revision = "0021"
down_revision = "0020"

# An event of a carrier's is kept once. Ids are kept as tokens: a carrier may write numbers into them.
EVENT_ID = """
ALTER TABLE sim_event ADD COLUMN event_token bytea,
    ADD CONSTRAINT sim_event_carrier_event_token_key UNIQUE (carrier, event_token)
"""
# Whoever confirms is never who asked; nor is it one person who lifts.
ORDER_BAR = """
CREATE TABLE order_bar (
    id uuid CONSTRAINT order_bar_pkey PRIMARY KEY,
    kind text NOT NULL,
    msisdn_token bytea,
    id_token bytea,
    basis text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    confirmed_by text,
    confirmed_at timestamptz,
    lift_asked_by text,
    lift_asked_at timestamptz,
    lifted_by text,
    lifted_at timestamptz,
    CONSTRAINT order_bar_kind_check CHECK (kind IN ('legal_hold', 'emergency', 'vital')),
    CONSTRAINT order_bar_of_check CHECK (num_nonnulls(msisdn_token, id_token) = 1),
    CONSTRAINT order_bar_line_check CHECK (kind = 'legal_hold' OR id_token IS NULL),
    CONSTRAINT order_bar_span_check CHECK (ends_at > starts_at),
    CONSTRAINT order_bar_confirmed_check CHECK (num_nonnulls(confirmed_by, confirmed_at) IN (0, 2)),
    CONSTRAINT order_bar_four_eyes_check CHECK (confirmed_by <> asked_by),
    CONSTRAINT order_bar_lift_asked_check CHECK (num_nonnulls(lift_asked_by, lift_asked_at) IN (0, 2)),
    CONSTRAINT order_bar_lifted_check CHECK (num_nonnulls(lifted_by, lifted_at) IN (0, 2)),
    CONSTRAINT order_bar_lifted_by_two_check CHECK
        (lifted_at IS NULL OR confirmed_at IS NULL
         OR lift_asked_by IS NOT NULL AND lifted_by <> lift_asked_by)
);
CREATE UNIQUE INDEX order_bar_one_idx ON order_bar (kind, msisdn_token, id_token) NULLS NOT DISTINCT
    WHERE lifted_at IS NULL;
CREATE INDEX order_bar_msisdn_token_idx ON order_bar (msisdn_token) WHERE lifted_at IS NULL;
CREATE INDEX order_bar_id_token_idx ON order_bar (id_token) WHERE lifted_at IS NULL;
CREATE INDEX order_bar_asked_at_idx ON order_bar (asked_at)
"""
# One open appeal a subscription; nobody decides their own.
APPEAL = """
CREATE TABLE appeal (
    id uuid CONSTRAINT appeal_pkey PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT appeal_number_key UNIQUE,
    carrier text NOT NULL CONSTRAINT appeal_carrier_fkey REFERENCES carrier (code),
    msisdn_token bytea NOT NULL,
    case_id uuid,
    state text NOT NULL,
    means text NOT NULL,
    language text NOT NULL,
    step smallint NOT NULL,
    telephone bytea,
    words bytea,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    answer_by timestamptz NOT NULL,
    escalated_at timestamptz,
    settled_by text,
    settled_at timestamptz,
    reason text,
    CONSTRAINT appeal_state_check CHECK (state IN ('open', 'upheld', 'rejected')),
    CONSTRAINT appeal_means_check CHECK (means IN ('page', 'api', 'portal', 'desk')),
    CONSTRAINT appeal_settled_check CHECK
        (num_nonnulls(settled_by, settled_at) = CASE state WHEN 'open' THEN 0 ELSE 2 END),
    CONSTRAINT appeal_reason_check CHECK ((state = 'rejected') = (reason IS NOT NULL)),
    CONSTRAINT appeal_four_eyes_check CHECK (settled_by <> made_by)
);
CREATE UNIQUE INDEX appeal_one_open_idx ON appeal (msisdn_token, carrier) WHERE state = 'open';
CREATE INDEX appeal_msisdn_token_carrier_idx ON appeal (msisdn_token, carrier);
CREATE INDEX appeal_due_idx ON appeal (answer_by, number) WHERE state = 'open';
CREATE INDEX appeal_settled_at_idx ON appeal (settled_at) WHERE settled_at IS NOT NULL
"""


def upgrade() -> None:
    """Change and add the tables. What was asked for, by whom and why cannot be rewritten."""
    for change in (EVENT_ID, ORDER_BAR, APPEAL):
        op.execute(change)
    serve(
        "order_bar", "INSERT",
        "UPDATE (confirmed_by, confirmed_at, lift_asked_by, lift_asked_at, lifted_by, lifted_at)",
    )  # fmt: skip
    tenant(
        "appeal", "INSERT", "UPDATE (state, telephone, words, escalated_at, settled_by, settled_at, reason)"
    )
