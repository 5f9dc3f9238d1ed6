"""Holders: challenges, sessions, corrections, confirmations, and the help desk."""

from __future__ import annotations

from alembic import op

from simcheck.db.base import SERVICE_ROLE
from simcheck.migrations.tenancy import serve, tenant

revision = "0012"
down_revision = "0011"

# One-time codes. Without a case nothing fits and nothing is sent; from outside the two look the same.
CHALLENGE = """
CREATE TABLE holder_challenge (
    id uuid CONSTRAINT holder_challenge_pkey PRIMARY KEY,
    case_id uuid,
    msisdn_token bytea NOT NULL,
    number bytea NOT NULL,
    language text NOT NULL,
    digest bytea,
    tries smallint NOT NULL DEFAULT 0,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    handled_at timestamptz,
    proved_at timestamptz
);
CREATE INDEX holder_challenge_expires_at_idx ON holder_challenge (expires_at);
CREATE INDEX holder_challenge_unsent_idx ON holder_challenge (made_at)
    WHERE case_id IS NOT NULL AND handled_at IS NULL
"""
# Who proved to hold a number, or to be a person; for an hour at most.
SESSION = """
CREATE TABLE holder_session (
    id uuid CONSTRAINT holder_session_pkey PRIMARY KEY,
    digest bytea NOT NULL CONSTRAINT holder_session_digest_key UNIQUE,
    kind text NOT NULL,
    carrier text CONSTRAINT holder_session_carrier_fkey REFERENCES carrier (code),
    case_id uuid,
    msisdn_token bytea,
    number bytea,
    id_token bytea,
    made_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT holder_session_kind_check CHECK (kind IN ('possession', 'identity')),
    CONSTRAINT holder_session_rests_check CHECK (
        kind = 'identity' AND num_nonnulls(id_token) = 1
        AND num_nonnulls(carrier, case_id, msisdn_token, number) = 0
        OR kind = 'possession' AND num_nonnulls(id_token) = 0
        AND num_nonnulls(carrier, case_id, msisdn_token, number) = 4
    )
);
CREATE INDEX holder_session_expires_at_idx ON holder_session (expires_at)
"""
# What holders say that their records should be, and whether the register agrees. The carrier fetches those
# that agree and acknowledges them.
CORRECTION = """
CREATE TABLE correction (
    id uuid CONSTRAINT correction_pkey PRIMARY KEY,
    carrier text NOT NULL CONSTRAINT correction_carrier_fkey REFERENCES carrier (code),
    case_id uuid NOT NULL,
    msisdn_token bytea NOT NULL,
    form uuid NOT NULL,
    batch_id uuid NOT NULL,
    row bigint NOT NULL,
    cells bytea,
    outcome text NOT NULL,
    verdict smallint,
    reasons bigint,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    settled_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    CONSTRAINT correction_carrier_form_key UNIQUE (carrier, form),
    CONSTRAINT correction_outcome_check CHECK (outcome IN ('waiting', 'agrees', 'differs')),
    CONSTRAINT correction_settled_check CHECK ((outcome = 'waiting') = (settled_at IS NULL)),
    CONSTRAINT correction_acknowledged_check CHECK (num_nonnulls(acknowledged_at, acknowledged_by) IN (0, 2))
);
CREATE INDEX correction_case_id_idx ON correction (case_id);
CREATE INDEX correction_waiting_idx ON correction (made_at) WHERE outcome = 'waiting';
CREATE INDEX correction_owed_idx ON correction (carrier, settled_at, id)
    WHERE outcome = 'agrees' AND acknowledged_at IS NULL;
CREATE INDEX correction_kept_idx ON correction ((coalesce(acknowledged_at, settled_at)))
    WHERE cells IS NOT NULL
"""
CONFIRMATION = """
CREATE TABLE confirmation (
    id uuid CONSTRAINT confirmation_pkey PRIMARY KEY,
    carrier text NOT NULL CONSTRAINT confirmation_carrier_fkey REFERENCES carrier (code),
    msisdn_token bytea NOT NULL,
    case_id uuid,
    facts bytea NOT NULL,
    means text NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT confirmation_means_check CHECK (means IN ('page', 'sms', 'sign_in'))
);
CREATE UNIQUE INDEX confirmation_msisdn_token_carrier_facts_means_idx
    ON confirmation (msisdn_token, carrier, facts, means)
"""
# A carrier sees the questions that it is to answer, and only while it is to answer them.
QUESTION = """
CREATE TABLE question (
    id uuid CONSTRAINT question_pkey PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT question_number_key UNIQUE,
    carrier text CONSTRAINT question_carrier_fkey REFERENCES carrier (code),
    about text,
    queue text NOT NULL,
    state text NOT NULL,
    channel text NOT NULL,
    language text NOT NULL,
    case_id uuid,
    msisdn_token bytea,
    proved boolean NOT NULL,
    address bytea,
    form uuid NOT NULL CONSTRAINT question_form_key UNIQUE,
    opened_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    answered_at timestamptz,
    changed_at timestamptz NOT NULL,
    closed_at timestamptz,
    overdue boolean NOT NULL DEFAULT false,
    CONSTRAINT question_queue_check CHECK (queue IN ('carrier', 'staff')),
    CONSTRAINT question_state_check CHECK (state IN ('open', 'answered', 'closed')),
    CONSTRAINT question_channel_check CHECK (channel IN ('sms', 'email')),
    CONSTRAINT question_carrier_check CHECK ((queue = 'carrier') = (carrier IS NOT NULL)),
    CONSTRAINT question_closed_check CHECK ((state = 'closed') = (closed_at IS NOT NULL))
);
CREATE INDEX question_carrier_number_idx ON question (carrier, number);
CREATE INDEX question_opened_at_idx ON question (opened_at);
CREATE INDEX question_msisdn_token_idx ON question (msisdn_token);
CREATE INDEX question_due_idx ON question (due_at) WHERE state = 'open';
CREATE INDEX question_kept_idx ON question (closed_at) WHERE address IS NOT NULL;
CREATE INDEX question_idle_idx ON question (changed_at) WHERE state = 'answered'
"""
QUESTION_MESSAGE = """
CREATE TABLE question_message (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT question_message_pkey PRIMARY KEY,
    question_id uuid NOT NULL CONSTRAINT question_message_question_id_fkey REFERENCES question (id),
    carrier text,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    is_answer boolean NOT NULL,
    text bytea NOT NULL
);
CREATE INDEX question_message_question_id_idx ON question_message (question_id)
"""


def upgrade() -> None:
    """Make the tables. Confirmations can be neither changed nor removed, what was written not changed."""
    for table in (CHALLENGE, SESSION, CORRECTION, CONFIRMATION, QUESTION, QUESTION_MESSAGE):
        op.execute(table)
    serve("holder_challenge", "INSERT", "UPDATE", "DELETE")
    tenant("holder_session", "INSERT", "UPDATE", "DELETE")
    tenant("correction", "INSERT", "UPDATE")
    tenant("confirmation", "INSERT")
    tenant("question", "INSERT", "UPDATE")
    tenant("question_message", "INSERT", "DELETE")
    op.execute(f"GRANT UPDATE (carrier) ON question_message TO {SERVICE_ROLE}")
