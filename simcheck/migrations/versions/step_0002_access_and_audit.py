"""Carriers, their clients, limits; the audit chain."""

from __future__ import annotations

from alembic import op

from simcheck.migrations.tenancy import serve, tenant

revision = "0002"
down_revision = "0001"

# A carrier is a tenant: the word that stands in every `carrier` column.
CARRIER = """
CREATE TABLE carrier (
    code text CONSTRAINT carrier_pkey PRIMARY KEY,
    added_at timestamptz NOT NULL,
    CONSTRAINT carrier_code_check CHECK (code ~ '^[a-z][a-z0-9_-]{1,31}$')
)
"""
# A system that may ask for tokens: a carrier's, or (without carrier) a relying service such as VNeID. It
# proves itself by a secret or by the private half of one of its public keys.
CLIENT = """
CREATE TABLE client (
    id text CONSTRAINT client_pkey PRIMARY KEY,
    carrier text CONSTRAINT client_carrier_fkey REFERENCES carrier (code),
    name text NOT NULL,
    scopes text[] NOT NULL,
    secret_hash text,
    public_keys jsonb,
    rate double precision,
    added_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT client_proof_check CHECK (num_nonnulls(secret_hash, public_keys) >= 1),
    CONSTRAINT client_rate_check CHECK (rate > 0)
);
CREATE INDEX client_carrier_idx ON client (carrier)
"""
# Client assertions (RFC 7523) that were used, until they expire: each is good once.
CLIENT_ASSERTION = """
CREATE TABLE client_assertion (
    client text NOT NULL CONSTRAINT client_assertion_client_fkey REFERENCES client (id) ON DELETE CASCADE,
    jti text NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT client_assertion_pkey PRIMARY KEY (client, jti)
);
CREATE INDEX client_assertion_expires_at_idx ON client_assertion (expires_at)
"""
# Keys that access tokens are signed with; the private half is sealed. The newest signs.
SIGNING_KEY = """
CREATE TABLE signing_key (
    kid text CONSTRAINT signing_key_pkey PRIMARY KEY,
    private bytea NOT NULL,
    public jsonb NOT NULL,
    made_at timestamptz NOT NULL,
    retired_at timestamptz
)
"""
# Token buckets. Unlogged: after a crash every bucket is full again, and no limit costs a disk's write.
RATE_BUCKET = """
CREATE UNLOGGED TABLE rate_bucket (
    key bytea CONSTRAINT rate_bucket_pkey PRIMARY KEY,
    level double precision NOT NULL,
    granted boolean NOT NULL,
    at timestamptz NOT NULL
) WITH (fillfactor = 70)
"""
# The audit chain: in each stream every row holds the hash of the one before.
AUDIT = """
CREATE TABLE audit (
    stream text NOT NULL,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    act text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_pkey PRIMARY KEY (stream, seq),
    CONSTRAINT audit_actor_check CHECK (actor <> '')
);
CREATE INDEX audit_subject_idx ON audit (subject)
"""
# The last row of each stream; a writer locks it, so a stream grows one row at a time.
AUDIT_HEAD = """
CREATE TABLE audit_head (
    stream text CONSTRAINT audit_head_pkey PRIMARY KEY,
    seq bigint NOT NULL,
    hash bytea NOT NULL
) WITH (fillfactor = 50)
"""
# Signed statements of all heads at a time, chained among themselves.
AUDIT_CHECKPOINT = """
CREATE TABLE audit_checkpoint (
    seq bigint CONSTRAINT audit_checkpoint_pkey PRIMARY KEY,
    at timestamptz NOT NULL,
    heads jsonb NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    signature bytea NOT NULL
)
"""


def upgrade() -> None:
    """Make the tables. Of the audit chain the service can neither change nor remove a row."""
    for table in (
        CARRIER, CLIENT, CLIENT_ASSERTION, SIGNING_KEY, RATE_BUCKET, AUDIT, AUDIT_HEAD, AUDIT_CHECKPOINT
    ):  # fmt: skip
        op.execute(table)
    serve("carrier", "INSERT")
    tenant("client", "INSERT", "UPDATE")
    serve("client_assertion", "INSERT", "DELETE")
    serve("signing_key", "INSERT", "UPDATE", "DELETE")
    serve("rate_bucket", "INSERT", "UPDATE", "DELETE")
    serve("audit", "INSERT")
    serve("audit_head", "INSERT", "UPDATE")
    serve("audit_checkpoint", "INSERT")
