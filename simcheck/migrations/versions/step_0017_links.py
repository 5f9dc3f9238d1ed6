"""What the administration's pages show: links' signs of life, looks through the audit chain, its indexes."""

from __future__ import annotations

from alembic import op

from simcheck.migrations.tenancy import serve

revision = "0017"
down_revision = "0016"

# A row for each link of each sender process, written every few seconds: worth nothing after a crash.
LINK_BEAT = """
CREATE UNLOGGED TABLE link_beat (
    process uuid NOT NULL,
    link text NOT NULL,
    channel text NOT NULL CONSTRAINT link_beat_channel_check CHECK (channel IN ('sms', 'email')),
    up boolean NOT NULL,
    resting boolean NOT NULL,
    rate double precision NOT NULL,
    set_rate double precision NOT NULL,
    failures double precision NOT NULL,
    latency double precision NOT NULL,
    in_hand integer NOT NULL,
    taken bigint NOT NULL,
    failed bigint NOT NULL,
    throttled bigint NOT NULL,
    per_second double precision NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT link_beat_pkey PRIMARY KEY (process, link)
) WITH (fillfactor = 50)
"""
# A look through the whole audit chain: asked for by somebody or by the clock, done by a job.
AUDIT_CHECK = """
CREATE TABLE audit_check (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT audit_check_pkey PRIMARY KEY,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    done_at timestamptz,
    rows bigint,
    stream text,
    seq bigint,
    cause text,
    CONSTRAINT audit_check_done_check CHECK ((done_at IS NULL) = (rows IS NULL)),
    CONSTRAINT audit_check_fault_check
        CHECK (num_nonnulls(stream, seq, cause) IN (0, 3) AND (stream IS NULL OR done_at IS NOT NULL))
)
"""
# The newest rows of all, of somebody, of an act; those of a subject had an index already.
AUDIT = """
CREATE INDEX audit_at_stream_seq_idx ON audit (at, stream, seq);
CREATE INDEX audit_actor_at_idx ON audit (actor, at);
CREATE INDEX audit_act_at_idx ON audit (act, at)
"""


def upgrade() -> None:
    """Make the tables and the indexes."""
    for step in (LINK_BEAT, AUDIT_CHECK, AUDIT):
        op.execute(step)
    serve("link_beat", "INSERT", "UPDATE", "DELETE")
    serve("audit_check", "INSERT", "UPDATE")
