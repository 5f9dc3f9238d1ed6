"""Orders to carriers: proposals that become orders, a line a subscription, answers, and the brake."""

from __future__ import annotations

from alembic import op

from simcheck.migrations.tenancy import serve, tenant

revision = "0020"
down_revision = "0019"

# Whoever proposes never approves; only what undoes a suspension needs nobody's approval.
ORDER_BATCH = """
CREATE TABLE order_batch (
    id uuid CONSTRAINT order_batch_pkey PRIMARY KEY,
    carrier text NOT NULL CONSTRAINT order_batch_carrier_fkey REFERENCES carrier (code),
    act text NOT NULL,
    day date NOT NULL,
    state text NOT NULL,
    lines integer NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    approved_by text,
    approved_at timestamptz,
    settled_by text,
    settled_at timestamptz,
    reason text,
    sent_at timestamptz,
    digest bytea,
    size bigint,
    file_name text,
    media_type text,
    due_at timestamptz,
    tries smallint NOT NULL DEFAULT 0,
    escalated_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    done_at timestamptz,
    CONSTRAINT order_batch_act_check CHECK (act IN ('one_way', 'two_way', 'terminate', 'restore')),
    CONSTRAINT order_batch_state_check CHECK (state IN
        ('proposed', 'approved', 'sent', 'acknowledged', 'done', 'rejected', 'stopped')),
    CONSTRAINT order_batch_four_eyes_check CHECK (approved_by <> proposed_by),
    CONSTRAINT order_batch_approved_check CHECK
        (act = 'restore' OR state IN ('proposed', 'rejected') OR approved_by IS NOT NULL),
    CONSTRAINT order_batch_sent_check CHECK
        ((sent_at IS NOT NULL) = (state IN ('sent', 'acknowledged', 'done'))),
    CONSTRAINT order_batch_file_check CHECK (num_nonnulls(sent_at, digest, size) IN (0, 3)),
    CONSTRAINT order_batch_reason_check CHECK ((state IN ('rejected', 'stopped')) = (reason IS NOT NULL))
);
CREATE UNIQUE INDEX order_batch_one_proposed_idx ON order_batch (carrier, act, proposed_by)
    WHERE state = 'proposed';
CREATE INDEX order_batch_proposed_at_id_idx ON order_batch (proposed_at, id);
CREATE INDEX order_batch_carrier_proposed_at_id_idx ON order_batch (carrier, proposed_at, id);
CREATE INDEX order_batch_approved_idx ON order_batch (approved_at) WHERE state = 'approved';
CREATE INDEX order_batch_due_idx ON order_batch (due_at) WHERE due_at IS NOT NULL
"""
# Of a subscription one line at most is live: never two steps at once, whatever a program does.
ORDER_LINE = """
CREATE TABLE order_line (
    order_id uuid NOT NULL CONSTRAINT order_line_order_id_fkey REFERENCES order_batch (id),
    line integer NOT NULL,
    carrier text NOT NULL,
    msisdn_token bytea NOT NULL,
    number bytea,
    case_id uuid,
    act text NOT NULL,
    reason text NOT NULL,
    evidence jsonb NOT NULL,
    made_at timestamptz NOT NULL,
    state text NOT NULL,
    outcome text,
    outcome_at timestamptz,
    acknowledged_at timestamptz,
    CONSTRAINT order_line_pkey PRIMARY KEY (order_id, line),
    CONSTRAINT order_line_act_check CHECK (act IN ('one_way', 'two_way', 'terminate', 'restore')),
    CONSTRAINT order_line_state_check CHECK (state IN
        ('proposed', 'dropped', 'sent', 'done', 'failed', 'unknown', 'overtaken')),
    CONSTRAINT order_line_outcome_check CHECK
        ((state IN ('proposed', 'sent', 'overtaken')) OR outcome IS NOT NULL)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX order_line_one_live_idx ON order_line (carrier, msisdn_token)
    WHERE state IN ('proposed', 'sent', 'unknown');
CREATE INDEX order_line_case_id_idx ON order_line (case_id);
CREATE INDEX order_line_msisdn_token_carrier_idx ON order_line (msisdn_token, carrier)
"""
ORDER_ANSWER = """
CREATE TABLE order_answer (
    id uuid CONSTRAINT order_answer_pkey PRIMARY KEY,
    order_id uuid NOT NULL CONSTRAINT order_answer_order_id_fkey REFERENCES order_batch (id),
    carrier text NOT NULL,
    received_at timestamptz NOT NULL,
    received_by text NOT NULL,
    digest bytea NOT NULL,
    size bigint NOT NULL,
    state text NOT NULL,
    rows integer,
    accepted integer,
    refused jsonb NOT NULL DEFAULT '[]'::jsonb,
    reason text,
    settled_at timestamptz,
    CONSTRAINT order_answer_order_id_digest_key UNIQUE (order_id, digest),
    CONSTRAINT order_answer_state_check CHECK (state IN ('waiting', 'taken', 'refused'))
);
CREATE INDEX order_answer_waiting_idx ON order_answer (received_at) WHERE state = 'waiting'
"""
BRAKE = """
CREATE TABLE brake (
    id uuid CONSTRAINT brake_pkey PRIMARY KEY,
    scope text NOT NULL,
    pulled_by text NOT NULL,
    pulled_at timestamptz NOT NULL,
    reason text NOT NULL,
    day date NOT NULL,
    count integer NOT NULL,
    cap integer NOT NULL,
    released_by text,
    released_at timestamptz,
    released_day date,
    allowed integer,
    CONSTRAINT brake_released_check CHECK
        (num_nonnulls(released_by, released_at, released_day, allowed) IN (0, 4))
);
CREATE UNIQUE INDEX brake_one_on_idx ON brake (scope) WHERE released_at IS NULL;
CREATE INDEX brake_released_day_idx ON brake (released_day)
"""


def upgrade() -> None:
    """Add the tables. What was proposed, by whom and on what it rests cannot be rewritten."""
    for table in (ORDER_BATCH, ORDER_LINE, ORDER_ANSWER, BRAKE):
        op.execute(table)
    tenant(
        "order_batch", "INSERT",
        "UPDATE (state, lines, approved_by, approved_at, settled_by, settled_at, reason, sent_at, digest, "
        "size, file_name, media_type, due_at, tries, escalated_at, acknowledged_at, acknowledged_by, "
        "done_at)",
    )  # fmt: skip
    tenant("order_line", "INSERT", "UPDATE (number, state, outcome, outcome_at, acknowledged_at)")
    tenant("order_answer", "INSERT", "UPDATE (state, rows, accepted, refused, reason, settled_at)")
    serve("brake", "INSERT", "UPDATE (released_by, released_at, released_day, allowed)")
