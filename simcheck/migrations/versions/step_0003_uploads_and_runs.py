"""Uploads, batches, the register's snapshots, runs, and one row a subscription."""

from __future__ import annotations

from alembic import op

from simcheck.migrations.tenancy import serve, tenant

revision = "0003"
down_revision = "0002"

# A subscriber file that a carrier sent. The same file twice is one batch, unless the first was refused.
# `file_name` is the client's own name for it, sealed: people put names and numbers into file names.
BATCH = """
CREATE TABLE batch (
    id uuid CONSTRAINT batch_pkey PRIMARY KEY,
    carrier text NOT NULL CONSTRAINT batch_carrier_fkey REFERENCES carrier (code),
    client text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    digest bytea NOT NULL,
    bytes bigint NOT NULL,
    rows bigint,
    idempotency_key text,
    file_name bytea,
    path text,
    refusal_code text,
    refusal text,
    counts jsonb NOT NULL DEFAULT '{}',
    run_id uuid,
    received_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    done_at timestamptz,
    CONSTRAINT batch_kind_check CHECK (kind IN ('snapshot', 'delta')),
    CONSTRAINT batch_state_check CHECK (state IN ('received', 'reading', 'checking', 'done', 'refused')),
    CONSTRAINT batch_refusal_check CHECK ((state = 'refused') = (refusal_code IS NOT NULL))
);
CREATE UNIQUE INDEX batch_carrier_digest_idx ON batch (carrier, digest) WHERE state <> 'refused';
CREATE UNIQUE INDEX batch_carrier_idempotency_key_idx ON batch (carrier, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX batch_carrier_received_at_idx ON batch (carrier, received_at);
CREATE INDEX batch_changed_at_idx ON batch (changed_at) WHERE state IN ('received', 'reading', 'checking')
"""
# A resumable upload (tus) on its way. `metadata` is what the client said of the file, sealed.
UPLOAD = """
CREATE TABLE upload (
    id uuid CONSTRAINT upload_pkey PRIMARY KEY,
    carrier text NOT NULL CONSTRAINT upload_carrier_fkey REFERENCES carrier (code),
    client text NOT NULL,
    length bigint,
    received bigint NOT NULL DEFAULT 0,
    checksum_state bytea,
    metadata bytea,
    path text,
    batch_id uuid CONSTRAINT upload_batch_id_fkey REFERENCES batch (id),
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT upload_received_check CHECK (received >= 0 AND received <= length)
);
CREATE INDEX upload_carrier_idx ON upload (carrier);
CREATE INDEX upload_expires_at_idx ON upload (expires_at)
"""
# The citizen register as it was on a day. Exactly one is current.
REGISTER_SNAPSHOT = """
CREATE TABLE register_snapshot (
    id uuid CONSTRAINT register_snapshot_pkey PRIMARY KEY,
    state text NOT NULL,
    digest bytea,
    rows bigint,
    buckets integer,
    path text NOT NULL,
    as_of timestamptz,
    imported_at timestamptz NOT NULL,
    retired_at timestamptz,
    CONSTRAINT register_snapshot_state_check
        CHECK (state IN ('importing', 'sealed', 'current', 'retired', 'purged'))
);
CREATE UNIQUE INDEX register_snapshot_one_current_idx ON register_snapshot (state) WHERE state = 'current'
"""
# A cross-check of a carrier's batch: when it came in, or again after a new register snapshot.
RUN = """
CREATE TABLE run (
    id uuid CONSTRAINT run_pkey PRIMARY KEY,
    kind text NOT NULL,
    carrier text NOT NULL CONSTRAINT run_carrier_fkey REFERENCES carrier (code),
    batch_id uuid NOT NULL CONSTRAINT run_batch_id_fkey REFERENCES batch (id),
    register_id uuid NOT NULL CONSTRAINT run_register_id_fkey REFERENCES register_snapshot (id),
    state text NOT NULL,
    buckets integer NOT NULL,
    rows bigint,
    counts jsonb NOT NULL DEFAULT '{}',
    rules text,
    failure text,
    made_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    published_at timestamptz,
    CONSTRAINT run_kind_check CHECK (kind IN ('batch', 'register')),
    CONSTRAINT run_state_check CHECK (state IN ('due', 'checking', 'publishing', 'published', 'failed'))
);
CREATE UNIQUE INDEX run_batch_id_register_id_idx ON run (batch_id, register_id)
    WHERE state IN ('due', 'checking', 'publishing');
CREATE INDEX run_carrier_idx ON run (carrier);
CREATE INDEX run_changed_at_idx ON run (changed_at) WHERE state IN ('due', 'checking', 'publishing')
"""
# One bucket of a run: taken under a lease, so that a killed worker's bucket is taken up by another.
RUN_BUCKET = """
CREATE TABLE run_bucket (
    run_id uuid NOT NULL CONSTRAINT run_bucket_run_id_fkey REFERENCES run (id) ON DELETE CASCADE,
    bucket integer NOT NULL,
    carrier text,
    state text NOT NULL,
    worker text,
    lease_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    rows bigint,
    counts jsonb NOT NULL DEFAULT '{}',
    done_at timestamptz,
    CONSTRAINT run_bucket_pkey PRIMARY KEY (run_id, bucket),
    CONSTRAINT run_bucket_state_check CHECK (state IN ('due', 'done'))
) WITH (fillfactor = 80);
CREATE INDEX run_bucket_lease_until_idx ON run_bucket (lease_until) WHERE state = 'due'
"""
# One slim row a SIM and carrier, for the OTP question, for cases and for the next run. Tokens instead of
# numbers; the declared cells stay in the lake, at (batch_id, bucket, row). Room in each page, and no index on
# what runs change: updates stay in place. Every index is paid for each row of a first run, and most for one
# that is filled out of order: a contract is only ever asked for as it is, which a hash answers at a third of
# the price of a sorted index.
SUBSCRIPTION = """
CREATE TABLE subscription (
    msisdn_token bytea NOT NULL,
    carrier text NOT NULL,
    id_token bytea,
    contract_token bytea,
    verdict smallint NOT NULL,
    reasons bigint NOT NULL,
    name_score real,
    status text,
    under_order boolean NOT NULL DEFAULT false,
    claimants smallint NOT NULL DEFAULT 1,
    activated_on date,
    sim_changed_at timestamptz,
    device_changed_at timestamptz,
    bucket integer NOT NULL,
    row bigint NOT NULL,
    facts bytea NOT NULL,
    batch_id uuid NOT NULL,
    run_id uuid NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT subscription_pkey PRIMARY KEY (msisdn_token, carrier)
) WITH (fillfactor = 85);
CREATE INDEX subscription_contract_token_idx ON subscription USING hash (contract_token)
    WHERE contract_token IS NOT NULL
"""


def upgrade() -> None:
    """Make the tables."""
    for table in (BATCH, UPLOAD, REGISTER_SNAPSHOT, RUN, RUN_BUCKET, SUBSCRIPTION):
        op.execute(table)
    tenant("batch", "INSERT", "UPDATE")
    tenant("upload", "INSERT", "UPDATE", "DELETE")
    serve("register_snapshot", "INSERT", "UPDATE")
    tenant("run", "INSERT", "UPDATE")
    tenant("run_bucket", "INSERT", "UPDATE")
    tenant("subscription", "INSERT", "UPDATE", "DELETE")
