"""People at the desks: accounts and sessions."""

from __future__ import annotations

from alembic import op

from simcheck.migrations.tenancy import tenant

revision = "0013"
down_revision = "0012"

# Accounts of the ministry's staff (without carrier) and of carriers' people. Somebody of kind oidc signs in
# at an identity provider and has neither password nor second step here.
PERSON = """
CREATE TABLE person (
    username text CONSTRAINT person_pkey PRIMARY KEY,
    carrier text CONSTRAINT person_carrier_fkey REFERENCES carrier (code),
    means text NOT NULL,
    name bytea NOT NULL,
    email bytea,
    roles text[] NOT NULL,
    password_hash text,
    must_change boolean NOT NULL DEFAULT false,
    claim_token bytea CONSTRAINT person_claim_token_key UNIQUE,
    totp_secret bytea,
    totp_step bigint,
    recovery bytea[] NOT NULL DEFAULT '{}'::bytea[],
    added_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    signed_in_at timestamptz,
    disabled_at timestamptz,
    CONSTRAINT person_username_check CHECK (username ~ '^[a-z][a-z0-9._-]{1,63}$'),
    CONSTRAINT person_means_check CHECK (means IN ('local', 'oidc')),
    CONSTRAINT person_roles_check CHECK (cardinality(roles) > 0 AND roles <@ CASE WHEN carrier IS NULL
        THEN ARRAY['reviewer', 'supervisor', 'analyst', 'auditor', 'administrator']
        ELSE ARRAY['uploader', 'manager'] END),
    CONSTRAINT person_proof_check CHECK (
        means = 'local' AND num_nonnulls(password_hash) = 1 AND num_nonnulls(claim_token) = 0
        OR means = 'oidc' AND num_nonnulls(claim_token) = 1 AND num_nonnulls(password_hash, totp_secret) = 0
    )
);
CREATE INDEX person_carrier_idx ON person (carrier)
"""
# Who has signed in, for a working day at most.
SESSION = """
CREATE TABLE staff_session (
    id uuid CONSTRAINT staff_session_pkey PRIMARY KEY,
    digest bytea NOT NULL CONSTRAINT staff_session_digest_key UNIQUE,
    username text NOT NULL CONSTRAINT staff_session_username_fkey REFERENCES person (username),
    carrier text CONSTRAINT staff_session_carrier_fkey REFERENCES carrier (code),
    means text NOT NULL,
    roles text[] NOT NULL,
    agent text NOT NULL,
    made_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX staff_session_expires_at_idx ON staff_session (expires_at);
CREATE INDEX staff_session_username_idx ON staff_session (username) WHERE revoked_at IS NULL
"""


def upgrade() -> None:
    """Make the tables. Accounts are disabled, never removed: their names stand in the audit chain."""
    for table in (PERSON, SESSION):
        op.execute(table)
    tenant("person", "INSERT", "UPDATE")
    tenant("staff_session", "INSERT", "UPDATE", "DELETE")
