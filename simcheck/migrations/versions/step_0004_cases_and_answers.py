"""Cases and their history, feedback and webhooks, OTP questions and SIM events."""

from __future__ import annotations

from alembic import op

from simcheck.db.base import SERVICE_ROLE
from simcheck.migrations.tenancy import serve, tenant

revision = "0004"
down_revision = "0003"

# What has to be put right about one subscription, and whose turn it is. One is open at a time.
# `decided_facts` is the digest of what a human decision was made on: while it stays the same, runs respect
# the decision.
CASE = """
CREATE TABLE "case" (
    id uuid CONSTRAINT case_pkey PRIMARY KEY,
    code text NOT NULL CONSTRAINT case_code_key UNIQUE,
    carrier text NOT NULL CONSTRAINT case_carrier_fkey REFERENCES carrier (code),
    msisdn_token bytea NOT NULL,
    contract_token bytea,
    state text NOT NULL,
    acts text NOT NULL,
    verdict smallint NOT NULL,
    reasons bigint NOT NULL,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    due_at timestamptz,
    closed_at timestamptz,
    close_reason text,
    decision text,
    decided_by text,
    decided_at timestamptz,
    decided_facts bytea,
    contradicted boolean NOT NULL DEFAULT false,
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT case_acts_check CHECK (acts IN ('carrier', 'holder', 'staff', 'register_owner')),
    CONSTRAINT case_closed_check CHECK ((closed_at IS NULL) = (close_reason IS NULL)),
    CONSTRAINT case_decision_check CHECK (num_nonnulls(decision, decided_by, decided_at) IN (0, 3))
);
CREATE UNIQUE INDEX case_one_open_idx ON "case" (msisdn_token, carrier) WHERE closed_at IS NULL;
CREATE INDEX case_msisdn_token_idx ON "case" (msisdn_token);
CREATE INDEX case_carrier_state_idx ON "case" (carrier, state);
CREATE INDEX case_carrier_contract_token_idx ON "case" (carrier, contract_token)
    WHERE contract_token IS NOT NULL AND closed_at IS NULL;
CREATE INDEX case_opened_at_idx ON "case" (opened_at) WHERE closed_at IS NULL;
CREATE INDEX case_due_at_idx ON "case" (due_at) WHERE closed_at IS NULL
"""
# Everything that happened to a case. The service adds rows; it can neither change nor remove one.
CASE_EVENT = """
CREATE TABLE case_event (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT case_event_pkey PRIMARY KEY,
    case_id uuid NOT NULL CONSTRAINT case_event_case_id_fkey REFERENCES "case" (id),
    carrier text NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    move text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    reason text,
    detail jsonb NOT NULL DEFAULT '{}',
    evidence bytea
);
CREATE INDEX case_event_case_id_idx ON case_event (case_id)
"""
# A feedback file: of a batch, or (without one) standing for the whole carrier. Kept until acknowledged.
FEEDBACK = """
CREATE TABLE feedback (
    id uuid CONSTRAINT feedback_pkey PRIMARY KEY,
    carrier text NOT NULL CONSTRAINT feedback_carrier_fkey REFERENCES carrier (code),
    batch_id uuid CONSTRAINT feedback_batch_id_fkey REFERENCES batch (id),
    run_id uuid CONSTRAINT feedback_run_id_fkey REFERENCES run (id),
    rows bigint NOT NULL,
    path text NOT NULL,
    made_at timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    CONSTRAINT feedback_acknowledged_check CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL))
);
CREATE INDEX feedback_carrier_made_at_idx ON feedback (carrier, made_at);
CREATE INDEX feedback_batch_id_idx ON feedback (batch_id)
"""
# Where a carrier wants to be told of events. The secret that signs them is sealed.
WEBHOOK = """
CREATE TABLE webhook (
    id uuid CONSTRAINT webhook_pkey PRIMARY KEY,
    carrier text NOT NULL CONSTRAINT webhook_carrier_fkey REFERENCES carrier (code),
    client text NOT NULL,
    url text NOT NULL,
    secret bytea NOT NULL,
    events text[] NOT NULL,
    active boolean NOT NULL DEFAULT true,
    added_at timestamptz NOT NULL
);
CREATE INDEX webhook_carrier_idx ON webhook (carrier)
"""
# One event on its way to one address. The payload names things by their ids and holds no personal data.
WEBHOOK_DELIVERY = """
CREATE TABLE webhook_delivery (
    id uuid CONSTRAINT webhook_delivery_pkey PRIMARY KEY,
    carrier text NOT NULL,
    webhook_id uuid NOT NULL
        CONSTRAINT webhook_delivery_webhook_id_fkey REFERENCES webhook (id) ON DELETE CASCADE,
    event text NOT NULL,
    payload jsonb NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    made_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    last_status integer,
    delivered_at timestamptz,
    CONSTRAINT webhook_delivery_state_check CHECK (state IN ('due', 'delivered', 'given_up'))
);
CREATE INDEX webhook_delivery_webhook_id_idx ON webhook_delivery (webhook_id);
CREATE INDEX webhook_delivery_due_at_idx ON webhook_delivery (due_at) WHERE state = 'due'
"""
# Every OTP question and its answer. A job links them into the audit chain, many at once: then `chained`.
OTP_QUESTION = """
CREATE TABLE otp_question (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT otp_question_pkey PRIMARY KEY,
    at timestamptz NOT NULL,
    client text NOT NULL,
    msisdn_token bytea NOT NULL,
    id_token bytea NOT NULL,
    eligible boolean NOT NULL,
    reasons bigint NOT NULL,
    chained boolean NOT NULL DEFAULT false
);
CREATE INDEX otp_question_unchained_idx ON otp_question (id) WHERE NOT chained;
CREATE INDEX otp_question_at_idx ON otp_question USING brin (at)
"""
# A SIM or a handset was changed: what a carrier tells at once, without waiting for its next file.
SIM_EVENT = """
CREATE TABLE sim_event (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT sim_event_pkey PRIMARY KEY,
    carrier text NOT NULL CONSTRAINT sim_event_carrier_fkey REFERENCES carrier (code),
    client text NOT NULL,
    msisdn_token bytea NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT sim_event_kind_check CHECK (kind IN ('sim_changed', 'device_changed'))
);
CREATE INDEX sim_event_msisdn_token_idx ON sim_event (msisdn_token)
"""


def upgrade() -> None:
    """Make the tables. History can be added to, not rewritten."""
    for table in (CASE, CASE_EVENT, FEEDBACK, WEBHOOK, WEBHOOK_DELIVERY, OTP_QUESTION, SIM_EVENT):
        op.execute(table)
    tenant('"case"', "INSERT", "UPDATE")
    tenant("case_event", "INSERT")
    tenant("feedback", "INSERT", "UPDATE")
    tenant("webhook", "INSERT", "UPDATE", "DELETE")
    tenant("webhook_delivery", "INSERT", "UPDATE", "DELETE")
    serve("otp_question", "INSERT")
    op.execute(f"GRANT UPDATE (chained) ON otp_question TO {SERVICE_ROLE}")
    tenant("sim_event", "INSERT")
