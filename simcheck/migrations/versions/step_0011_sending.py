"""Messages to people: what is to be sent, its parts, receipts, and what people send to us."""

from __future__ import annotations

from alembic import op

from simcheck.migrations.tenancy import serve, tenant

revision = "0011"
down_revision = "0010"

# What is to be sent stands here before it leaves. Without a carrier it is seen in the ministry's scope alone.
# Rows change several times in a short life: a page keeps room for their newer forms.
MESSAGE = """
CREATE TABLE message (
    id uuid CONSTRAINT message_pkey PRIMARY KEY,
    carrier text,
    case_id uuid,
    msisdn_token bytea,
    key text NOT NULL CONSTRAINT message_key_key UNIQUE,
    kind text NOT NULL,
    channel text NOT NULL,
    language text NOT NULL,
    template text NOT NULL,
    urgent boolean NOT NULL DEFAULT false,
    state text NOT NULL,
    address bytea,
    address_token bytea NOT NULL,
    subject bytea,
    text bytea,
    html bytea,
    parts smallint NOT NULL,
    due_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    settled_at timestamptz,
    told_on boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    failure text,
    link text,
    CONSTRAINT message_channel_check CHECK (channel IN ('sms', 'email')),
    CONSTRAINT message_state_check CHECK (state IN (
        'due', 'sending', 'sent', 'delivered', 'failed', 'expired', 'unknown', 'cancelled')),
    CONSTRAINT message_parts_check CHECK (parts > 0)
) WITH (fillfactor = 70);
CREATE INDEX message_due_idx ON message (channel, urgent DESC, due_at) WHERE state = 'due';
CREATE INDEX message_moving_idx ON message (due_at)
    WHERE state IN ('sending', 'unknown') AND settled_at IS NULL;
CREATE INDEX message_open_idx ON message (expires_at) WHERE settled_at IS NULL;
CREATE INDEX message_untold_idx ON message (settled_at) WHERE settled_at IS NOT NULL AND NOT told_on;
CREATE INDEX message_case_id_idx ON message (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX message_made_at_idx ON message USING brin (made_at)
"""
# What travels by itself. It holds nothing of what is said or to whom.
MESSAGE_PART = """
CREATE TABLE message_part (
    message_id uuid NOT NULL
        CONSTRAINT message_part_message_id_fkey REFERENCES message (id) ON DELETE CASCADE,
    number smallint NOT NULL,
    state text NOT NULL,
    link text,
    smsc_id text,
    smsc_key text,
    attempts smallint NOT NULL DEFAULT 0,
    refusals smallint NOT NULL DEFAULT 0,
    resends smallint NOT NULL DEFAULT 0,
    submitted_at timestamptz,
    answered_at timestamptz,
    status text,
    failure text,
    done_at timestamptz,
    CONSTRAINT message_part_pkey PRIMARY KEY (message_id, number),
    CONSTRAINT message_part_state_check CHECK (state IN (
        'due', 'sent', 'delivered', 'failed', 'expired', 'unknown', 'cancelled'))
) WITH (fillfactor = 70);
CREATE INDEX message_part_unknown_idx ON message_part (message_id) WHERE state = 'unknown';
CREATE INDEX message_part_smsc_key_idx ON message_part (smsc_key) WHERE smsc_key IS NOT NULL
"""
# What the other side told, as it came; it may come before the answer that names the part.
RECEIPT = """
CREATE TABLE receipt (
    id uuid CONSTRAINT receipt_pkey PRIMARY KEY,
    link text NOT NULL,
    smsc_id text NOT NULL,
    smsc_key text NOT NULL,
    state text NOT NULL,
    failure text,
    address_token bytea,
    reference integer,
    at timestamptz NOT NULL,
    message_id uuid,
    number smallint
);
CREATE INDEX receipt_unmatched_idx ON receipt (smsc_key) WHERE message_id IS NULL;
CREATE INDEX receipt_at_idx ON receipt USING brin (at)
"""
# What people sent. It is acknowledged to the other side once it stands here.
INBOUND = """
CREATE TABLE inbound (
    id uuid CONSTRAINT inbound_pkey PRIMARY KEY,
    link text NOT NULL,
    sender bytea NOT NULL,
    sender_token bytea NOT NULL,
    recipient text NOT NULL,
    text bytea NOT NULL,
    digest bytea NOT NULL,
    received_at timestamptz NOT NULL,
    acknowledged boolean NOT NULL DEFAULT false,
    state text NOT NULL,
    CONSTRAINT inbound_state_check CHECK (state IN ('new', 'done'))
);
CREATE INDEX inbound_new_idx ON inbound (received_at) WHERE state = 'new';
CREATE INDEX inbound_unacknowledged_idx ON inbound (digest) WHERE NOT acknowledged;
CREATE INDEX inbound_received_at_idx ON inbound USING brin (received_at)
"""
# Parts of longer ones, until all are there and for a while after.
INBOUND_PART = """
CREATE TABLE inbound_part (
    link text NOT NULL,
    sender_token bytea NOT NULL,
    reference integer NOT NULL,
    total smallint NOT NULL,
    number smallint NOT NULL,
    recipient text NOT NULL,
    sender bytea NOT NULL,
    text bytea NOT NULL,
    digest bytea NOT NULL,
    received_at timestamptz NOT NULL,
    inbound_id uuid,
    CONSTRAINT inbound_part_pkey PRIMARY KEY (link, sender_token, reference, total, number)
);
CREATE INDEX inbound_part_received_at_idx ON inbound_part (received_at)
"""


def upgrade() -> None:
    """Make the tables. A message is never removed: when its time is over, what it said is."""
    for table in (MESSAGE, MESSAGE_PART, RECEIPT, INBOUND, INBOUND_PART):
        op.execute(table)
    tenant("message", "INSERT", "UPDATE")
    serve("message_part", "INSERT", "UPDATE")
    serve("receipt", "INSERT", "UPDATE", "DELETE")
    serve("inbound", "INSERT", "UPDATE", "DELETE")
    serve("inbound_part", "INSERT", "UPDATE", "DELETE")
